package dev.outrigger.controlplane.ads;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The first moments of a stream, in which a proxy tells what it asks for and what it has. Thousands
 * of names take a megabyte until they are compared, and after a restart all proxies come at once,
 * so only a few are read at the same time; the others are answered the sooner, and one that says
 * nothing keeps nobody waiting for long. Confined to its executor.
 */
final class Introduction {
  /** So many are read at once. */
  static final int MOST = 16;

  /** A stream that says nothing for so long has introduced itself. */
  static final Duration QUIET = Duration.ofMillis(100);

  /** How long the first request is waited for, as often as {@link #QUIET}. */
  static final int PATIENCE = 10;

  /** A first request of fewer bytes is of a proxy that has little to tell. */
  static final int LITTLE = 16 << 10;

  /** After so many it has introduced itself, whatever it goes on to say. */
  static final int LONGEST = 20;

  private final Turns turns;
  private final EventExecutor executor;
  private final Runnable read;
  private final Runnable granted = this::onTurnGranted;
  private State state = State.NEW;
  private @Nullable ScheduledFuture<?> look;
  private int looks;
  private int requests;
  private int seen;

  private enum State {
    NEW,
    WAITING,
    READING,
    OVER
  }

  /**
   * @param read begins to read the stream
   */
  Introduction(Turns turns, EventExecutor executor, Runnable read) {
    this.turns = turns;
    this.executor = executor;
    this.read = read;
  }

  /** Reads the stream, now or when others are through. */
  void begin() {
    assert executor.inEventLoop();
    if (state != State.NEW) {
      return;
    }
    state = State.WAITING;
    if (turns.take(granted, false)) {
      start();
    }
  }

  /**
   * A request has been dealt with.
   *
   * @param bytes of it
   */
  void onRequest(int bytes) {
    assert executor.inEventLoop();
    requests++;
    if (requests == 1 && bytes < LITTLE) {
      finish();
    }
  }

  /** The stream is gone. */
  void end() {
    assert executor.inEventLoop();
    if (state == State.WAITING) {
      turns.leave(granted);
    }
    finish();
  }

  private void finish() {
    boolean reading = state == State.READING;
    state = State.OVER;
    if (reading) {
      if (look != null) {
        look.cancel(false);
      }
      turns.giveBack();
    }
  }

  /** On any thread. */
  private void onTurnGranted() {
    executor.execute(
        () -> {
          if (state == State.WAITING) {
            start();
          } else {
            turns.giveBack();
          }
        });
  }

  private void start() {
    state = State.READING;
    lookAgain();
    read.run();
  }

  private void lookAgain() {
    look = executor.schedule(this::look, QUIET.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void look() {
    if (state != State.READING) {
      return;
    }
    looks++;
    boolean silent = requests == seen && (requests > 0 || looks == PATIENCE);
    if (silent || looks == LONGEST) {
      finish();
    } else {
      seen = requests;
      lookAgain();
    }
  }
}
