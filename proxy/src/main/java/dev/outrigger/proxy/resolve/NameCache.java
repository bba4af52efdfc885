package dev.outrigger.proxy.resolve;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.github.benmanes.caffeine.cache.stats.CacheStats;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Answers to names for as long as they hold. Counts hits and misses. */
public final class NameCache {
  private static final int MAX_NAMES = 10_000;

  private final Cache<String, ResolvedName> answers;

  /**
   * @param ticker the config loop's clock
   */
  public NameCache(Ticker ticker) {
    answers =
        Caffeine.newBuilder()
            .ticker(ticker::nanoTime)
            .executor(Runnable::run)
            .maximumSize(MAX_NAMES)
            .expireAfter(Expiry.<String, ResolvedName>creating((_, answer) -> answer.ttl()))
            .recordStats()
            .build();
  }

  @Nullable ResolvedName get(String name) {
    return answers.getIfPresent(name);
  }

  void put(String name, ResolvedName answer) {
    if (answer.ttl().compareTo(Duration.ZERO) > 0) {
      // Replacing would keep the old expiry: the answer that is there has run out or is dropped.
      answers.invalidate(name);
      answers.put(name, answer);
    }
  }

  /** Hits, misses and evictions since the start; callable anywhere. */
  public CacheStats stats() {
    return answers.stats();
  }

  /** Answers held now, about; callable anywhere. */
  public long size() {
    return answers.estimatedSize();
  }
}
