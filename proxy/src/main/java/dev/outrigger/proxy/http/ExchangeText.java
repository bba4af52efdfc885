package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HeaderTemplate;
import dev.outrigger.proxy.config.HeaderTemplate.Part;
import dev.outrigger.proxy.config.HeaderTemplate.Variable;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.TimePattern;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.proxy.telemetry.TimeText;
import dev.outrigger.tls.PeerIdentity;
import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Puts what is known of an exchange into a {@link HeaderTemplate}. */
final class ExchangeText {
  private ExchangeText() {}

  /**
   * The text; what is not known is empty.
   *
   * @param response the answer, once there is one
   */
  static String of(HeaderTemplate template, Exchange exchange, @Nullable ResponseHead response) {
    List<Part> parts = template.parts();
    if (parts.size() == 1) {
      return of(parts.getFirst(), exchange, response);
    }
    StringBuilder text = new StringBuilder(64);
    for (int i = 0; i < parts.size(); i++) {
      text.append(of(parts.get(i), exchange, response));
    }
    return text.toString();
  }

  private static String of(Part part, Exchange exchange, @Nullable ResponseHead response) {
    return switch (part) {
      case Part.Text(String text) -> text;
      case Part.Known(Variable variable) -> known(variable, exchange, response);
      case Part.RequestHeader(String name, @Nullable String other, int max) -> {
        String value = ofRequest(name, exchange.head());
        yield cut(value == null && other != null ? ofRequest(other, exchange.head()) : value, max);
      }
      case Part.StartTime(TimePattern pattern) ->
          TimeText.of(pattern, exchange.record().startedAtMillis());
      case Part.QueryParameter(String name, int max) ->
          cut(parameter(exchange.head().query(), name), max);
      case Part.ResponseHeader(String name, @Nullable String other, int max) -> {
        if (response == null) {
          yield "";
        }
        String value = header(name, response.headers());
        yield cut(value == null && other != null ? header(other, response.headers()) : value, max);
      }
    };
  }

  /** The first of that name; null if there is none. */
  private static @Nullable String parameter(@Nullable String query, String name) {
    int at = query == null ? -1 : 0;
    while (query != null && at >= 0 && at <= query.length()) {
      int end = query.indexOf('&', at);
      end = end < 0 ? query.length() : end;
      if (query.startsWith(name, at)) {
        int equals = at + name.length();
        if (equals < end && query.charAt(equals) == '=') {
          return query.substring(equals + 1, end);
        }
      }
      at = end + 1;
    }
    return null;
  }

  private static String cut(@Nullable String value, int max) {
    return value == null ? "" : value.length() > max ? value.substring(0, max) : value;
  }

  private static @Nullable String ofRequest(String name, RequestHead head) {
    return switch (name) {
      case ":method" -> head.method();
      case ":path" -> head.path();
      case ":authority" -> head.authority();
      case ":scheme" -> head.scheme();
      default -> header(name, head.headers());
    };
  }

  private static @Nullable String header(String name, Headers headers) {
    return headers.get(HeaderName.of(name));
  }

  private static String known(
      Variable variable, Exchange exchange, @Nullable ResponseHead response) {
    InetSocketAddress peer = exchange.facts().remote();
    InetSocketAddress local = exchange.facts().destination();
    InetSocketAddress direct = exchange.facts().local();
    return switch (variable) {
      case DOWNSTREAM_REMOTE_ADDRESS -> {
        String client = exchange.forwardedClient();
        yield client == null ? address(peer) : withPort(client, 0);
      }
      case DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT -> {
        String client = exchange.forwardedClient();
        yield client == null ? ip(peer) : client;
      }
      case DOWNSTREAM_REMOTE_PORT ->
          exchange.forwardedClient() == null ? Integer.toString(peer.getPort()) : "0";
      case DOWNSTREAM_DIRECT_REMOTE_ADDRESS -> address(peer);
      case DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT -> ip(peer);
      case DOWNSTREAM_DIRECT_REMOTE_PORT -> Integer.toString(peer.getPort());
      case DOWNSTREAM_LOCAL_ADDRESS -> address(local);
      case DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT -> ip(local);
      case DOWNSTREAM_LOCAL_PORT -> Integer.toString(local.getPort());
      case DOWNSTREAM_DIRECT_LOCAL_ADDRESS -> address(direct);
      case DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT -> ip(direct);
      case DOWNSTREAM_DIRECT_LOCAL_PORT -> Integer.toString(direct.getPort());
      case DOWNSTREAM_PEER_URI_SAN -> joined(exchange.facts().peer(), true);
      case DOWNSTREAM_PEER_DNS_SAN -> joined(exchange.facts().peer(), false);
      case DOWNSTREAM_PEER_SUBJECT -> {
        PeerIdentity identity = exchange.facts().peer();
        yield identity == null ? "" : identity.subject();
      }
      case DOWNSTREAM_PEER_FINGERPRINT_256 -> {
        PeerIdentity identity = exchange.facts().peer();
        yield identity == null ? "" : identity.sha256();
      }
      case REQUESTED_SERVER_NAME -> orEmpty(exchange.facts().serverName());
      case PROTOCOL -> exchange.head().version().toString();
      case ROUTE_NAME -> {
        RouteMatch route = exchange.route();
        yield route == null ? "" : route.route().name();
      }
      case STREAM_ID -> exchange.record().requestId();
      case TRACE_ID -> orEmpty(exchange.record().traceId());
      case UPSTREAM_CLUSTER, UPSTREAM_CLUSTER_RAW -> {
        RouteMatch route = exchange.route();
        yield route != null && route.action() instanceof Action.Forward ? route.cluster() : "";
      }
      case UPSTREAM_HOST, UPSTREAM_REMOTE_ADDRESS -> {
        Endpoint endpoint = exchange.answeredBy();
        yield endpoint == null
            ? ""
            : withPort(endpoint.address().host(), endpoint.address().port());
      }
      case UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT -> {
        Endpoint endpoint = exchange.answeredBy();
        yield endpoint == null ? "" : endpoint.address().host();
      }
      case UPSTREAM_REMOTE_PORT -> {
        Endpoint endpoint = exchange.answeredBy();
        yield endpoint == null ? "" : Integer.toString(endpoint.address().port());
      }
      case UPSTREAM_REQUEST_ATTEMPT_COUNT -> Integer.toString(exchange.record().attempts());
      case RESPONSE_CODE -> response == null ? "" : Integer.toString(response.status());
    };
  }

  private static String joined(@Nullable PeerIdentity identity, boolean uris) {
    return identity == null ? "" : String.join(",", uris ? identity.uris() : identity.dnsNames());
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }

  private static String address(InetSocketAddress address) {
    return withPort(ip(address), address.getPort());
  }

  private static String ip(InetSocketAddress address) {
    return NetUtil.toAddressString(address.getAddress());
  }

  private static String withPort(String ip, int port) {
    return (ip.indexOf(':') < 0 ? ip : "[" + ip + "]") + ":" + port;
  }
}
