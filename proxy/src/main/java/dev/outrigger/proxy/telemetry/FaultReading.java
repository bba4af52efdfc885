package dev.outrigger.proxy.telemetry;

/**
 * What was measured on one edge for an experiment. Owned by one thread at a time.
 *
 * @param affected what a fault touched, or would have
 */
public record FaultReading(Edge edge, Traffic affected, Traffic unaffected) {

  /**
   * Where it was measured.
   *
   * @param guard whose measurement it is; empty for the edges of the faults
   * @param service of the destination; empty where it is not known
   * @param observing whether no fault of the experiment acted here meanwhile
   */
  public record Edge(
      String experiment, String guard, boolean inbound, String service, boolean observing) {}

  /** Some requests. */
  public static final class Traffic {
    private final DurationHistogram durations = new DurationHistogram();
    private long errors;
    private long retries;
    private long overflows;

    void record(FaultMeter.Ended how) {
      durations.record(how.nanos());
      errors += how.failed() ? 1 : 0;
      retries += how.retries();
      overflows += how.overflowed() ? 1 : 0;
    }

    public long requests() {
      return durations.count();
    }

    public long errors() {
      return errors;
    }

    /** Attempts beyond the first of each. */
    public long retries() {
      return retries;
    }

    /** Refused because a circuit breaker was open. */
    public long overflows() {
      return overflows;
    }

    /** Tells each bucket of the histogram that is not empty, in order. */
    public void tell(Bucket to) {
      durations.tell(to);
    }

    private void add(Traffic more) {
      durations.add(more.durations);
      errors += more.errors;
      retries += more.retries;
      overflows += more.overflows;
    }
  }

  /** Takes a bucket: its number, and how many fell into it. */
  @FunctionalInterface
  public interface Bucket {
    void is(int number, long count);
  }

  static FaultReading of(Edge edge) {
    return new FaultReading(edge, new Traffic(), new Traffic());
  }

  FaultReading add(FaultReading more) {
    affected.add(more.affected);
    unaffected.add(more.unaffected);
    return this;
  }
}
