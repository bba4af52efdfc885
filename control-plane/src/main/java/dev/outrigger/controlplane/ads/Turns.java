package dev.outrigger.controlplane.ads;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Lets only a few do at once what takes much memory, one after another rather than all of them by
 * half. Who had a turn already goes before those who had none. Thread-safe.
 */
final class Turns {
  private final int most;
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private int taken;

  /**
   * @param most how many have a turn at the same time
   */
  Turns(int most) {
    this.most = most;
  }

  /**
   * Takes a turn.
   *
   * @param granted called where this is false, as soon as there is one; on any thread, quick, and
   *     the same object as long as it waits
   * @param again whether the caller had one before
   */
  synchronized boolean take(Runnable granted, boolean again) {
    if (taken < most) {
      taken++;
      return true;
    }
    if (again) {
      waiting.addFirst(granted);
    } else {
      waiting.addLast(granted);
    }
    return false;
  }

  /** How many wait. */
  synchronized int waiting() {
    return waiting.size();
  }

  /** Does not wait any longer; a turn that was granted meanwhile is to be given back. */
  synchronized void leave(Runnable granted) {
    waiting.remove(granted);
  }

  /** Gives a turn back. */
  void giveBack() {
    Runnable next;
    synchronized (this) {
      next = waiting.poll();
      if (next == null) {
        taken--;
        return;
      }
    }
    next.run();
  }
}
