package dev.outrigger.proxy.config;

/** How an endpoint is chosen. */
public sealed interface LbPolicy {
  /** In turn; by weight where weights differ. */
  record RoundRobin() implements LbPolicy {}

  /** By chance; by weight where weights differ. */
  record Random() implements LbPolicy {}

  /**
   * The least busy of some chosen by chance.
   *
   * @param choices at least 2
   */
  record LeastRequest(int choices) implements LbPolicy {}
}
