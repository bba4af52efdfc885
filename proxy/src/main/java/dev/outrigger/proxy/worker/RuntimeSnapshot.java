package dev.outrigger.proxy.worker;

import dev.outrigger.proxy.config.RuntimeConfig;

/**
 * A whole configuration in the form that workers read: deeply immutable, compiled off the workers.
 * An exchange keeps the one it began with.
 *
 * @param sequence grows with each publication; 0 is the empty one
 * @param config what it was compiled from
 */
public record RuntimeSnapshot(long sequence, RuntimeConfig config) {
  /** Before anything was published. */
  public static final RuntimeSnapshot EMPTY = new RuntimeSnapshot(0, RuntimeConfig.empty());
}
