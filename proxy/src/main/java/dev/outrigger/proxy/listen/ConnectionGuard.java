package dev.outrigger.proxy.listen;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many connections a listener may have open on all workers together. One of the few things that
 * workers share (see DECISIONS.md): a limit of the whole process cannot be split without refusing
 * too early.
 */
final class ConnectionGuard {
  private final AtomicInteger open = new AtomicInteger();

  /** Counts a connection in unless there are too many. */
  boolean tryEnter(int limit) {
    if (open.incrementAndGet() > limit) {
      open.decrementAndGet();
      return false;
    }
    return true;
  }

  void leave() {
    open.decrementAndGet();
  }
}
