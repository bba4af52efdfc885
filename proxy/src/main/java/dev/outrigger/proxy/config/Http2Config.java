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
 */
public record Http2Config(
    int maxStreams,
    int streamWindow,
    int connectionWindow,
    Duration keepAlive,
    Duration keepAliveTimeout) {
  /** Safe towards clients that are not trusted. */
  public static final Http2Config DEFAULT =
      new Http2Config(100, 65_535, 1024 * 1024, Duration.ZERO, Duration.ofSeconds(10));
}
