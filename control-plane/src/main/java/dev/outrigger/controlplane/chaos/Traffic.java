package dev.outrigger.controlplane.chaos;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Some requests: how many, how many failed, and how long they took, in the log-linear buckets that
 * proxies send (16 for each power of two of microseconds). Not thread-safe.
 */
final class Traffic {
  private static final int SUB_BITS = 4;
  private static final int SUB = 1 << SUB_BITS;
  private static final int BUCKETS = 34 * SUB;

  private long requests;
  private long errors;
  private long retries;
  private long overflows;
  private long @Nullable [] buckets;

  /** What a proxy sent; numbers of buckets that cannot be are left out. */
  void add(dev.outrigger.api.chaos.v1.Traffic message) {
    requests += Math.max(0, message.getRequests());
    errors += Math.clamp(message.getErrors(), 0, Math.max(0, message.getRequests()));
    retries += Math.max(0, message.getRetries());
    overflows += Math.max(0, message.getOverflows());
    int entries = Math.min(message.getBucketsCount(), message.getCountsCount());
    for (int i = 0; i < entries; i++) {
      int bucket = message.getBuckets(i);
      if (bucket >= 0 && bucket < BUCKETS && message.getCounts(i) > 0) {
        own()[bucket] += message.getCounts(i);
      }
    }
  }

  Traffic add(Traffic more) {
    requests += more.requests;
    errors += more.errors;
    retries += more.retries;
    overflows += more.overflows;
    if (more.buckets != null) {
      long[] own = own();
      for (int i = 0; i < BUCKETS; i++) {
        own[i] += more.buckets[i];
      }
    }
    return this;
  }

  private long[] own() {
    long[] made = buckets;
    if (made == null) {
      made = new long[BUCKETS];
      buckets = made;
    }
    return made;
  }

  long requests() {
    return requests;
  }

  long errors() {
    return errors;
  }

  /** Attempts beyond the first of each. */
  long retries() {
    return retries;
  }

  /** Zero without requests. */
  double retriesPerRequest() {
    return requests == 0 ? 0 : (double) retries / requests;
  }

  /** Refused because a circuit breaker was open. */
  long overflows() {
    return overflows;
  }

  /** 0 to 100; 100 without requests. */
  double successPercent() {
    return requests == 0 ? 100 : 100.0 * (requests - errors) / requests;
  }

  /** To about six percent; zero without requests. The upper end of its bucket. */
  Duration quantile(double quantile) {
    long[] own = buckets;
    if (own == null) {
      return Duration.ZERO;
    }
    long all = 0;
    for (long count : own) {
      all += count;
    }
    long rank = (long) Math.ceil(quantile * all);
    long seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
      seen += own[i];
      if (seen >= rank && seen > 0) {
        return Duration.ofNanos(lowerOf(i + 1) * 1000);
      }
    }
    return Duration.ZERO;
  }

  /** In microseconds. */
  private static long lowerOf(int index) {
    if (index < SUB) {
      return index;
    }
    int exponent = index / SUB + SUB_BITS - 1;
    return (long) (SUB + index % SUB) << (exponent - SUB_BITS);
  }
}
