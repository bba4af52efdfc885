package dev.outrigger.controlplane.source;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Durations as people write them in documents and on command lines. */
public final class Durations {
  private Durations() {}

  /** Reads {@code 300ms}, {@code 1m30s}; null where it is none. */
  public static @Nullable Duration parse(String text) {
    return Units.duration(text);
  }
}
