package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.balance.PickContext;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.Explanation;
import dev.outrigger.proxy.telemetry.Explanation.About;
import dev.outrigger.proxy.upstream.Upstream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What is noted of an exchange's way to endpoints and back; nothing, unless somebody asks. */
final class ForwardingSteps {
  private final Explanation explanation;

  private ForwardingSteps(Explanation explanation) {
    this.explanation = explanation;
  }

  static @Nullable ForwardingSteps of(Exchange exchange) {
    Explanation explanation = exchange.explanation();
    return explanation == null ? null : new ForwardingSteps(explanation);
  }

  void timers(long routeNanos, long streamNanos, RetryPolicy policy) {
    explanation.note(
        About.TIMER,
        (routeNanos > 0
                ? "the route's timeout is " + millis(routeNanos) + " from the request's end"
                : "the route has no timeout")
            + (streamNanos > 0 ? ", the exchange may take " + millis(streamNanos) : "")
            + (policy.perTryTimeout().isZero()
                ? ""
                : ", an attempt may take " + millis(policy.perTryTimeout().toNanos()))
            + (policy.perTryIdleTimeout().isZero()
                ? ""
                : ", and stand still for " + millis(policy.perTryIdleTimeout().toNanos())));
    explanation.note(
        About.RETRY,
        policy.maxRetries() == 0
            ? "no retries"
            : "at most " + policy.maxRetries() + " retries, on " + policy.conditions());
  }

  /** Which endpoints were weighed, and which of them it is. */
  void picked(Upstream to, PickContext context, @Nullable Endpoint chosen) {
    explanation.note(
        About.ENDPOINT,
        to.weighed(context)
            + (chosen == null ? "; none may be used" : "; chosen: " + chosen.address()));
  }

  /**
   * An attempt begins. The token goes on to proxies of the mesh only, which may explain their part.
   */
  void attempt(int number, Endpoint endpoint, Upstream to, Exchange exchange) {
    explanation.note(
        About.ATTEMPT,
        "attempt "
            + number
            + " to "
            + endpoint.address()
            + (endpoint.workload() == null || endpoint.workload().isEmpty()
                ? ""
                : ", workload " + endpoint.workload()));
    boolean mesh =
        to.config().service() != null && to.tlsOf(endpoint) instanceof UpstreamTls.Originate;
    if (!mesh) {
      exchange.head().headers().remove(HeaderName.OUTRIGGER_EXPLAIN);
    }
  }

  void connection(boolean kept) {
    explanation.note(
        About.ATTEMPT, kept ? "on a connection that was open" : "waits for a connection");
  }

  void attemptAnswered(int status) {
    explanation.note(About.ATTEMPT, "the endpoint answers " + status);
  }

  void attemptFailed(ProxyError error) {
    explanation.note(
        About.ATTEMPT, "failed: " + ErrorReplies.replyFor(error).code() + ": " + error.detail());
  }

  void retry(long waitNanos) {
    explanation.note(About.RETRY, "another attempt follows after " + millis(waitNanos));
  }

  void note(String retry) {
    explanation.note(About.RETRY, retry);
  }

  void passed(String timer) {
    explanation.note(About.TIMER, timer);
  }

  private static String millis(long nanos) {
    return Duration.ofNanos(nanos).toMillis() + " ms";
  }
}
