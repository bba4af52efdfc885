package dev.outrigger.controlplane.ads;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Lets only a few sessions send much at once: what is sent is held in memory until a proxy has read
 * it, and a thousand proxies that begin together would need a thousand times as much. Who had a
 * turn already goes before those who had none, so that proxies are served one after another rather
 * than all of them by half. Thread-safe.
 */
final class PushTurns {
  /** How many have a turn at the same time. */
  private static final int MOST = 8;

  /** What needs no turn: pushes of fewer bytes than this. */
  static final int LITTLE = 128 << 10;

  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private int taken;

  /**
   * Takes a turn.
   *
   * @param granted called where this is false, as soon as there is one; on any thread, quick, and
   *     the same object as long as it waits
   * @param again whether the caller had one before
   */
  synchronized boolean take(Runnable granted, boolean again) {
    if (taken < MOST) {
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
