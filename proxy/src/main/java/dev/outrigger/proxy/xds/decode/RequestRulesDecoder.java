package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.config.RequestRules.EscapedSlashes;
import dev.outrigger.proxy.config.RequestRules.HostPort;
import dev.outrigger.proxy.config.RequestRules.Underscores;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;

/** What the connection manager says about paths and names that may be read in two ways. */
final class RequestRulesDecoder {
  private RequestRulesDecoder() {}

  static RequestRules decode(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    return new RequestRules(
        manager.hasNormalizePath()
            ? manager.getNormalizePath().getValue()
            : RequestRules.DEFAULT.normalizePath(),
        manager.getMergeSlashes(),
        escapedSlashes(manager, scope.in("path_with_escaped_slashes_action")),
        underscores(
            manager,
            scope.in("common_http_protocol_options").in("headers_with_underscores_action")),
        hostPort(manager, scope.in("strip_any_host_port")),
        manager.getStripTrailingHostDot());
  }

  private static HostPort hostPort(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    if (manager.getStripMatchingHostPort() && manager.getStripAnyHostPort()) {
      throw scope.refuse("cannot stand beside strip_matching_host_port");
    }
    return manager.getStripAnyHostPort()
        ? HostPort.STRIP_ANY
        : manager.getStripMatchingHostPort() ? HostPort.STRIP_MATCHING : HostPort.KEEP;
  }

  private static EscapedSlashes escapedSlashes(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    return switch (manager.getPathWithEscapedSlashesAction()) {
      case IMPLEMENTATION_SPECIFIC_DEFAULT -> RequestRules.DEFAULT.escapedSlashes();
      case KEEP_UNCHANGED -> EscapedSlashes.KEEP;
      case REJECT_REQUEST -> EscapedSlashes.REJECT;
      case UNESCAPE_AND_REDIRECT -> EscapedSlashes.REDIRECT;
      case UNESCAPE_AND_FORWARD -> EscapedSlashes.UNESCAPE;
      case UNRECOGNIZED -> throw scope.refuse("is no known action");
    };
  }

  private static Underscores underscores(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    return switch (manager.getCommonHttpProtocolOptions().getHeadersWithUnderscoresAction()) {
      case ALLOW -> Underscores.ALLOW;
      case REJECT_REQUEST -> Underscores.REJECT;
      case DROP_HEADER -> Underscores.DROP;
      case UNRECOGNIZED -> throw scope.refuse("is no known action");
    };
  }
}
