package dev.outrigger.proxy.xds;

import com.google.protobuf.util.Durations;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.xds.decode.FaultRuleDecoder;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The faults that this proxy honours, each until its lease or its absolute end has passed. Nobody
 * has to tell it to end one. An end is kept in monotonic time once it is known, so that a wall
 * clock that is set back moves none. Confined to the config loop.
 *
 * <p>A fault: leased → (heartbeat → leased) → over, by removal, lapse of the lease, or its end.
 */
public final class FaultLeases implements FaultSink {
  private static final int MAX_FAULTS = 1000;

  /** How late this loop may be before workers end what it should have ended. */
  private static final Duration GRACE = Duration.ofMillis(250);

  /** A guard's breach is to be acted upon within a second of its window. */
  private static final Duration REPORT_PERIOD = Duration.ofMillis(500);

  private static final Duration MIN_REPORT_PERIOD = Duration.ofMillis(100);
  private static final Duration MAX_REPORT_PERIOD = Duration.ofSeconds(10);

  private final EventExecutor loop;
  private final InstantSource clock;
  private final Publish publish;
  private final LongConsumer renew;
  private final Consumer<FaultPlan> observe;
  private final Map<String, Lease> leases = new HashMap<>();
  private final Map<String, End> ends = new HashMap<>();
  private final Set<String> givenUp = new HashSet<>();
  private FaultPlan published = FaultPlan.NONE;
  private FaultPlan observed = FaultPlan.NONE;
  private @Nullable Future<?> timer;
  private long timerAt;

  /**
   * Whether other faults are held than those of the plans: what is only renewed makes none anew.
   */
  private boolean changed;

  private boolean together;

  /** Takes a new plan. */
  @FunctionalInterface
  public interface Publish {
    /**
     * Publishes.
     *
     * @param deadline in monotonic time, after which nothing of it may act
     */
    void accept(FaultPlan plan, long deadline);
  }

  /** An absolute end, and the earliest monotonic time that it ever was at. */
  private record End(Instant notAfter, long at) {}

  /** A fault and the monotonic time, in nanoseconds, at which it ends. */
  private record Lease(
      dev.outrigger.fault.FaultRule rule,
      long deadline,
      boolean observeOnly,
      @Nullable OwnBound bound,
      Duration reportPeriod) {}

  /**
   * A bound on what this proxy measures, by which it ends an experiment's faults itself.
   *
   * @param minSuccessPpm parts per million of requests that are no errors
   * @param minRequests with fewer in a second nothing is said
   */
  public record OwnBound(int minSuccessPpm, int minRequests) {}

  /**
   * @param loop the config loop's; it measures leases and wakes when one ends
   * @param clock for the absolute ends
   * @param publish takes each new plan
   * @param renew takes a later deadline of the same plan
   * @param observe takes each new plan of what is only measured
   */
  public FaultLeases(
      EventExecutor loop,
      InstantSource clock,
      Publish publish,
      LongConsumer renew,
      Consumer<FaultPlan> observe) {
    this.renew = renew;
    this.observe = observe;
    this.loop = loop;
    this.clock = clock;
    this.publish = publish;
  }

  @Override
  public void onFault(String name, FaultRule message, Duration lease)
      throws InvalidResourceException {
    dev.outrigger.fault.FaultRule rule = FaultRuleDecoder.decode(name, message);
    if (ends.size() >= MAX_FAULTS && !ends.containsKey(name)) {
      throw new InvalidResourceException(
          TypeUrls.FAULT, name, "", "more than " + MAX_FAULTS + " faults at once");
    }
    @Nullable OwnBound bound =
        message.hasOwnBound()
            ? new OwnBound(
                message.getOwnBound().getMinSuccessPpm(), message.getOwnBound().getMinRequests())
            : null;
    Duration period = reportPeriod(name, message);
    leases.put(
        name,
        new Lease(rule, deadline(name, rule, lease), message.getObserveOnly(), bound, period));
    changed = true;
    settle();
  }

  @Override
  public boolean onHeartbeat(String name, Duration lease) {
    Lease known = leases.get(name);
    if (known == null) {
      return false;
    }
    if (hasPassed(known)) {
      update(); // It is over, though nobody came to end it yet.
      return false;
    }
    Lease renewed =
        new Lease(
            known.rule(),
            deadline(name, known.rule(), lease),
            known.observeOnly(),
            known.bound(),
            known.reportPeriod());
    leases.put(name, renewed);
    settle();
    return !hasPassed(renewed);
  }

  private boolean hasPassed(Lease lease) {
    return lease.deadline() - loop.ticker().nanoTime() <= 0;
  }

  @Override
  public void onRemoved(String name) {
    changed |= leases.remove(name) != null;
    ends.remove(name);
    settle();
  }

  @Override
  public void together(Runnable telling) {
    together = true;
    try {
      telling.run();
    } finally {
      together = false;
      update();
    }
  }

  private void settle() {
    if (!together) {
      update();
    }
  }

