package dev.outrigger.fault;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

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

  // Side by side, for they are asked of every request while there is any fault: of a match with
  // its sets and lists each condition would be four fetches away.
  private final String[] methods;
  private final TextMatch[] paths;
  private final FaultMatch.HeaderCondition[] headers;
  private final boolean asksFurther;

  /** Mixes what is the same for all ids once. */
  public FaultDecider(FaultRule rule) {
    this.rule = rule;
    FaultMatch match = rule.match();
    methods = match.methods().toArray(String[]::new);
    paths = match.paths().toArray(TextMatch[]::new);
    headers = match.headers().toArray(FaultMatch.HeaderCondition[]::new);
    asksFurther = !match.routes().isEmpty() || !match.sourceIdentities().isEmpty();
    this.base = hash(mix(rule.seed() + GOLDEN) ^ FNV_OFFSET, rule.fullName());
  }

  public FaultRule rule() {
    return rule;
  }

  /**
   * Whether its fault means a request or connection whose service it does: {@link FaultPlan#at}
   * gives no others.
   */
  public boolean concerns(FaultSubject subject) {
    return (methods.length == 0 || isOneOf(methods, subject.method()))
        && (paths.length == 0 || matchesOneOf(paths, subject.path()))
        && (headers.length == 0 || haveAll(headers, subject))
        && (!asksFurther || rule.match().matches(subject));
  }

  private static boolean isOneOf(String[] wanted, @Nullable String actual) {
    for (String one : wanted) {
      if (one.equals(actual)) {
        return true;
      }
    }
    return false;
  }

  private static boolean matchesOneOf(TextMatch[] wanted, @Nullable String actual) {
    if (actual != null) {
      for (TextMatch one : wanted) {
        if (one.matches(actual)) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean haveAll(FaultMatch.HeaderCondition[] wanted, FaultSubject subject) {
    for (FaultMatch.HeaderCondition one : wanted) {
      if (!one.holds(subject.header(one.name()))) {
        return false;
      }
    }
    return true;
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
