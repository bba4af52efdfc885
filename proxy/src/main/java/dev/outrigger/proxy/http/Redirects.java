package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.Action.Redirect;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.message.RequestHead;
import java.util.List;

/** Where a redirection leads (xDS: {@code RedirectAction}). */
final class Redirects {
  private Redirects() {}

  static LocalReply.Answer answer(Redirect redirect, Match match, RequestHead head) {
    return new LocalReply.Answer(
        redirect.status(),
        "",
        List.of(
            new HeaderValue(
                "location", location(redirect, match, head), Append.OVERWRITE_IF_EXISTS_OR_ADD)));
  }

  static String location(Redirect redirect, Match match, RequestHead head) {
    String scheme = redirect.scheme() == null ? head.scheme() : redirect.scheme();
    String authority = head.authority();
    int bracket = authority.lastIndexOf(']');
    int colon = authority.indexOf(':', Math.max(bracket, 0));
    String host = colon < 0 ? authority : authority.substring(0, colon);
    String port = colon < 0 ? "" : authority.substring(colon);
    if (redirect.host() != null) {
      host = redirect.host();
    }
    if (redirect.port() != null) {
      port = ":" + redirect.port();
    }
    boolean usual =
        (scheme.equals("http") && port.equals(":80"))
            || (scheme.equals("https") && port.equals(":443"));
    boolean changedScheme = !scheme.equals(head.scheme()) && redirect.port() == null;
    boolean otherUsual = changedScheme && (port.equals(":80") || port.equals(":443"));
    String target;
    if (redirect.path() != null) {
      target = redirect.path();
      String query = head.query();
      if (query != null && target.indexOf('?') < 0) {
        target = target + "?" + query;
      }
    } else if (redirect.prefixRewrite() != null) {
      target = PathRewrite.replacePrefix(head.path(), match.path(), redirect.prefixRewrite());
    } else {
      target = head.path();
    }
    if (redirect.stripQuery() && target.indexOf('?') >= 0) {
      target = target.substring(0, target.indexOf('?'));
    }
    return scheme + "://" + host + (usual || otherUsual ? "" : port) + target;
  }
}