  /** What is honoured now. */
  public FaultPlan plan() {
    return published;
  }

  /** Whether any fault is held, to act or to observe. */
  public boolean isActive() {
    return !leases.isEmpty();
  }

  /** The bounds by which this proxy judges itself, by experiment. */
  public Map<String, OwnBound> ownBounds() {
    Map<String, OwnBound> bounds = new HashMap<>();
    for (Lease lease : leases.values()) {
      if (lease.bound() != null && !givenUp.contains(lease.rule().experiment())) {
        bounds.put(lease.rule().experiment(), lease.bound());
      }
    }
    return bounds;
  }

  /** How often what is measured is to be told: as often as any of what is held asks for. */
  public Duration reportPeriod() {
    return leases.values().stream()
        .map(Lease::reportPeriod)
        .min(Comparator.naturalOrder())
        .orElse(REPORT_PERIOD);
  }

  private static Duration reportPeriod(String name, FaultRule message)
      throws InvalidResourceException {
    if (!message.hasReportPeriod()) {
      return REPORT_PERIOD;
    }
    Duration period =
        Durations.isValid(message.getReportPeriod())
            ? Duration.ofNanos(Durations.toNanos(message.getReportPeriod()))
            : Duration.ZERO;
    if (period.compareTo(MIN_REPORT_PERIOD) < 0 || period.compareTo(MAX_REPORT_PERIOD) > 0) {
      throw new InvalidResourceException(
          TypeUrls.FAULT, name, "report_period", "is from 100 ms to 10 s");
    }
    return period;
  }

  /** Ends an experiment's faults here, until the control plane has taken all of them back. */
  public void giveUp(String experiment) {
    changed |= givenUp.add(experiment);
    update();
  }

  /** Experiments that were given up, and not yet taken back. */
  public Set<String> givenUp() {
    return Set.copyOf(givenUp);
  }

  private long deadline(String name, dev.outrigger.fault.FaultRule rule, Duration lease) {
    long now = loop.ticker().nanoTime();
    long wait = untilEnd(rule);
    End known = ends.get(name);
    if (known != null && known.notAfter().equals(rule.notAfter())) {
      wait = Math.min(wait, known.at() - now);
    }
    // Centuries away is never by this clock.
    wait = Math.min(wait, Long.MAX_VALUE / 2);
    ends.put(name, new End(rule.notAfter(), now + wait));
    return now + Math.min(lease.toNanos(), wait);
  }

  private long untilEnd(dev.outrigger.fault.FaultRule rule) {
    try {
      return Duration.between(clock.instant(), rule.notAfter()).toNanos();
    } catch (ArithmeticException | DateTimeException e) {
      // Centuries away: the lease decides.
      return rule.notAfter().isAfter(clock.instant()) ? Long.MAX_VALUE : 0;
    }
  }

  private void update() {
    long now = loop.ticker().nanoTime();
    changed |= leases.values().removeIf(lease -> lease.deadline() - now <= 0);
    if (changed) {
      changed = false;
      replan(now);
    } else if (!published.isEmpty()) {
      renew.accept(limit(now));
    }
    rearm(now);
  }

  private void replan(long now) {
    givenUp.removeIf(
        gone -> leases.values().stream().noneMatch(one -> one.rule().experiment().equals(gone)));
    FaultPlan measured = plan(true);
    if (!measured.equals(observed)) {
      observed = measured;
      observe.accept(measured);
    }
    FaultPlan next = plan(false);
    if (!next.equals(published)) {
      published = next;
      publish.accept(next, limit(now));
    } else if (!next.isEmpty()) {
      renew.accept(limit(now));
    }
  }

  /** When the first of them ends, with what this loop may be late. */
  private long limit(long now) {
    long wait = Long.MAX_VALUE;
    for (Lease lease : leases.values()) {
      if (!lease.observeOnly()) {
        wait = Math.min(wait, lease.deadline() - now);
      }
    }
    return now + GRACE.toNanos() + (wait == Long.MAX_VALUE ? 0 : wait);
  }

  private FaultPlan plan(boolean observeOnly) {
    return FaultPlan.of(
        leases.values().stream()
            .filter(lease -> lease.observeOnly() == observeOnly)
            .map(Lease::rule)
            .filter(rule -> !givenUp.contains(rule.experiment()))
            .toList());
  }

  /** One that wakes too early looks again: a renewal leaves it where it is. */
  private void rearm(long now) {
    if (leases.isEmpty()) {
      if (timer != null) {
        timer.cancel(false);
        timer = null;
      }
      return;
    }
    long wait = Long.MAX_VALUE;
    for (Lease lease : leases.values()) {
      wait = Math.min(wait, lease.deadline() - now);
    }
    if (timer != null) {
      if (timerAt - now <= wait) {
        return;
      }
      timer.cancel(false);
    }
    timerAt = now + wait;
    timer = loop.schedule(this::onTimer, wait, TimeUnit.NANOSECONDS);
  }

  private void onTimer() {
    timer = null;
    update();
  }
}
