package dev.outrigger.proxy.config;

import java.time.Duration;

/**
 * How HTTP/2 is spoken on a connection (xDS: {@code Http2ProtocolOptions}).
 *
 * @param maxStreams what a peer may have open at once
 * @param streamWindow bytes of one stream that may come before some are taken on; 65535 and more
 * @param connectionWindow the same for all streams together
 * @param keepAlive a PING after so long without bytes from the peer; zero sends none
 * @param keepAliveTimeout the connection is closed when nothing came for so long after a PING
 * @param frames bounds on frames that ask for nothing
 * @param extendedConnect whether a client is offered the extended CONNECT of RFC 8441; an
 *     upstream's own offer decides whether it is used there
 */
public record Http2Config(
    int maxStreams,
    int streamWindow,
    int connectionWindow,
    Duration keepAlive,
    Duration keepAliveTimeout,
    FrameLimits frames,
    boolean extendedConnect) {
  /**
   * Beyond these a connection is closed with ENHANCE_YOUR_CALM.
   *
   * @param unsent frames of any kind that the peer does not read
   * @param unsentReplies the same of acknowledgements and resets
   * @param emptyInARow DATA without data and without the end of a stream, one after the other
   * @param priorityPerStream PRIORITY, for each stream that was opened and once more
   * @param windowUpdatesPerData WINDOW_UPDATE of each of the two windows, for each DATA frame sent
   */
  public record FrameLimits(
      int unsent,
      int unsentReplies,
      int emptyInARow,
      int priorityPerStream,
      int windowUpdatesPerData) {
    /** Those of Envoy. */
    public static final FrameLimits DEFAULT = new FrameLimits(10_000, 1000, 1, 100, 10);
  }

  /** With the limits of Envoy, and without extended CONNECT. */
  public Http2Config(
      int maxStreams,
      int streamWindow,
      int connectionWindow,
      Duration keepAlive,
      Duration keepAliveTimeout) {
    this(
        maxStreams,
        streamWindow,
        connectionWindow,
        keepAlive,
        keepAliveTimeout,
        FrameLimits.DEFAULT,
        false);
  }

  /** Safe towards clients that are not trusted. */
  public static final Http2Config DEFAULT =
      new Http2Config(100, 65_535, 1024 * 1024, Duration.ZERO, Duration.ofSeconds(10));
}
