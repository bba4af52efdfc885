package dev.outrigger.controlplane.ca;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One control plane at a time works with a state folder; others wait until it is gone, and then one
 * of them takes its place. The kernel lets the lock go when a process ends, however it ends. A
 * folder on a network needs a file system with locks.
 */
public final class StateLock implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StateLock.class);
  private static final long LOOK_AGAIN_NANOS = 50_000_000;

  private final FileChannel file;

  private StateLock(FileChannel file) {
    this.file = file;
  }

  /**
   * Takes the folder, which is made if it does not exist; blocks while another one has it.
   *
   * @throws IOException if it cannot be used, or the thread is interrupted while it waits
   */
  public static StateLock take(Path folder) throws IOException {
    StateFolder.open(folder);
    FileChannel file =
        FileChannel.open(
            folder.resolve("lock"),
            EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    boolean said = false;
    try {
      while (!tried(file)) {
        if (!said) {
          said = true;
          LOG.info("waits as a standby: another control plane works with {}", folder);
        }
        LockSupport.parkNanos(LOOK_AGAIN_NANOS);
        if (Thread.interrupted()) {
          throw new IOException("interrupted while another control plane works with " + folder);
        }
      }
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
    if (said) {
      LOG.warn("the control plane that worked with {} is gone; this one takes its place", folder);
    }
    return new StateLock(file);
  }

  private static boolean tried(FileChannel file) throws IOException {
    try {
      @Nullable FileLock lock = file.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false; // Another one in this process.
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
