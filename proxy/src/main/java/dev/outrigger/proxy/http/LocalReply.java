package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.outcome.ProxyError;
import java.util.List;

/** An answer that the proxy gives itself. */
public sealed interface LocalReply {

  /** Something went wrong; what is said follows from the error alone. */
  record Failure(ProxyError error) implements LocalReply {}

  /**
   * An answer that was asked for by configuration: a redirect or a direct response.
   *
   * @param status 200 to 599
   * @param body text, sent as {@code text/plain}; may be empty
   * @param headers put on the answer
   */
  record Answer(int status, String body, List<HeaderValue> headers) implements LocalReply {
    public Answer {
      headers = List.copyOf(headers);
    }
  }
}
