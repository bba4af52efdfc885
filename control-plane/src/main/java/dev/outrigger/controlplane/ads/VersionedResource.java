package dev.outrigger.controlplane.ads;

import com.google.protobuf.Any;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A resource as it goes on the wire.
 *
 * @param body packed once, sent to many
 * @param version decided by the content alone, so that every replica and every restart gives the
 *     same
 * @param ttl the lease under which it is sent (xDS: {@code Resource.ttl}); null sends it for good
 */
public record VersionedResource(Any body, String version, @Nullable Duration ttl) {

  /** A resource without a lease, its version the first 64 bits of the SHA-256 of its bytes. */
  public static VersionedResource of(Message message) {
    return of(message, null);
  }

  /** The same under a lease, which is not part of the version. */
  public static VersionedResource of(Message message, @Nullable Duration ttl) {
    byte[] bytes = new byte[message.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    // Map fields have no order of their own; without this two replicas could disagree.
    out.useDeterministicSerialization();
    try {
      message.writeTo(out);
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
      return new VersionedResource(
          Any.newBuilder()
              .setTypeUrl("type.googleapis.com/" + message.getDescriptorForType().getFullName())
              .setValue(com.google.protobuf.UnsafeByteOperations.unsafeWrap(bytes))
              .build(),
          HexFormat.of().formatHex(hash, 0, 8),
          ttl);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
