package dev.outrigger.proxy.telemetry;

import java.util.HashMap;
import java.util.Map;

/**
 * Series of one metric family with their counters; bounded, so that no peer can make it grow
 * without end: what comes beyond the bound is counted under "other". Confined to whoever owns it.
 */
final class SeriesMap {
  /** The bound on series of one family. */
  static final int MAX_SERIES = 2000;

  private final Map<LabelSet, long[]> series = new HashMap<>();
  private final int counters;
  private long folded;

  /**
   * @param counters how many numbers each series has
   */
  SeriesMap(int counters) {
    this.counters = counters;
  }

  /** The counters of a series, to be added to; the labels are copied where they are new. */
  long[] of(LabelSet labels) {
    long[] found = series.get(labels);
    if (found != null) {
      return found;
    }
    LabelSet key = labels.copy();
    if (series.size() >= MAX_SERIES) {
      folded++;
      key = labels.other();
      found = series.get(key);
      if (found != null) {
        return found;
      }
    }
    long[] made = new long[counters];
    series.put(key, made);
    return made;
  }

  /** How many look-ups found no room. */
  long folded() {
    return folded;
  }

  Map<LabelSet, long[]> all() {
    return series;
  }

  /** Adds all that another one has. */
  void add(SeriesMap more) {
    folded += more.folded;
    more.series.forEach(
        (labels, values) -> {
          long[] sum = of(labels);
          for (int i = 0; i < counters; i++) {
            sum[i] += values[i];
          }
        });
  }
}
