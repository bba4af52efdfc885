package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.config.Http2Config;
import io.netty.util.concurrent.Ticker;

/**
 * Counts what the peer of one HTTP/2 connection does without asking for anything, and says when it
 * is too much: of each kind there is an allowance that time gives back slowly, and that use earns
 * at once, within a bound. Time is asked for only when an allowance is used up. Confined to its
 * worker's event loop.
 *
 * <p>A client that cancels as many requests as it lets end, answers each DATA frame with a few
 * window updates, or measures the path with a PING for each, is never too much.
 */
@SuppressWarnings("EnumOrdinal") // a number for each kind, without a look-up
final class FloodLedger {
  private static final FloodKind[] KINDS = FloodKind.values();
  private static final long SECOND = 1_000_000_000L;
  private static final int EARNED = 20;

  private final Http2Config.FrameLimits limits;
  private final Ticker ticker;
  private final int[] left = new int[KINDS.length];
  private final long[] since = new long[KINDS.length];
  private int emptyInARow;

  FloodLedger(Http2Config.FrameLimits limits, Ticker ticker) {
    this.limits = limits;
    this.ticker = ticker;
    long now = ticker.nanoTime();
    for (FloodKind kind : KINDS) {
      left[kind.ordinal()] = allowed(kind);
      since[kind.ordinal()] = now;
    }
  }

  /** How much of it may come at once. */
  private int allowed(FloodKind kind) {
    return switch (kind) {
      case PROVOKED_RESET, BAD_HEADERS, LARGE_HEADERS, SETTINGS, EMPTY_DATA -> 100;
      case RAPID_RESET -> 200;
      case PRIORITY -> limits.priorityPerStream();
      case PING, TINY_WINDOWS, UNKNOWN_FRAMES, REFUSED_STREAMS, WINDOW_UPDATE -> 1000;
      case CONTINUATION, UNREAD_ANSWERS, TABLE_SIZE, SLOW_HEADERS, SLOW_BODY -> 0;
    };
  }

  /** One more of a kind; true if that is too much. */
  boolean tooMany(FloodKind kind) {
    int at = kind.ordinal();
    if (--left[at] >= 0) {
      return false;
    }
    int most = allowed(kind);
    long now = ticker.nanoTime();
    long back = (now - since[at]) / SECOND * (most / 10);
    if (back <= 0) {
      left[at] = -1;
      return true;
    }
    left[at] = (int) Math.min(most, back) - 1;
    since[at] = now;
    return false;
  }

  private void earn(FloodKind kind, int more) {
    int at = kind.ordinal();
    long most = (long) EARNED * Math.max(1000, allowed(kind));
    left[at] = (int) Math.max(left[at], Math.min(most, (long) left[at] + more));
  }

  /** A stream was opened by the peer. */
  void opened() {
    earn(FloodKind.PRIORITY, limits.priorityPerStream());
    earn(FloodKind.WINDOW_UPDATE, 2);
  }

  /** A stream ended as it should. */
  void ended() {
    earn(FloodKind.RAPID_RESET, 1);
  }

  /** We sent DATA. */
  void sentData() {
    earn(FloodKind.WINDOW_UPDATE, 2 * limits.windowUpdatesPerData());
    earn(FloodKind.PING, 1);
  }

  /** DATA came; false if too much of it was empty. */
  boolean data(boolean empty) {
    if (!empty) {
      emptyInARow = 0;
      return true;
    }
    return ++emptyInARow <= limits.emptyInARow();
  }
}
