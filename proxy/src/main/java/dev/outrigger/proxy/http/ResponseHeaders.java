package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.route.RouteMatch;

/** What is put on each answer's head before the client gets it. */
final class ResponseHeaders {
  private ResponseHeaders() {}

  /**
   * What the application beside us says is its own word: it must not pass on a proxy's word that it
   * was told as a caller itself.
   */
  static void disown(Headers headers, ConnectionFacts facts) {
    if (facts.inbound()) {
      headers.remove(HeaderName.OUTRIGGER_ERROR);
      headers.remove(HeaderName.OUTRIGGER_SOURCE);
    }
  }

  static void prepare(ResponseHead response, Exchange exchange) {
    Headers headers = response.headers();
    if (response.status() == 204) {
      headers.remove(HeaderName.CONTENT_LENGTH); // RFC 9110, section 8.6
    }
    RouteMatch match = exchange.route();
    if (match != null) {
      HeaderEdits.apply(match.responseChanges(), headers, exchange, response);
    }
    String experiment = exchange.faultExperiment();
    if (experiment != null) {
      headers.set(HeaderName.OUTRIGGER_FAULT, experiment);
    }
    // Only the proxy beside the application knows that it was not reached, and only the caller's
    // proxy may hear it: an application that passes headers on must not speak for others.
    headers.remove(HeaderName.OUTRIGGER_UNTOUCHED);
    if (exchange.untouched() && exchange.facts().inbound() && exchange.facts().peer() != null) {
      headers.set(HeaderName.OUTRIGGER_UNTOUCHED, "1");
    }
    if (exchange.facts().inbound() && exchange.facts().peer() == null) {
      // Experiments are nobody's business outside the mesh.
      headers.remove(HeaderName.OUTRIGGER_FAULT);
    }
    HttpProxyConfig config = exchange.settings().config();
    if (!config.serverName().isEmpty()
        && !(config.serverIfAbsent() && headers.contains(HeaderName.SERVER))) {
      headers.set(HeaderName.SERVER, config.serverName());
    }
    if (config.requestIds().inResponse()) {
      headers.set(HeaderName.X_REQUEST_ID, exchange.record().requestId());
    }
    if (!config.forwarding().via().isEmpty()) {
      RequestHeaders.append(headers, HeaderName.VIA, config.forwarding().via(), ", ");
    }
  }
}
