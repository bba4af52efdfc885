package dev.outrigger.proxy.outcome;

/** What an exchange came to. */
public sealed interface Outcome {

  /** The upstream answered and its answer reached the client whole. */
  record Answered(int status) implements Outcome {}

  /** The route itself answers: a redirect or a direct response. */
  record AnsweredLocally(int status) implements Outcome {}

  /**
   * The proxy ended it.
   *
   * @param error why
   * @param responseBegun whether the client had already seen part of an answer
   */
  record Failed(ProxyError error, boolean responseBegun) implements Outcome {}
}
