package dev.outrigger.proxy.xds;

import com.google.protobuf.InvalidProtocolBufferException;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last good configuration on disk, so that a proxy can start without its control plane. One
 * file, readable by its owner only since it may hold keys; written beside and renamed, so that it
 * is whole or not there. Faults are never in it. Blocking: never called on a loop that serves.
 *
 * <p>The file: 8 bytes of magic, 32 bytes SHA-256 of the rest, then one {@code
 * DeltaDiscoveryResponse} whose resources are what was held and whose {@code system_version_info}
 * is the node's ID.
 */
public final class ResourceCache {
  private static final Logger LOG = LoggerFactory.getLogger(ResourceCache.class);
  private static final byte[] MAGIC = "ORXDS\0\0\1".getBytes(StandardCharsets.US_ASCII);
  private static final int HASH_BYTES = 32;
  private static final long MAX_BYTES = 512L << 20;

  private final Path file;
  private final String node;

  /**
   * @param folder made if missing
   * @param node the cache of another node is not used
   */
  public ResourceCache(Path folder, String node) {
    this.file = folder.resolve("xds-cache.bin");
    this.node = node;
  }

  /** What was saved last; empty if there is nothing that can be trusted. */
  List<Resource> load() {
    try {
      if (!Files.exists(file)) {
        return List.of();
      }
      if (Files.size(file) > MAX_BYTES) {
        return refuse("it is larger than " + MAX_BYTES + " bytes");
      }
      byte[] all = Files.readAllBytes(file);
      int start = MAGIC.length + HASH_BYTES;
      if (all.length < start || !Arrays.equals(MAGIC, Arrays.copyOf(all, MAGIC.length))) {
        return refuse("it is not such a file");
      }
      byte[] body = Arrays.copyOfRange(all, start, all.length);
      if (!MessageDigest.isEqual(hash(body), Arrays.copyOfRange(all, MAGIC.length, start))) {
        return refuse("its checksum does not match");
      }
      DeltaDiscoveryResponse content = DeltaDiscoveryResponse.parseFrom(body);
      if (!content.getSystemVersionInfo().equals(node)) {
        return refuse("it belongs to the node '" + content.getSystemVersionInfo() + "'");
      }
      return content.getResourcesList();
    } catch (InvalidProtocolBufferException e) {
      return refuse(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      return refuse(e.toString());
    }
  }

  /** Replaces what was saved. */
  void save(List<Resource> resources) throws IOException {
    byte[] body =
        DeltaDiscoveryResponse.newBuilder()
            .setSystemVersionInfo(node)
            .addAllResources(resources)
            .build()
            .toByteArray();
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Path next = absolute.resolveSibling(file.getFileName() + ".next");
    Files.deleteIfExists(next);
    try (FileChannel out =
        FileChannel.open(
            next,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      for (byte[] part : List.of(MAGIC, hash(body), body)) {
        ByteBuffer bytes = ByteBuffer.wrap(part);
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
      }
      out.force(true);
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      // The rename itself must survive a power cut too.
      directory.force(true);
    }
  }

  private List<Resource> refuse(String reason) {
    LOG.warn("the configuration saved in {} is not used: {}", file, reason);
    return List.of();
  }

  private static byte[] hash(byte[] body) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(body);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
