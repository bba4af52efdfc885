package dev.outrigger.proxy.telemetry;

import java.util.Locale;

/**
 * Takes metrics one after the other: a family, then its samples. Labels come as names and values in
 * turn.
 */
interface MetricSink {
  /** What a family's samples mean. */
  enum Type {
    COUNTER,
    GAUGE,
    HISTOGRAM;

    /** As in the Prometheus text format. */
    String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Begins a family; a name comes once. */
  void family(String name, Type type, String help);

  /** A sample of the family begun last. */
  void value(long value, String... labels);

  /** The same for what is no whole number. */
  void decimal(double value, String... labels);

  /** A histogram of the family begun last. */
  void histogram(DurationHistogram histogram, String... labels);
}
