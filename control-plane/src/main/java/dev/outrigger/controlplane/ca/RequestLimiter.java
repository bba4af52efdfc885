package dev.outrigger.controlplane.ca;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** A token bucket for each identity; those that asked longest ago are forgotten first. */
final class RequestLimiter {
  private static final int MAX_IDENTITIES = 10_000;

  private final int burst;
  private final Duration refill;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Bucket> buckets = new LinkedHashMap<>(16, 0.75f, true);

  private record Bucket(double tokens, Instant at) {}

  /**
   * @param burst requests at once
   * @param refill the time after which one more is allowed
   */
  RequestLimiter(int burst, Duration refill, InstantSource clock) {
    this.burst = burst;
    this.refill = refill;
    this.clock = clock;
  }

  boolean allows(String identity) {
    lock.lock();
    try {
      Instant now = clock.instant();
      Bucket bucket = buckets.get(identity);
      double tokens =
          bucket == null
              ? burst
              : Math.min(
                  burst,
                  bucket.tokens()
                      + (double) Math.max(0, Duration.between(bucket.at(), now).toNanos())
                          / refill.toNanos());
      boolean allowed = tokens >= 1;
      buckets.put(identity, new Bucket(allowed ? tokens - 1 : tokens, now));
      if (buckets.size() > MAX_IDENTITIES) {
        buckets.remove(buckets.keySet().iterator().next());
      }
      return allowed;
    } finally {
      lock.unlock();
    }
  }
}
