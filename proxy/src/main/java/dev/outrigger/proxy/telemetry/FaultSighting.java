package dev.outrigger.proxy.telemetry;

/**
 * How much of something a fault that only observes would have hit. Owned by one thread at a time.
 */
public final class FaultSighting {
  private long seen;
  private long matched;
  private long hit;

  /**
   * What belongs together; empty texts are for what is not known.
   *
   * @param service of the destination
   * @param source SPIFFE ID of the caller
   * @param route its name
   */
  public record Key(String experiment, String fault, String service, String source, String route) {}

  void count(ExchangeRecord.Sight sight) {
    seen++;
    switch (sight) {
      case PASSED -> {}
      case MATCHED -> matched++;
      case HIT -> {
        matched++;
        hit++;
      }
    }
  }

  FaultSighting add(FaultSighting more) {
    seen += more.seen;
    matched += more.matched;
    hit += more.hit;
    return this;
  }

  /** On the way to a service that the fault names. */
  public long seen() {
    return seen;
  }

  /** Of these, what the fault's conditions are true of. */
  public long matched() {
    return matched;
  }

  /** Of these, what its dice would have hit. */
  public long hit() {
    return hit;
  }
}
