package dev.outrigger.controlplane.chaos;

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
 * Who did what to which experiment, when and why: a file of JSON lines. Each line is on the disk
 * before what it tells of takes effect. Lines are only added; a file that is full is kept beside
 * the new one as {@code .1}, in place of the one before, and the new one begins with where each
 * experiment stands. Not thread-safe.
 */
public final class ExperimentLedger implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ExperimentLedger.class);

  /** Of some hundred bytes each. */
  static final int MAX_ENTRIES = 20_000;

  private final Path path;
  private final int maxEntries;
  private FileChannel file;
  private final List<ExperimentRun> entries = new ArrayList<>();

  private ExperimentLedger(Path path, FileChannel file, int maxEntries) {
    this.path = path;
    this.file = file;
    this.maxEntries = maxEntries;
  }

  /**
   * Opens the ledger, or begins it. A last line that was cut off is dropped.
   *
   * @throws IOException also if a line is not one of ours
   */
  public static ExperimentLedger open(Path path) throws IOException {
    return open(path, MAX_ENTRIES);
  }

  static ExperimentLedger open(Path path, int maxEntries) throws IOException {
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
    ExperimentLedger ledger = new ExperimentLedger(path, file, maxEntries);
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
   * Writes one down.
   *
   * @throws UncheckedIOException if the disk refuses; then it did not happen
   */
  void append(ExperimentRun entry) {
    try {
      if (entries.size() >= maxEntries) {
        rotate();
      }
      write(file, entry);
      file.force(true);
    } catch (IOException e) {
      throw new UncheckedIOException("the ledger of experiments cannot be written", e);
    }
    entries.add(entry);
  }

  private static void write(FileChannel file, ExperimentRun entry) throws IOException {
    ByteBuffer line = StandardCharsets.UTF_8.encode(entry.toJson() + "\n");
    while (line.hasRemaining()) {
      file.write(line);
    }
  }

  /** Whatever fails on the way, a whole ledger is at the path: the old one or the new one. */
  private void rotate() throws IOException {
    Map<String, ExperimentRun> standing = new LinkedHashMap<>();
    entries.forEach(entry -> standing.put(entry.experiment(), entry));
    standing.values().removeIf(ExperimentRun::removed);
    Path fresh = path.resolveSibling(path.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    FileChannel next = channel(fresh);
    try {
      for (ExperimentRun entry : standing.values()) {
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
    entries.clear();
    entries.addAll(standing.values());
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
