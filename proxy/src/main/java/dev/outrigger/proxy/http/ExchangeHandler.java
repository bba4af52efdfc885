package dev.outrigger.proxy.http;

/** What answers exchanges once filters have passed them: the forwarder. */
@FunctionalInterface
public interface ExchangeHandler {
  /** Begins; the flow is told of all that comes from the client after the head. */
  RequestFlow begin(Exchange exchange);
}
