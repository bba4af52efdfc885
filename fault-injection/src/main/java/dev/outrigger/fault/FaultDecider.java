package dev.outrigger.fault;

import java.time.Duration;

/**
 * Decides whom a fault hits: a pure function of its seed, its name and the id of the request or
 * connection. The same ids meet the same faults on every proxy and in every run, and each fault has
 * dice of its own.
 */
public final class FaultDecider {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;
  private static final long GOLDEN = 0x9e3779b97f4a7c15L;

  private final FaultRule rule;
  private final long base;

  /** Mixes what is the same for all ids once. */
  public FaultDecider(FaultRule rule) {
    this.rule = rule;
    this.base = hash(mix(rule.seed() + GOLDEN) ^ FNV_OFFSET, rule.fullName());
  }

  public FaultRule rule() {
    return rule;
  }

  /**
   * Rolls for one request or connection.
   *
   * @param id of the request or connection
   * @param attempt 1 for the first attempt; 0 where attempts do not count
   */
  public FaultDecision decide(CharSequence id, int attempt) {
    if (rule.firstAttempts() > 0 && attempt > rule.firstAttempts()) {
      return FaultDecision.SPARED;
    }
    long roll = rollOf(id, attempt);
    return rule.chance().includes(roll)
        ? new FaultDecision.Hit(rule, pause(rule.fault(), roll), roll)
        : FaultDecision.SPARED;
  }

  /**
   * What {@link #decide} rolls, for people: below the fault's chance it hits.
   *
   * @return a percentage, 0 to below 100
   */
  public double rolled(CharSequence id, int attempt) {
    long roll = rollOf(id, attempt);
    return Math.unsignedMultiplyHigh(roll, 1_000_000) / 10_000.0;
  }

  /** All attempts of a trace agree as well. */
  private long rollOf(CharSequence id, int attempt) {
    return mix(hash(base, id) + (rule.perTrace() ? 0 : attempt) * GOLDEN);
  }

  /**
   * What a thing with a name rolls under a seed: the same for ever, and uniformly random over all
   * names.
   */
  public static long roll(long seed, CharSequence name) {
    return mix(hash(mix(seed + GOLDEN) ^ FNV_OFFSET, name));
  }

  /** Draw number {@code index} of those that follow from one roll; uniformly random. */
  public static long draw(long roll, long index) {
    return mix(roll + (index + 1) * GOLDEN);
  }

  private static Duration pause(Fault fault, long roll) {
    Spread length =
        fault instanceof Fault.Delay delay
            ? delay.length()
            : fault instanceof HandshakeFault.Upset upset ? upset.delay() : Spread.NONE;
    return length.equals(Spread.NONE)
        ? Duration.ZERO
        : Duration.ofNanos(length.nanos(draw(roll, 0)));
  }

  private static long hash(long start, CharSequence text) {
    long hash = start;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * FNV_PRIME;
    }
    return hash;
  }

  /** The finaliser of SplitMix64: every bit of the input moves half the bits of the output. */
  private static long mix(long z) {
    long x = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
    return x ^ (x >>> 31);
  }
}
