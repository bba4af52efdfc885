package dev.outrigger.proxy.toxiproxy;

import dev.outrigger.fault.Fault;
import dev.outrigger.fault.Spread;
import dev.outrigger.fault.toxic.BandwidthToxic;
import dev.outrigger.fault.toxic.LatencyToxic;
import dev.outrigger.fault.toxic.LimitToxic;
import dev.outrigger.fault.toxic.PartitionToxic;
import dev.outrigger.fault.toxic.ResetOnByteToxic;
import dev.outrigger.fault.toxic.SlicerToxic;
import dev.outrigger.fault.toxic.SlowCloseToxic;
import dev.outrigger.fault.toxic.TimeoutToxic;
import dev.outrigger.fault.toxic.Toxic;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The types of toxics that Toxiproxy has, with the attributes of each and what they come to here.
 */
enum ToxicKind {
  /** {@code latency} and {@code jitter} in milliseconds. */
  LATENCY("LatencyToxic", "latency", "jitter") {
    @Override
    Toxic toxic(Map<String, Long> attributes) {
      return new LatencyToxic(
          spread(
              Math.clamp(of(attributes, "latency"), 0, LONGEST),
              Math.clamp(of(attributes, "jitter"), 0, LONGEST)));
    }
  },
  /** {@code rate} in KB/s, which are 1000 bytes; none lets no byte pass. */
  BANDWIDTH("BandwidthToxic", "rate") {
    @Override
    Toxic toxic(Map<String, Long> attributes) {
      long rate = of(attributes, "rate");
      return rate <= 0
          ? new PartitionToxic()
          : new BandwidthToxic(Math.min(rate, Fault.FASTEST / 1000) * 1000);
    }
  },
  /** {@code delay} in milliseconds. */
  SLOW_CLOSE("SlowCloseToxic", "delay") {
    @Override
    Toxic toxic(Map<String, Long> attributes) {
      return new SlowCloseToxic(millis(of(attributes, "delay")));
    }
  },
  /** {@code timeout} in milliseconds; none waits for ever. */
  TIMEOUT("TimeoutToxic", "timeout") {
    @Override
    Toxic toxic(Map<String, Long> attributes) {
      return new TimeoutToxic(millis(of(attributes, "timeout")));
    }
  },
  /** {@code timeout} in milliseconds. */
  RESET_PEER("ResetToxic", "timeout") {
    @Override
    Toxic toxic(Map<String, Long> attributes) {
      return new ResetOnByteToxic(millis(of(attributes, "timeout")));
    }
  },
  /** {@code average_size} and {@code size_variation} in bytes, {@code delay} in microseconds. */
  SLICER("SlicerToxic", "average_size", "size_variation", "delay") {
    @Override
    Toxic toxic(Map<String, Long> attributes) {
      long size = Math.min(of(attributes, "average_size"), Integer.MAX_VALUE / 2);
      // Toxiproxy ends itself where it is asked for pieces of no size; here they stay whole.
      return new SlicerToxic(
          size < 1 ? Integer.MAX_VALUE / 2 : (int) size,
          (int) Math.clamp(of(attributes, "size_variation"), 0, Math.max(size - 1, 0)),
          Duration.of(Math.clamp(of(attributes, "delay"), 0, LONGEST * 1000), ChronoUnit.MICROS));
    }
  },
  /** {@code bytes} after which the connection is closed. */
  LIMIT_DATA("LimitDataToxic", "bytes") {
    @Override
    Toxic toxic(Map<String, Long> attributes) {
      return new LimitToxic(Math.max(0, of(attributes, "bytes")));
    }
  };

  /** Milliseconds; more is taken for this much. */
  private static final long LONGEST = Fault.LONGEST.toMillis();

  private final String structName;

  @SuppressWarnings("ImmutableEnumChecker") // made by List.of
  private final List<String> attributes;

  ToxicKind(String structName, String... attributes) {
    this.structName = structName;
    this.attributes = List.of(attributes);
  }

  /** What it does, for attributes that are all there. */
  abstract Toxic toxic(Map<String, Long> attributes);

  static @Nullable ToxicKind named(String type) {
    for (ToxicKind kind : values()) {
      if (kind.label().equals(type)) {
        return kind;
      }
    }
    return null;
  }

  /** As in {@code "type": "slow_close"}. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** In the order in which they are shown. */
  List<String> attributes() {
    return attributes;
  }

  /** How Go calls it, for errors. */
  String structName() {
    return structName;
  }

  /** How Go calls the type of an attribute, for errors. */
  String attributeType() {
    return this == SLICER ? "int" : "int64";
  }

  private static long of(Map<String, Long> attributes, String name) {
    return attributes.getOrDefault(name, 0L);
  }

  private static Duration millis(long value) {
    return Duration.ofMillis(Math.clamp(value, 0, LONGEST));
  }

  /** Where the jitter is wider than the latency, what would be negative is no latency. */
  private static Spread spread(long latency, long jitter) {
    if (jitter <= latency) {
      return new Spread.Uniform(Duration.ofMillis(latency), Duration.ofMillis(jitter));
    }
    int none = (int) ((jitter - latency) * 1_000_000 / (2 * jitter));
    return new Spread.Table(
        List.of(
            new Spread.Point(none, Duration.ZERO),
            new Spread.Point(1_000_000, millis(latency + jitter))));
  }
}
