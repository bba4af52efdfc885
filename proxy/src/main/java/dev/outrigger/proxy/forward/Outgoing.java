package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.HeaderEdits;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.route.RouteMatch;
import org.jspecify.annotations.Nullable;

/** Makes a request's head what the endpoint gets. Done once, before the first attempt. */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
final class Outgoing {
  private Outgoing() {}

  /** Returns the protocol to change to that the route lets through, or null. */
  static @Nullable String prepare(
      Exchange exchange, RouteMatch match, Action.Forward forward, boolean possible) {
    RequestHead head = exchange.head();
    Headers headers = head.headers();
    if (forward.prefixRewrite() != null) {
      head.path(match.upstreamPath(head.path()));
    }
    if (forward.hostRewrite() != null) {
      head.authority(forward.hostRewrite());
      headers.set(HeaderName.HOST, forward.hostRewrite());
    } else if (!headers.contains(HeaderName.HOST)) {
      headers.add(HeaderName.HOST, head.authority()); // HTTP/1.0 may have none, we speak 1.1
    }
    HeaderChanges changes = match.route().headers();
    if (changes != HeaderChanges.NONE) {
      HeaderEdits.apply(changes.requestRemove(), changes.requestAdd(), headers);
    }
    String upgrade = exchange.upgrade();
    boolean allowed =
        forward.upgrades() == null ? exchange.settings().config().upgrades() : forward.upgrades();
    // Anything else, h2c above all, would be a tunnel around what is configured for HTTP.
    if (upgrade == null || !allowed || !possible || !upgrade.equals("websocket")) {
      return null;
    }
    headers.add(HeaderName.CONNECTION, "upgrade");
    headers.add(HeaderName.UPGRADE, upgrade);
    return upgrade;
  }
}
