package dev.outrigger.controlplane.access;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.ca.StateDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.EnumSet;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who asked for which change over the API, when, why, from where, and what came of it: a file of
 * JSON lines; a full one is kept beside it as {@code .1}. A line that cannot be written is told to
 * the log, and the change is made all the same, since it may be the one that ends faults; nor does
 * it wait for the disk. Thread-safe.
 */
public final class AuditLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);
  private static final long MAX_BYTES = 8L << 20;
  private static final int MAX_TEXT = 500;

  private final Path path;
  private final InstantSource clock;
  private final StateDisk disk;

  /** Of the disk's thread. */
  private FileChannel file;

  private AuditLog(Path path, InstantSource clock, StateDisk disk, FileChannel file) {
    this.path = path;
    this.clock = clock;
    this.disk = disk;
    this.file = file;
  }

  /**
   * Opens the log, or begins it.
   *
   * @param disk writes it
   */
  public static AuditLog open(Path path, InstantSource clock, StateDisk disk) throws IOException {
    return new AuditLog(path, clock, disk, channel(path));
  }

  /**
   * One request.
   *
   * @param who the token's bearer, or who the request says it is
   * @param why as the request says; may be empty
   * @param verb method and path
   * @param code of a refusal; empty if it was done
   */
  public record Entry(
      String who, Role role, String from, String verb, String why, int status, String code) {}

  /** Writes one down once the disk gets to it. */
  public void add(Entry entry) {
    JsonObject json = new JsonObject();
    json.addProperty("at", clock.instant().toString());
    json.addProperty("who", bounded(entry.who()));
    json.addProperty("role", entry.role().text());
    json.addProperty("from", bounded(entry.from()));
    json.addProperty("verb", bounded(entry.verb()));
    json.addProperty("why", bounded(entry.why()));
    json.addProperty("status", entry.status());
    if (!entry.code().isEmpty()) {
      json.addProperty("code", entry.code());
    }
    disk.soon(() -> write(json), e -> LOG.error("not in the audit log: {}", json, e));
  }

  private void write(JsonObject json) throws IOException {
    if (file.position() > MAX_BYTES) {
      rotate();
    }
    ByteBuffer line = StandardCharsets.UTF_8.encode(json + "\n");
    while (line.hasRemaining()) {
      file.write(line);
    }
  }

  /**
   * The latest, the last one first; lines of others are left out.
   *
   * @throws IOException also if the disk does not answer in time
   */
  public JsonArray latest(int most) throws IOException {
    List<String> lines = disk.now(() -> Files.readAllLines(path));
    JsonArray list = new JsonArray();
    for (int i = lines.size() - 1; i >= 0 && list.size() < most; i--) {
      try {
        JsonElement line = JsonParser.parseString(lines.get(i));
        if (line.isJsonObject()) {
          list.add(line);
        }
      } catch (JsonParseException e) {
        // A line that was cut off.
      }
    }
    return list;
  }

  private void rotate() throws IOException {
    Files.move(
        path,
        path.resolveSibling(path.getFileName() + ".1"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    file.close();
    file = channel(path);
  }

  private static FileChannel channel(Path path) throws IOException {
    FileChannel channel =
        FileChannel.open(
            path,
            EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    channel.position(channel.size());
    return channel;
  }

  private static String bounded(String text) {
    return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "…";
  }

  @Override
  public void close() throws IOException {
    disk.now(
        () -> {
          file.close();
          return true;
        });
  }
}
