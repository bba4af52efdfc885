package dev.outrigger.proxy.http;

import dev.outrigger.proxy.outcome.ProxyError;

/** What a filter wants to happen next. */
public sealed interface Verdict {
  Verdict PROCEED = new Proceed();
  Verdict SUSPEND = new Suspend();

  /** Go on. */
  record Proceed() implements Verdict {}

  /**
   * Wait until {@link Exchange#resume} or {@link Exchange#reply}. Nothing more is read of the body
   * meanwhile than a small bound.
   */
  record Suspend() implements Verdict {}

  /** End here with this answer. */
  record Reply(LocalReply reply) implements Verdict {}

  /** End here because of an error. */
  static Verdict refuse(ProxyError error) {
    return new Reply(new LocalReply.Failure(error));
  }
}
