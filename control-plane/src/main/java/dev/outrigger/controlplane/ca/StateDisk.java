package dev.outrigger.controlplane.ca;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A disk that may hang. What is asked of it is done in order, on a thread of its own, and nobody
 * waits for it longer than a bound; once somebody did in vain, nobody waits at all until it answers
 * again. Thread-safe.
 */
public final class StateDisk {
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final Duration patience;
  private final ThreadPoolExecutor thread;

  /** What somebody waited for in vain. */
  private volatile @Nullable Task<?> stuck;

  /** Something that is done on the disk. */
  @FunctionalInterface
  public interface Work<T extends @Nullable Object> {
    T run() throws IOException;
  }

  /** Something that is done on the disk and has no result. */
  @FunctionalInterface
  public interface Step {
    void run() throws IOException;
  }

  /** One whose callers wait for a second at most. */
  public StateDisk() {
    this(PATIENCE);
  }

  /**
   * @param patience for how long callers wait at most
   */
  public StateDisk(Duration patience) {
    this.patience = patience;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("outrigger-disk").factory());
    thread.allowCoreThreadTimeOut(true);
  }

  /**
   * Does it after all that was asked before, and waits for it.
   *
   * @param undo takes it back where it was done after all, but too late
   * @throws IOException if it fails, or the disk does not answer in time; then it is not done, or
   *     taken back
   */
  public <T extends @Nullable Object> T now(Work<T> work, Step undo) throws IOException {
    @Nullable Task<?> before = stuck;
    if (before != null) {
      if (!before.isOver()) {
        throw new IOException("the disk does not answer");
      }
      stuck = null;
    }
    Task<T> task = new Task<>(work, undo);
    thread.execute(task);
    if (task.await(patience) || !task.giveUp()) {
      return task.result();
    }
    stuck = task;
    throw new IOException("the disk did not answer for " + patience.toMillis() + " ms");
  }

  /** The same where nothing is to be taken back, such as for something that only reads. */
  public <T extends @Nullable Object> T now(Work<T> work) throws IOException {
    return now(work, () -> {});
  }

  /**
   * Does it after all that was asked before. Nobody waits for it.
   *
   * @param failed hears of a failure, on the disk's thread
   */
  public void soon(Step step, Consumer<IOException> failed) {
    thread.execute(
        () -> {
          try {
            step.run();
          } catch (IOException e) {
            failed.accept(e);
          }
        });
  }

  /**
   * Waits until all that was asked so far is done.
   *
   * @return whether it is; false if the disk does not answer in time
   */
  public boolean settle() {
    try {
      now(() -> true);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Waiting → running → over; given up by whoever waits from the first two. */
  private static final class Task<T extends @Nullable Object> implements Runnable {
    private final Work<T> work;
    private final Step undo;
    private final CountDownLatch over = new CountDownLatch(1);
    private boolean answered;
    private boolean givenUp;
    private @Nullable T result;
    private @Nullable IOException failure;

    Task(Work<T> work, Step undo) {
      this.work = work;
      this.undo = undo;
    }

    @Override
    public void run() {
      try {
        if (!isGivenUp()) {
          work();
        }
      } finally {
        over.countDown();
      }
    }

    private void work() {
      @Nullable T made = null;
      @Nullable IOException failed = null;
      try {
        made = work.run();
      } catch (IOException e) {
        failed = e;
      } catch (RuntimeException e) {
        failed = new IOException(e);
      }
      if (answer(made, failed) || failed != null) {
        return;
      }
      try {
        undo.run();
      } catch (IOException _) {
        // Whoever asked has been told that it failed.
      }
    }

    private synchronized boolean isGivenUp() {
      return givenUp;
    }

    private synchronized boolean answer(@Nullable T made, @Nullable IOException failed) {
      result = made;
      failure = failed;
      answered = true;
      return !givenUp;
    }

    /** Whether nobody waits for it from now on; false if it was done meanwhile. */
    synchronized boolean giveUp() {
      givenUp = !answered;
      return givenUp;
    }

    boolean isOver() {
      return over.getCount() == 0;
    }

    /** Waits on when interrupted: what is half written helps nobody. */
    boolean await(Duration patience) {
      boolean interrupted = false;
      try {
        while (true) {
          try {
            return over.await(patience.toNanos(), TimeUnit.NANOSECONDS);
          } catch (InterruptedException e) {
            interrupted = true;
          }
        }
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    @SuppressWarnings("NullAway") // Null where what was asked for gives null.
    synchronized T result() throws IOException {
      if (failure != null) {
        throw new IOException(failure.getMessage(), failure);
      }
      return result;
    }
  }
}
