package dev.outrigger.proxy.http;

/** What waits for a filter. */
public interface Suspended {
  /** The filter lets it go on. */
  void resumed();

  /** The filter ends it. */
  void replied(LocalReply reply);
}
