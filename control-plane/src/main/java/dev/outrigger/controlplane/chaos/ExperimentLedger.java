package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.ca.StateDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who did what to which experiment, when and why: a file of JSON lines. What makes faults act is on
 * the disk before it takes effect; what ends them waits for no disk. Lines are only added; a file
 * that is full is kept beside the new one as {@code .1}, in place of the one before, and the new
 * one begins with where each experiment stands. Not thread-safe, but for {@link #settle}.
 */
public final class ExperimentLedger implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ExperimentLedger.class);

  /** Of some hundred bytes each. */
  static final int MAX_ENTRIES = 20_000;

  private final Path path;
  private final int maxEntries;
  private final StateDisk disk;
  private final List<ExperimentRun> entries = new ArrayList<>();

  // Of the disk's thread:
  private FileChannel file;
  private long lineBegins;

  private ExperimentLedger(Path path, FileChannel file, int maxEntries, StateDisk disk) {
    this.path = path;
    this.file = file;
    this.maxEntries = maxEntries;
    this.disk = disk;
  }

  /**
   * Opens the ledger, or begins it. A last line that was cut off is dropped.
   *
   * @param disk writes it
   * @throws IOException also if a line is not one of ours
   */
  public static ExperimentLedger open(Path path, StateDisk disk) throws IOException {
    return open(path, disk, MAX_ENTRIES);
  }

  static ExperimentLedger open(Path path, StateDisk disk, int maxEntries) throws IOException {
    Path parent = path.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    List<ExperimentRun> read = new ArrayList<>();
    long length = 0;
    if (Files.exists(path)) {
      String text = Files.readString(path);
      int start = 0;
      for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        String line = text.substring(start, end);
        try {
          read.add(ExperimentRun.parse(line));
        } catch (IllegalArgumentException e) {
          throw new IOException(path + ": " + e.getMessage(), e);
        }
        start = end + 1;
      }
      length = text.substring(0, start).getBytes(StandardCharsets.UTF_8).length;
      if (start < text.length()) {
        LOG.warn("{}: the last line was cut off and is dropped", path);
      }
    }
    FileChannel file = channel(path);
    file.truncate(length);
    file.position(length);
    ExperimentLedger ledger = new ExperimentLedger(path, file, maxEntries, disk);
    ledger.entries.addAll(read);
    return ledger;
  }

  private static FileChannel channel(Path path) throws IOException {
    return FileChannel.open(
        path,
        EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  /** What happened, in order, as far back as this file goes. */
  public List<ExperimentRun> entries() {
    return List.copyOf(entries);
  }

  /**
   * Writes one down; on the disk when this returns.
   *
   * @throws UncheckedIOException if the disk refuses, or does not answer in time; then it did not
   *     happen
   */
  void append(ExperimentRun entry) {
    makeRoom();
    try {
      disk.now(
          () -> {
            write(entry);
            return true;
          },
          () -> cut(lineBegins));
    } catch (IOException e) {
      throw new UncheckedIOException("the ledger of experiments cannot be written", e);
    }
    entries.add(entry);
  }

  /** Writes one down once the disk gets to it; it happened, whether that can be written or not. */
  void appendSoon(ExperimentRun entry) {
    makeRoom();
    disk.soon(
        () -> write(entry),
        e ->
            LOG.error(
                "{} {}, but it is not in the ledger", entry.experiment(), entry.event().text(), e));
    entries.add(entry);
  }

  /** Waits for the disk, within bounds; whether all that happened is on it. */
  boolean settle() {
    return disk.settle();
  }

  private void write(ExperimentRun entry) throws IOException {
    lineBegins = file.position();
    try {
      write(file, entry);
      file.force(true);
    } catch (IOException e) {
      // The next line begins where this one did.
      cut(lineBegins);
      throw e;
    }
  }

  private void cut(long length) throws IOException {
    if (file.isOpen()) {
      file.truncate(length);
      file.position(length);
    }
  }

  private static void write(FileChannel file, ExperimentRun entry) throws IOException {
    ByteBuffer line = StandardCharsets.UTF_8.encode(entry.toJson() + "\n");
    while (line.hasRemaining()) {
      file.write(line);
    }
  }

  private void makeRoom() {
    if (entries.size() < maxEntries) {
      return;
    }
    Map<String, ExperimentRun> standing = new LinkedHashMap<>();
    entries.forEach(entry -> standing.put(entry.experiment(), entry));
    standing.values().removeIf(ExperimentRun::removed);
    List<ExperimentRun> kept = List.copyOf(standing.values());
    entries.clear();
    entries.addAll(kept);
    disk.soon(
        () -> rotate(kept), e -> LOG.error("{} is full, and a new one cannot be begun", path, e));
  }

  /** Whatever fails on the way, a whole ledger is at the path: the old one or the new one. */
  private void rotate(List<ExperimentRun> kept) throws IOException {
    Path fresh = path.resolveSibling(path.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    FileChannel next = channel(fresh);
    try {
      for (ExperimentRun entry : kept) {
        write(next, entry);
      }
      next.force(true);
      Path old = path.resolveSibling(path.getFileName() + ".1");
      Files.deleteIfExists(old);
      Files.createLink(old, path);
      Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException e) {
      next.close();
      throw e;
    }
    file.close();
    file = next;
  }

  /** Waits for the disk, within bounds. */
  @Override
  public void close() throws IOException {
    disk.now(
        () -> {
          file.close();
          return true;
        });
  }
}
