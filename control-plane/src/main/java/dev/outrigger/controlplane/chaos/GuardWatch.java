package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.Guard;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Locale;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Judges one guard by what comes in. Not thread-safe.
 *
 * <p>abstaining → (enough requests) holding → (the bound is passed) breached, and that for good.
 */
final class GuardWatch {
  private final Guard guard;
  private final Deque<Slot> slots = new ArrayDeque<>();
  private final Traffic baseline = new Traffic();

  /** What the whole run cost. */
  private long requests;

  private long errors;
  private boolean judged;
  private @Nullable Breach breach;
  private double worst = Double.NaN;

  /** What came at one moment. */
  private record Slot(Instant at, Traffic traffic, String where) {}

  /**
   * The bound was passed.
   *
   * @param value what was measured, in words
   * @param where the edge that did most to it
   */
  record Breach(Instant at, String guard, String value, String bound, String where) {
    String text() {
      return "guard %s: %s, the bound is %s; %s".formatted(guard, value, bound, where);
    }
  }

  /** How it stands. */
  enum State {
    /** There never were enough requests to say anything; that is no pass. */
    ABSTAINED,
    HELD,
    BREACHED
  }

  GuardWatch(Guard guard) {
    this.guard = guard;
  }

  Guard guard() {
    return guard;
  }

  State state() {
    return breach != null ? State.BREACHED : judged ? State.HELD : State.ABSTAINED;
  }

  @Nullable Breach breach() {
    return breach;
  }

  /**
   * The worst that was measured: a percentage, milliseconds or errors; not a number if never
   * judged.
   */
  double worst() {
    return worst;
  }

  void onBaseline(Traffic affected, Traffic unaffected) {
    pick(affected, unaffected, baseline);
  }

  /**
   * Takes what one proxy measured since it last told.
   *
   * @return the breach that it made, once
   */
  @Nullable Breach on(Instant now, Traffic affected, Traffic unaffected, String where) {
    Traffic traffic = new Traffic();
    pick(affected, unaffected, traffic);
    slots.addLast(new Slot(now, traffic, where));
    while (!slots.isEmpty() && !slots.getFirst().at().isAfter(now.minus(guard.window()))) {
      slots.removeFirst();
    }
    if (breach != null) {
      return null;
    }
    if (guard.bound() instanceof Guard.Bound.ErrorBudget(long most)) {
      breach = spend(now, traffic, most);
      return breach;
    }
    Traffic sum = new Traffic();
    slots.forEach(slot -> sum.add(slot.traffic()));
    if (sum.requests() < guard.minRequests()
        || guard.isRelative() && baseline.requests() < guard.minRequests()) {
      return null;
    }
    judged = true;
    breach = judge(now, sum);
    return breach;
  }

  private void pick(Traffic affected, Traffic unaffected, Traffic into) {
    if (guard.of() != Guard.Of.UNAFFECTED) {
      into.add(affected);
    }
    if (guard.of() != Guard.Of.AFFECTED) {
      into.add(unaffected);
    }
  }

  /** A budget that is spent is spent, however few requests did it. */
  private @Nullable Breach spend(Instant now, Traffic traffic, long most) {
    requests += traffic.requests();
    errors += traffic.errors();
    judged |= requests >= guard.minRequests();
    if (requests > 0) {
      worst = errors;
    }
    return errors <= most
        ? null
        : breach(
            now,
            "%d of %d requests of the run failed".formatted(errors, requests),
            "a budget of " + most,
            slot -> -slot.traffic().errors());
  }

  private @Nullable Breach judge(Instant now, Traffic sum) {
    return switch (guard.bound()) {
      case Guard.Bound.MinSuccess(double percent) -> success(now, sum, percent, "");
      case Guard.Bound.MaxDrop(double points) ->
          success(
              now,
              sum,
              baseline.successPercent() - points,
              ", %s below the baseline of %s"
                  .formatted(percent(points), percent(baseline.successPercent())));
      case Guard.Bound.MaxLatency(double quantile, Duration most) ->
          latency(now, sum, quantile, most, "");
      case Guard.Bound.MaxIncrease(double quantile, double more) -> {
        Duration usual = baseline.quantile(quantile);
        Duration most = Duration.ofNanos((long) (usual.toNanos() * (1 + more / 100)));
        yield latency(
            now,
            sum,
            quantile,
            most,
            ", %s above the baseline of %s".formatted(percent(more), millis(usual)));
      }
      case Guard.Bound.ErrorBudget _ -> null; // Of the run, not of a window.
    };
  }

  private @Nullable Breach success(Instant now, Traffic sum, double least, String more) {
    double value = sum.successPercent();
    worst = Double.isNaN(worst) ? value : Math.min(worst, value);
    return value >= least
        ? null
        : breach(
            now,
            "%s of %d requests succeeded within %ds"
                .formatted(percent(value), sum.requests(), guard.window().toSeconds()),
            "at least " + percent(least) + more,
            slot -> -slot.traffic().errors());
  }

  private @Nullable Breach latency(
      Instant now, Traffic sum, double quantile, Duration most, String more) {
    Duration value = sum.quantile(quantile);
    double millis = value.toNanos() / 1e6;
    worst = Double.isNaN(worst) ? millis : Math.max(worst, millis);
    return value.compareTo(most) <= 0
        ? null
        : breach(
            now,
            "p%s of %d requests is %s within %ds"
                .formatted(
                    number(quantile * 100),
                    sum.requests(),
                    millis(value),
                    guard.window().toSeconds()),
            "at most " + millis(most) + more,
            slot -> -slot.traffic().quantile(quantile).toMillis());
  }

  private Breach breach(Instant now, String value, String bound, ToLongFunction<Slot> order) {
    String where = slots.stream().min(Comparator.comparingLong(order)).map(Slot::where).orElse("");
    return new Breach(now, guard.name(), value, bound, where);
  }

  /** As people read it. */
  static String words(Guard.Bound bound) {
    return switch (bound) {
      case Guard.Bound.MinSuccess(double percent) -> "success at least " + percent(percent);
      case Guard.Bound.MaxDrop(double points) ->
          "success at most " + percent(points) + " below the baseline";
      case Guard.Bound.MaxLatency(double quantile, Duration most) ->
          "p" + number(quantile * 100) + " at most " + millis(most);
      case Guard.Bound.MaxIncrease(double quantile, double more) ->
          "p" + number(quantile * 100) + " at most " + percent(more) + " above the baseline";
      case Guard.Bound.ErrorBudget(long errors) -> "at most " + errors + " failed in the whole run";
    };
  }

  static String percent(double value) {
    return number(value) + "%";
  }

  static String millis(Duration value) {
    return number(value.toNanos() / 1e6) + "ms";
  }

  private static String number(double value) {
    String text = String.format(Locale.ROOT, "%.2f", value);
    return text.replaceAll("\\.?0+$", "");
  }
}
