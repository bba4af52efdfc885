package dev.outrigger.proxy.config;

/**
 * Whether spans are made for exchanges.
 *
 * @param enabled false neither makes spans nor touches trace headers
 * @param samplePercent share of traces begun here that are recorded, 0 to 100; a caller's decision
 *     is kept
 */
public record TracingConfig(boolean enabled, double samplePercent) {
  public static final TracingConfig OFF = new TracingConfig(false, 0);
}
