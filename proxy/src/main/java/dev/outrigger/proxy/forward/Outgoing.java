package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.HeaderEdits;
import dev.outrigger.proxy.http.Tunnel;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.route.RouteMatch;

/** Makes a request's head what the endpoint gets. Done once, before the first attempt. */
final class Outgoing {
  private Outgoing() {}

  /**
   * Changes headers, then host, then path, as Envoy does: what changes the headers sees the request
   * as it came.
   *
   * @return whether that was possible; if not, a regular expression had to be given up
   */
  static boolean prepare(Exchange exchange, RouteMatch match, Action.Forward forward) {
    RequestHead head = exchange.head();
    Headers headers = head.headers();
    HeaderEdits.apply(match.requestChanges(), headers, exchange, null);
    String host = match.upstreamHost(head);
    if (host != null) {
      rewriteHost(head, host, forward.rewrite().appendForwardedHost());
    } else if (!headers.contains(HeaderName.HOST)) {
      headers.add(HeaderName.HOST, head.authority()); // HTTP/1.0 may have none, we speak 1.1
    }
    Tunnel tunnel = exchange.tunnel();
    if (tunnel != null) {
      headers.remove(HeaderName.CONTENT_LENGTH);
      if (tunnel.protocol() == null) {
        return true; // CONNECT has no path
      }
      headers.add(HeaderName.CONNECTION, "upgrade");
      headers.add(HeaderName.UPGRADE, tunnel.protocol());
    }
    String path = match.upstreamPath(head.path());
    if (path == null) {
      return false;
    }
    head.path(path);
    return true;
  }

  static void rewriteHost(RequestHead head, String host, boolean tellOld) {
    Headers headers = head.headers();
    if (tellOld && !head.authority().isEmpty()) {
      String told = headers.get(HeaderName.X_FORWARDED_HOST);
      if (told == null) {
        headers.add(HeaderName.X_FORWARDED_HOST, head.authority());
      } else if (!told.endsWith(head.authority())) {
        headers.set(
            HeaderName.X_FORWARDED_HOST,
            String.join(",", headers.all(HeaderName.X_FORWARDED_HOST)) + "," + head.authority());
      }
    }
    head.authority(host);
    if (head.method().equals("CONNECT")) {
      String port = head.path().substring(head.path().lastIndexOf(':'));
      head.path(host.lastIndexOf(':') > host.lastIndexOf(']') ? host : host + port);
    }
    headers.set(HeaderName.HOST, host);
  }
}
