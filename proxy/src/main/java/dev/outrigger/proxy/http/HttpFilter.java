package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Outcome;
import org.jspecify.annotations.Nullable;

/** Looks at one exchange and may change, hold or end it. One per exchange, on its worker. */
public interface HttpFilter {

  /**
   * The head is complete and the route is known. A filter that changes what routes look at calls
   * {@link Exchange#reroute}.
   */
  Verdict onRequest(RequestHead head, Exchange exchange);

  /** The head of the answer is about to go to the client; in reverse order of the request way. */
  default Verdict onResponse(ResponseHead head, Exchange exchange) {
    return Verdict.PROCEED;
  }

  /**
   * The proxy is about to answer itself: an error, a redirect, a filter's reply. Headers may be put
   * on it, and its body, which is there in whole, may be transformed.
   */
  default void onLocalReply(ResponseHead head, Exchange exchange) {}

  /** The exchange is over, also when it ended while this filter had suspended it. */
  default void onFinish(Outcome outcome) {}

  /** Makes the filters of a worker's exchanges. */
  @FunctionalInterface
  interface Factory {

    /** A filter for this exchange; null when it is of no interest, which costs nothing. */
    @Nullable HttpFilter newFilter(RequestHead head, Exchange exchange);
  }
}
