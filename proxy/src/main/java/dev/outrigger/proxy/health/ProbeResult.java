package dev.outrigger.proxy.health;

/** What one probe saw. */
public sealed interface ProbeResult {

  /** It answered as it should. */
  record Passed() implements ProbeResult {}

  /**
   * No answer came: refused, reset, timed out, TLS failed. Counts towards the threshold.
   *
   * @param reason for people
   */
  record Unanswered(String reason) implements ProbeResult {}

  /**
   * It answered, and said that it is not well. Marks it down at once, whatever the threshold.
   *
   * @param reason for people
   */
  record Wrong(String reason) implements ProbeResult {}
}
