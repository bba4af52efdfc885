package dev.outrigger.proxy.telemetry;

/**
 * Durations in a log-linear histogram: 16 buckets for each power of two of microseconds, so that a
 * value is known to about six percent from 16 µs to many hours. Confined to whoever owns it.
 */
final class DurationHistogram {
  private static final int SUB_BITS = 4;
  private static final int SUB = 1 << SUB_BITS;
  private static final int MAX_EXPONENT = 36;
  private static final int BUCKETS = (MAX_EXPONENT - SUB_BITS + 2) * SUB;

  /** The upper bounds that are shown, in seconds. */
  static final double[] BOUNDS = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    30, 60, 300
  };

  private final long[] buckets = new long[BUCKETS];
  private long count;
  private long nanos;

  void record(long durationNanos) {
    long value = Math.max(0, durationNanos);
    count++;
    nanos += value;
    buckets[indexOf(value / 1000)]++;
  }

  /** Tells each bucket that is not empty. */
  void tell(FaultReading.Bucket to) {
    for (int i = 0; i < BUCKETS; i++) {
      if (buckets[i] > 0) {
        to.is(i, buckets[i]);
      }
    }
  }

  long count() {
    return count;
  }

  double sumSeconds() {
    return nanos / 1e9;
  }

  void add(DurationHistogram more) {
    for (int i = 0; i < BUCKETS; i++) {
      buckets[i] += more.buckets[i];
    }
    count += more.count;
    nanos += more.nanos;
  }

  /**
   * How many values lie at or below each of {@link #BOUNDS}. A bucket that a bound cuts is counted
   * below it if its lower half is.
   */
  long[] cumulative() {
    long[] below = new long[BOUNDS.length];
    long sum = 0;
    int bucket = 0;
    for (int i = 0; i < BOUNDS.length; i++) {
      double micros = BOUNDS[i] * 1e6;
      while (bucket < BUCKETS && (lowerOf(bucket) + lowerOf(bucket + 1)) / 2.0 <= micros) {
        sum += buckets[bucket++];
      }
      below[i] = sum;
    }
    return below;
  }

  static int indexOf(long micros) {
    if (micros < SUB) {
      return (int) micros;
    }
    int exponent = 63 - Long.numberOfLeadingZeros(micros);
    if (exponent > MAX_EXPONENT) {
      return BUCKETS - 1;
    }
    int sub = (int) (micros >>> (exponent - SUB_BITS)) & (SUB - 1);
    return (exponent - SUB_BITS + 1) * SUB + sub;
  }

  static long lowerOf(int index) {
    if (index < SUB) {
      return index;
    }
    int exponent = index / SUB + SUB_BITS - 1;
    return (long) (SUB + index % SUB) << (exponent - SUB_BITS);
  }
}
