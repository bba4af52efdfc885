package dev.outrigger.proxy.http.codec;

/**
 * When the windows of HTTP/2 are what holds a peer up: where half of one is used up in less than a
 * round trip by someone who reads on, and the way is so long that it matters. A PING beside DATA
 * measures the way. Confined to its connection's event loop.
 */
final class WindowGrowth {
  /** What the windows of single streams may become. */
  static final int MOST_OF_STREAM = 8 << 20;

  /** What the window of all streams together may become. */
  static final int MOST_OF_CONNECTION = 96 << 20;

  /** Half of a large window that is not given back would be half of what a long way carries. */
  static final int MOST_UNRETURNED = 512 << 10;

  /** What its PING carries. */
  static final long PING = 0x6f75_7472_6967_6772L;

  /** Shorter ways need no larger windows. */
  private static final long LONG_WAY = 5_000_000;

  private static final long AGAIN_AFTER = 1_000_000_000;

  private boolean known;
  private boolean waiting;
  private long asked;
  private long answered;
  private long roundTrip;

  /** Whether a PING is to be sent now; it is, then. */
  boolean asks(long now) {
    if (waiting || (known && now - answered < AGAIN_AFTER)) {
      return false;
    }
    waiting = true;
    asked = now;
    return true;
  }

  /** The PING's answer came. */
  void answered(long now) {
    if (waiting) {
      waiting = false;
      known = true;
      answered = now;
      roundTrip = now - asked;
    }
  }

  /**
   * By how much a window grows of which so many bytes were used up in so many nanoseconds. They may
   * be more than half of it: a whole window that comes at once in every round trip is held up, too.
   *
   * @param window as it is
   * @param most what it may become
   */
  int more(int window, int most, int bytes, long nanos) {
    boolean holdsUp =
        known && roundTrip >= LONG_WAY && nanos * (window / 2.0) < roundTrip * (double) bytes;
    return holdsUp ? Math.clamp(most - (long) window, 0, window) : 0;
  }
}
