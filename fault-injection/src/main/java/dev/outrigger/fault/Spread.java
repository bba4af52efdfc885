package dev.outrigger.fault;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How long something takes, as a distribution. Every value follows from a uniformly random draw, so
 * that a run can be repeated. No value is negative or above {@link Fault#LONGEST}.
 */
public sealed interface Spread {

  /** No time at all. */
  Spread NONE = new Uniform(Duration.ZERO, Duration.ZERO);

  /**
   * One value, in nanoseconds.
   *
   * @param draw uniformly random over all longs
   */
  long nanos(long draw);

  /** Always the same. */
  static Spread always(Duration length) {
    return new Uniform(length, Duration.ZERO);
  }

  /**
   * Evenly between {@code middle - jitter} and {@code middle + jitter}.
   *
   * @param jitter at most {@code middle}
   */
  record Uniform(Duration middle, Duration jitter) implements Spread {
    public Uniform {
      checkAround(middle, jitter);
    }

    @Override
    public long nanos(long draw) {
      long width = jitter.toNanos();
      return width == 0
          ? middle.toNanos()
          : middle.toNanos() + Math.unsignedMultiplyHigh(draw, 2 * width + 1) - width;
    }
  }

  /** The bell curve; what would be negative is zero. */
  record Normal(Duration mean, Duration deviation) implements Spread {
    public Normal {
      checkAround(mean, deviation);
    }

    @Override
    public long nanos(long draw) {
      // Box and Muller: both halves of the draw are uniform and independent.
      double radius = Math.sqrt(-2 * Math.log(share(draw >>> 32)));
      double angle = 2 * Math.PI * share(draw & 0xffff_ffffL);
      return clamp(mean.toNanos() + deviation.toNanos() * radius * Math.cos(angle));
    }

    /** Above 0, at most 1. */
    private static double share(long half) {
      return (half + 1) / (double) (1L << 32);
    }
  }

  /**
   * Few values that are much larger than the rest: Pareto with shape 3, moved so that mean and
   * standard deviation are as given, as {@code tc netem} does. The least value is {@code mean -
   * 0.58 deviation}; one in a thousand is above {@code mean + 9.8 deviation}.
   */
  record Pareto(Duration mean, Duration deviation) implements Spread {
    private static final double MEAN = 1.5;
    private static final double DEVIATION = Math.sqrt(0.75);

    public Pareto {
      checkAround(mean, deviation);
    }

    @Override
    public long nanos(long draw) {
      double uniform = ((draw >>> 11) + 1) / (double) (1L << 53);
      double drawn = (1 / Math.cbrt(uniform) - MEAN) / DEVIATION;
      return clamp(mean.toNanos() + deviation.toNanos() * drawn);
    }
  }

  /**
   * As somebody measured it: straight lines between the points. Nothing is below the first value or
   * above the last.
   *
   * @param points one to 100, with rising shares and values that do not fall
   */
  record Table(List<Point> points) implements Spread {
    private static final int MOST = 100;
    private static final int MOST_BUCKETS = 48;

    public Table {
      points = List.copyOf(points);
      if (points.isEmpty() || points.size() > MOST) {
        throw new IllegalArgumentException(
            "a table has 1 to " + MOST + " quantiles, not " + points.size());
      }
      for (int i = 1; i < points.size(); i++) {
        Point before = points.get(i - 1);
        Point here = points.get(i);
        if (here.ppm() <= before.ppm() || here.value().compareTo(before.value()) < 0) {
          throw new IllegalArgumentException(
              "quantiles rise and their values do not fall: " + before + " comes before " + here);
        }
      }
    }

    /**
     * As a histogram recorded it: evenly within each bucket. What is beyond the last bound is as
     * long as that bound, as Prometheus's {@code histogram_quantile} has it.
     *
     * @param buckets one to 48, with rising bounds and counts that do not fall
     * @param all how many were recorded, at least the last bucket's count and at least one
     */
    public static Table recorded(List<Bucket> buckets, long all) {
      if (buckets.isEmpty() || buckets.size() > MOST_BUCKETS) {
        throw new IllegalArgumentException(
            "a histogram has 1 to "
                + MOST_BUCKETS
                + " buckets with a bound, not "
                + buckets.size());
      }
      List<Point> points = new ArrayList<>();
      Bucket before = new Bucket(Duration.ZERO, 0);
      for (Bucket here : buckets) {
        boolean first = points.isEmpty() && before.count() == 0;
        if (here.count() < before.count()
            || here.atMost().compareTo(before.atMost()) <= 0
                && !(first && here.atMost().isZero())) {
          throw new IllegalArgumentException(
              "bounds rise and counts do not fall: " + before + " comes before " + here);
        }
        int from = share(before.count(), all);
        int to = share(here.count(), all);
        if (to > from) {
          boolean gap =
              points.isEmpty() || points.getLast().value().compareTo(before.atMost()) != 0;
          int start = points.isEmpty() ? 0 : from + 1;
          if (gap && start < to) {
            points.add(new Point(start, before.atMost()));
          }
          points.add(new Point(to, here.atMost()));
        }
        before = here;
      }
      if (all < Math.max(1, before.count())) {
        throw new IllegalArgumentException(
            all < 1 ? "nothing was recorded" : "more in a bucket than in all: " + before);
      }
      return new Table(points.isEmpty() ? List.of(new Point(0, before.atMost())) : points);
    }

    private static int share(long count, long all) {
      return (int) Math.min(Point.WHOLE, Math.round(count / (double) all * Point.WHOLE));
    }

    @Override
    public long nanos(long draw) {
      long share = Math.unsignedMultiplyHigh(draw, Point.WHOLE * 1_000);
      Point before = points.getFirst();
      for (int i = 0; i < points.size(); i++) {
        Point here = points.get(i);
        long at = here.ppm() * 1_000L;
        if (share < at) {
          long from = before.value().toNanos();
          long start = before.ppm() * 1_000L;
          return i == 0
              ? from
              : from
                  + (long)
                      ((here.value().toNanos() - from) * ((share - start) / (double) (at - start)));
        }
        before = here;
      }
      return before.value().toNanos();
    }
  }

  /**
   * A bucket of a histogram, cumulative as Prometheus has them.
   *
   * @param atMost its upper bound
   * @param count of all values at or below it
   */
  record Bucket(Duration atMost, long count) {
    public Bucket {
      Fault.checkLength("bucket", atMost);
    }

    /** Such as {@code 250ms: 12}. */
    @Override
    public String toString() {
      return atMost.toNanos() / 1e6 + "ms: " + count;
    }
  }

  /**
   * A quantile.
   *
   * @param ppm the share of values at or below it, 0 to 1,000,000
   */
  record Point(int ppm, Duration value) {
    private static final long WHOLE = 1_000_000;

    public Point {
      if (ppm < 0 || ppm > WHOLE) {
        throw new IllegalArgumentException("a quantile is 0 to 1000000 ppm, not " + ppm);
      }
      Fault.checkLength("quantile", value);
    }

    /** Such as {@code p99.9=1s}. */
    @Override
    public String toString() {
      String percent = new Percentage(ppm).toString();
      return "p" + percent.substring(0, percent.length() - 1) + "=" + value.toMillis() + "ms";
    }
  }

  private static long clamp(double nanos) {
    return (long) Math.max(0, Math.min(nanos, (double) Fault.LONGEST.toNanos()));
  }

  private static void checkAround(Duration middle, Duration width) {
    Fault.checkLength("delay", middle);
    Fault.checkLength("jitter", width);
    if (width.compareTo(middle) > 0) {
      throw new IllegalArgumentException(
          "the jitter is at most the delay itself: " + width + " is more than " + middle);
    }
  }
}
