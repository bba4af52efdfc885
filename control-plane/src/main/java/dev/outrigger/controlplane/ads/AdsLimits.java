package dev.outrigger.controlplane.ads;

import java.time.Duration;

/**
 * Bounds on what a proxy can make the control plane do.
 *
 * @param maxStreams open streams of all proxies together
 * @param maxTypes resource types asked for on one stream
 * @param maxNames names asked for in one type on one stream
 * @param maxNameLength characters of a name, a node ID or a type
 * @param maxMessageBytes of one request
 * @param firstRequest a stream that says nothing for so long is closed
 * @param hold how long listeners and routes may wait for clusters and endpoints to be acknowledged
 */
public record AdsLimits(
    int maxStreams,
    int maxTypes,
    int maxNames,
    int maxNameLength,
    int maxMessageBytes,
    Duration firstRequest,
    Duration hold) {
  public static final AdsLimits DEFAULT =
      new AdsLimits(
          10_000, 64, 50_000, 1024, 16 << 20, Duration.ofSeconds(10), Duration.ofSeconds(5));
}
