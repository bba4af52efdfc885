package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.UInt32Value;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderLevels;
import dev.outrigger.proxy.config.RouteTableConfig.Mirror;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceType;
import dev.outrigger.proxy.xds.TypeUrls;
import dev.outrigger.proxy.xds.decode.RouteActionDecoder.Inherited;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.config.route.v3.VirtualHost;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Route tables. */
public final class RouteDecoder implements ResourceType<RouteConfiguration, RouteTableConfig> {
  private static final int DEFAULT_DIRECT_BODY = 4096;
  private static final int MAX_DIRECT_BODY = 1 << 20;
  private static final int MAX_RETRY_BUFFER = 64 << 20;

  @Override
  public String typeUrl() {
    return TypeUrls.ROUTE;
  }

  @Override
  public Class<RouteConfiguration> messageType() {
    return RouteConfiguration.class;
  }

  @Override
  public String nameOf(RouteConfiguration message) {
    return message.getName();
  }

  @Override
  public RouteTableConfig decode(RouteConfiguration routes, DecodeContext context)
      throws InvalidResourceException {
    Scope scope = Scope.of(typeUrl(), routes.getName(), context);
    SupportedFields.check(routes, scope);
    return decode(routes, scope);
  }

  static RouteTableConfig decode(RouteConfiguration routes, Scope scope)
      throws InvalidResourceException {
    int directBody =
        routes.hasMaxDirectResponseBodySizeBytes()
            ? scope
                .in("max_direct_response_body_size_bytes")
                .number(routes.getMaxDirectResponseBodySizeBytes(), 0, MAX_DIRECT_BODY)
            : DEFAULT_DIRECT_BODY;
    HeaderChanges changes =
        HeaderChangesDecoder.decode(
            routes.getRequestHeadersToAddList(),
            routes.getRequestHeadersToRemoveList(),
            routes.getResponseHeadersToAddList(),
            routes.getResponseHeadersToRemoveList(),
            scope);
    Table table =
        new Table(
            changes,
            routes.getMostSpecificHeaderMutationsWins(),
            directBody,
            RouteActionDecoder.mirrors(routes.getRequestMirrorPoliciesList(), scope),
            RouteFilterDecoder.decode(routes.getTypedPerFilterConfigMap(), Map.of(), scope));
    List<RouteTableConfig.VirtualHost> hosts = new ArrayList<>();
    Map<String, String> domains = new HashMap<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < routes.getVirtualHostsCount(); i++) {
      VirtualHost host = routes.getVirtualHosts(i);
      Scope at = scope.in("virtual_hosts", i);
      if (!names.add(at.in("name").required(host.getName()))) {
        throw at.in("name").refuse("the virtual host '" + host.getName() + "' is there already");
      }
      if (host.getDomainsCount() == 0) {
        throw at.in("domains").refuse("is required: at least one domain, or \"*\" for all");
      }
      List<String> own = new ArrayList<>();
      for (int j = 0; j < host.getDomainsCount(); j++) {
        String domain = domain(host.getDomains(j), at.in("domains", j));
        @Nullable String other = domains.put(domain, host.getName());
        if (other != null) {
          throw at.in("domains", j)
              .refuse("'" + domain + "' belongs to the virtual host '" + other + "' already");
        }
        own.add(domain);
      }
      hosts.add(
          new RouteTableConfig.VirtualHost(
              host.getName(),
              own,
              routes(host, table, at),
              tlsOnly(host, at.in("require_tls")),
              host.getIncludeRequestAttemptCount(),
              host.getIncludeAttemptCountInResponse(),
              ClusterConfig.serviceOf(
                  EndpointDecoder.texts(
                      host.getMetadata(), EndpointDecoder.OWN, at.in("metadata")))));
    }
    return new RouteTableConfig(routes.getName(), hosts);
  }

  /** What all routes of a table share. */
  private record Table(
      HeaderChanges changes,
      boolean mostSpecificWins,
      int maxDirectBody,
      List<Mirror> mirrors,
      Map<String, OfRoute> filters) {
    HeaderLevels around(HeaderChanges host, HeaderChanges route) {
      return new HeaderLevels(List.of(route, host, changes), mostSpecificWins);
    }
  }

  private static boolean tlsOnly(VirtualHost host, Scope scope) throws InvalidResourceException {
    return switch (host.getRequireTls()) {
      case NONE -> false;
      case ALL -> true;
      case EXTERNAL_ONLY -> {
        scope.unsupported("no client counts as internal, expected ALL or NONE");
        yield true;
      }
      case UNRECOGNIZED -> throw scope.refuse("is no known choice");
    };
  }

  private static String domain(String text, Scope scope) throws InvalidResourceException {
    String domain = scope.required(text).toLowerCase(Locale.ROOT);
    int star = domain.indexOf('*');
    boolean edge = star == 0 || star == domain.length() - 1;
    if (star >= 0 && (!edge || domain.indexOf('*', star + 1) >= 0)) {
      throw scope.refuse("'" + text + "' may hold one * at its beginning or its end");
    }
    return domain;
  }

  private static List<RouteTableConfig.Route> routes(VirtualHost host, Table table, Scope scope)
      throws InvalidResourceException {
    HeaderChanges changes =
        HeaderChangesDecoder.decode(
            host.getRequestHeadersToAddList(),
            host.getRequestHeadersToRemoveList(),
            host.getResponseHeadersToAddList(),
            host.getResponseHeadersToRemoveList(),
            scope);
    dev.outrigger.proxy.config.RetryPolicy retry =
        host.hasRetryPolicy()
            ? RetryDecoder.decode(host.getRetryPolicy(), scope.in("retry_policy"))
            : dev.outrigger.proxy.config.RetryPolicy.NEVER;
    Map<String, OfRoute> filters =
        RouteFilterDecoder.decode(host.getTypedPerFilterConfigMap(), table.filters(), scope);
    List<Mirror> mirrors =
        host.getRequestMirrorPoliciesCount() == 0
            ? table.mirrors()
            : RouteActionDecoder.mirrors(host.getRequestMirrorPoliciesList(), scope);
    int hostBuffer =
        retryBuffer(
            host.hasPerRequestBufferLimitBytes(),
            host.getPerRequestBufferLimitBytes(),
            Action.Forward.DEFAULT_RETRY_BUFFER,
            scope);
    List<RouteTableConfig.Route> routes = new ArrayList<>();
    for (int i = 0; i < host.getRoutesCount(); i++) {
      Route route = host.getRoutes(i);
      Scope at = scope.in("routes", i);
      if (!route.hasMatch()) {
        throw at.in("match").refuse("is required");
      }
      HeaderChanges own =
          HeaderChangesDecoder.decode(
              route.getRequestHeadersToAddList(),
              route.getRequestHeadersToRemoveList(),
              route.getResponseHeadersToAddList(),
              route.getResponseHeadersToRemoveList(),
              at);
      Inherited inherited =
          new Inherited(
              retry,
              mirrors,
              retryBuffer(
                  route.hasPerRequestBufferLimitBytes(),
                  route.getPerRequestBufferLimitBytes(),
                  hostBuffer,
                  at));
      routes.add(
          new RouteTableConfig.Route(
              route.getName(),
              MatchDecoder.decode(route.getMatch(), at.in("match")),
              action(route, inherited, table.maxDirectBody(), at),
              table.around(changes, own),
              RouteFilterDecoder.decode(route.getTypedPerFilterConfigMap(), filters, at)));
    }
    return routes;
  }

  private static int retryBuffer(boolean set, UInt32Value bytes, int otherwise, Scope scope)
      throws InvalidResourceException {
    return set
        ? scope.in("per_request_buffer_limit_bytes").number(bytes, 0, MAX_RETRY_BUFFER)
        : otherwise;
  }

  private static Action action(Route route, Inherited inherited, int maxDirectBody, Scope scope)
      throws InvalidResourceException {
    return switch (route.getActionCase()) {
      case ROUTE -> RouteActionDecoder.forward(route.getRoute(), inherited, scope.in("route"));
      case REDIRECT -> RouteActionDecoder.redirect(route.getRedirect(), scope.in("redirect"));
      case DIRECT_RESPONSE ->
          RouteActionDecoder.direct(
              route.getDirectResponse(), maxDirectBody, scope.in("direct_response"));
      case ACTION_NOT_SET -> throw scope.refuse("expected route, redirect or direct_response");
    };
  }
}
