package dev.outrigger.controlplane.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who did what to which experiment, when and why: a file of JSON lines that only grows. Each line
 * is on the disk before what it tells of takes effect. Not thread-safe.
 */
public final class ExperimentLedger implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ExperimentLedger.class);

  private final FileChannel file;
  private final List<ExperimentRun> entries = new ArrayList<>();

  private ExperimentLedger(FileChannel file) {
    this.file = file;
  }

  /**
   * Opens the ledger, or begins it. A last line that was cut off is dropped.
   *
   * @throws IOException also if a line is not one of ours
   */
  public static ExperimentLedger open(Path path) throws IOException {
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
    FileChannel file =
        FileChannel.open(
            path,
            EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    file.truncate(length);
    file.position(length);
    ExperimentLedger ledger = new ExperimentLedger(file);
    ledger.entries.addAll(read);
    return ledger;
  }

  /** All that ever happened, in order. */
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
      ByteBuffer line = StandardCharsets.UTF_8.encode(entry.toJson() + "\n");
      while (line.hasRemaining()) {
        file.write(line);
      }
      file.force(true);
    } catch (IOException e) {
      throw new UncheckedIOException("the ledger of experiments cannot be written", e);
    }
    entries.add(entry);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
