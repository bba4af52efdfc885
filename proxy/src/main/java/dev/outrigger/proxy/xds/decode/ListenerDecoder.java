package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.DownstreamTls;
import dev.outrigger.proxy.config.FilterChainConfig;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.ListenerConfig.Destination;
import dev.outrigger.proxy.config.ListenerConfig.Direction;
import dev.outrigger.proxy.config.ListenerConfig.Inspector;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.ProxyProtocol;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceLookup;
import dev.outrigger.proxy.extension.ResourceType;
import dev.outrigger.proxy.extension.Unresolved;
import dev.outrigger.proxy.xds.TypeUrls;
import io.envoyproxy.envoy.config.listener.v3.Filter;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.extensions.filters.listener.http_inspector.v3.HttpInspector;
import io.envoyproxy.envoy.extensions.filters.listener.original_dst.v3.OriginalDst;
import io.envoyproxy.envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Listeners with their filter chains. */
public final class ListenerDecoder implements ResourceType<Listener, Unresolved<ListenerConfig>> {
  private static final Duration DEFAULT_DETECTION = Duration.ofSeconds(15);
  private static final Duration DEFAULT_TCP_IDLE = Duration.ofHours(1);
  private static final int DEFAULT_BUFFER = 1 << 20;
  private static final int DEFAULT_BACKLOG = 4096;

  /** Below the usual limit of open files, so that a flood meets this bound and not that one. */
  private static final int MAX_CONNECTIONS = 100_000;

  @Override
  public String typeUrl() {
    return TypeUrls.LISTENER;
  }

  @Override
  public Class<Listener> messageType() {
    return Listener.class;
  }

  @Override
  public String nameOf(Listener message) {
    return message.getName();
  }

  @Override
  public Unresolved<ListenerConfig> decode(Listener listener, DecodeContext context)
      throws InvalidResourceException {
    Scope scope = Scope.of(typeUrl(), listener.getName(), context);
    SupportedFields.check(listener, scope);
    List<SocketAddressConfig> addresses = addresses(listener, scope);
    Direction direction =
        switch (listener.getTrafficDirection()) {
          case INBOUND -> Direction.INBOUND;
          case OUTBOUND -> Direction.OUTBOUND;
          case UNSPECIFIED -> Direction.UNSPECIFIED;
          case UNRECOGNIZED -> throw scope.in("traffic_direction").refuse("is no known direction");
        };
    Found found = listenerFilters(listener, scope);
    List<Chain> chains = new ArrayList<>();
    Map<FilterChainConfig.Match, String> seen = new HashMap<>();
    for (int i = 0; i < listener.getFilterChainsCount(); i++) {
      Scope at = scope.in("filter_chains", i);
      Chain chain = chain(listener.getFilterChains(i), "filter_chains[" + i + "]", at);
      @Nullable String other = seen.put(chain.match(), chain.name());
      if (other != null) {
        throw at.in("filter_chain_match")
            .refuse("takes the same connections as '" + other + "'; expected a difference");
      }
      chains.add(chain);
    }
    @Nullable Chain last =
        listener.hasDefaultFilterChain()
            ? chain(
                listener.getDefaultFilterChain(),
                "default_filter_chain",
                scope.in("default_filter_chain"))
            : null;
    if (chains.isEmpty() && last == null) {
      throw scope.in("filter_chains").refuse("is required: a listener needs a filter chain");
    }
    Set<Inspector> inspectors = inspectors(found.inspectors(), chains);
    Duration detection =
        listener.hasListenerFiltersTimeout()
            ? scope.in("listener_filters_timeout").duration(listener.getListenerFiltersTimeout())
            : DEFAULT_DETECTION;
    int buffer =
        listener.hasPerConnectionBufferLimitBytes()
            ? scope
                .in("per_connection_buffer_limit_bytes")
                .number(listener.getPerConnectionBufferLimitBytes(), 1024, 1 << 30)
            : DEFAULT_BUFFER;
    int backlog =
        listener.hasTcpBacklogSize()
            ? scope.in("tcp_backlog_size").number(listener.getTcpBacklogSize(), 1, 1 << 20)
            : DEFAULT_BACKLOG;
    List<Unresolved<?>> parts = new ArrayList<>();
    for (Chain chain : chains) {
      parts.addAll(chain.parts());
    }
    if (last != null) {
      parts.addAll(last.parts());
    }
    return new Deferred<>(
        Deferred.needsOf(parts),
        r -> {
          List<FilterChainConfig> resolved = new ArrayList<>();
          for (Chain chain : chains) {
            resolved.add(chain.resolve(r));
          }
          return new ListenerConfig(
              listener.getName(),
              addresses,
              direction,
              found.destination(),
              found.proxyProtocol(),
              inspectors,
              detection,
              listener.getContinueOnListenerFiltersTimeout()
                  ? ListenerConfig.OnDetectionTimeout.CONTINUE
                  : ListenerConfig.OnDetectionTimeout.CLOSE,
              resolved,
              last == null ? null : last.resolve(r),
              buffer,
              backlog,
              MAX_CONNECTIONS);
        });
  }

  /** A chain whose secrets and routes are not known yet. */
  private record Chain(
      String name,
      FilterChainConfig.Match match,
      Unresolved<DownstreamTls> tls,
      Unresolved<NetworkFilter> network,
      Scope scope) {

    List<Unresolved<?>> parts() {
      return List.of(tls, network);
    }

    FilterChainConfig resolve(ResourceLookup resources) throws InvalidResourceException {
      NetworkFilter filter = network.resolve(resources);
      return new FilterChainConfig(name, match, spoken(tls.resolve(resources), filter), filter);
    }

    /** Offers only what is spoken: HTTP/2 must not be agreed upon by TLS and then not be served. */
    private DownstreamTls spoken(DownstreamTls tls, NetworkFilter filter)
        throws InvalidResourceException {
      if (!(tls instanceof DownstreamTls.Terminate terminate)
          || !(filter instanceof NetworkFilter.Http http)
          || http.config().codec() != HttpProxyConfig.Codec.HTTP1
          || !terminate.alpn().contains("h2")) {
        return tls;
      }
      List<String> alpn = terminate.alpn().stream().filter(p -> !p.equals("h2")).toList();
      if (alpn.isEmpty()) {
        throw scope
            .in("transport_socket")
            .in("typed_config")
            .in("common_tls_context")
            .in("alpn_protocols")
            .refuse("h2 alone is offered where codec_type is HTTP1");
      }
      return new DownstreamTls.Terminate(
          terminate.identity(), terminate.clients(), alpn, terminate.versions());
    }
  }

  private static List<SocketAddressConfig> addresses(Listener listener, Scope scope)
      throws InvalidResourceException {
    if (!listener.hasAddress()) {
      throw scope.in("address").refuse("is required");
    }
    List<SocketAddressConfig> addresses = new ArrayList<>();
    addresses.add(Addresses.literal(listener.getAddress(), scope.in("address")));
    for (int i = 0; i < listener.getAdditionalAddressesCount(); i++) {
      addresses.add(
          Addresses.literal(
              listener.getAdditionalAddresses(i).getAddress(),
              scope.in("additional_addresses", i).in("address")));
    }
    return addresses;
  }

  private record Found(
      Destination destination, @Nullable ProxyProtocol proxyProtocol, Set<Inspector> inspectors) {}

  private static Found listenerFilters(Listener listener, Scope scope)
      throws InvalidResourceException {
    Destination destination = Destination.LOCAL_ADDRESS;
    @Nullable ProxyProtocol proxyProtocol = null;
    Set<Inspector> inspectors = EnumSet.noneOf(Inspector.class);
    for (int i = 0; i < listener.getListenerFiltersCount(); i++) {
      Any any = listener.getListenerFilters(i).getTypedConfig();
      Scope at = scope.in("listener_filters", i).in("typed_config");
      if (any.is(OriginalDst.class)) {
        destination = Destination.ORIGINAL;
      } else if (any.is(TlsInspector.class)) {
        inspectors.add(Inspector.TLS);
      } else if (any.is(HttpInspector.class)) {
        inspectors.add(Inspector.HTTP);
      } else if (ProxyProtocolDecoder.reads(any)) {
        if (proxyProtocol != null) {
          throw at.refuse("reads the PROXY protocol a second time");
        }
        proxyProtocol = ProxyProtocolDecoder.decode(any, at);
      } else {
        at.unsupported("expected OriginalDst, ProxyProtocol, TlsInspector or HttpInspector");
      }
    }
    return new Found(destination, proxyProtocol, inspectors);
  }

  /** As Envoy does: what a chain matches by is looked at, asked for or not. */
  private static Set<Inspector> inspectors(Set<Inspector> asked, List<Chain> chains) {
    Set<Inspector> inspectors = EnumSet.noneOf(Inspector.class);
    inspectors.addAll(asked);
    for (Chain chain : chains) {
      FilterChainConfig.Match match = chain.match();
      if (!match.serverNames().isEmpty()
          || match.transportProtocol() != FilterChainConfig.TransportProtocol.ANY
          || !match.applicationProtocols().isEmpty()) {
        inspectors.add(Inspector.TLS);
      }
    }
    return inspectors;
  }

  private static Chain chain(FilterChain chain, String defaultName, Scope scope)
      throws InvalidResourceException {
    return new Chain(
        chain.getName().isEmpty() ? defaultName : chain.getName(),
        FilterChainMatchDecoder.decode(chain.getFilterChainMatch(), scope.in("filter_chain_match")),
        chain.hasTransportSocket()
            ? TlsDecoder.downstream(chain.getTransportSocket(), scope.in("transport_socket"))
            : Unresolved.complete(new DownstreamTls.Plain()),
        network(chain.getFiltersList(), scope),
        scope);
  }

  private static Unresolved<NetworkFilter> network(List<Filter> filters, Scope scope)
      throws InvalidResourceException {
    @Nullable Unresolved<NetworkFilter> network = null;
    for (int i = 0; i < filters.size(); i++) {
      Any any = filters.get(i).getTypedConfig();
      Scope at = scope.in("filters", i).in("typed_config");
      if (network != null) {
        throw scope.in("filters", i).refuse("stands behind a filter that takes the connection");
      }
      if (any.is(HttpConnectionManager.class)) {
        network = HttpProxyDecoder.decode(at.unpack(any, HttpConnectionManager.class), at);
      } else if (any.is(TcpProxy.class)) {
        network = Unresolved.complete(tcp(at.unpack(any, TcpProxy.class), at));
      } else if (KnownTypes.prototype(KnownTypes.nameIn(any.getTypeUrl())) != null) {
        throw at.refuse("is no network filter");
      }
    }
    if (network == null) {
      throw scope.in("filters").refuse("expected HttpConnectionManager or TcpProxy as the last");
    }
    return network;
  }

  private static NetworkFilter tcp(TcpProxy proxy, Scope scope) throws InvalidResourceException {
    List<WeightedCluster> clusters =
        switch (proxy.getClusterSpecifierCase()) {
          case CLUSTER ->
              List.of(new WeightedCluster(scope.in("cluster").required(proxy.getCluster()), 1));
          case WEIGHTED_CLUSTERS -> {
            Scope at = scope.in("weighted_clusters");
            List<WeightedCluster> weighted = new ArrayList<>();
            for (int i = 0; i < proxy.getWeightedClusters().getClustersCount(); i++) {
              var one = proxy.getWeightedClusters().getClusters(i);
              Scope in = at.in("clusters", i);
              weighted.add(
                  new WeightedCluster(
                      in.in("name").required(one.getName()),
                      in.in("weight").number(one.getWeight(), 1, Integer.MAX_VALUE)));
            }
            yield RouteActionDecoder.checkedWeights(weighted, at);
          }
          case CLUSTERSPECIFIER_NOT_SET ->
              throw scope.refuse("expected cluster or weighted_clusters");
        };
    TcpProxy.TcpAccessLogOptions options = proxy.getAccessLogOptions();
    AccessLogConfig log =
        AccessLogDecoder.decode(
            proxy.getAccessLogList(),
            options.getAccessLogFlushInterval(),
            options.getFlushAccessLogOnConnected(),
            scope);
    return new NetworkFilter.Tcp(
        proxy.getStatPrefix(),
        clusters,
        proxy.hasIdleTimeout()
            ? scope.in("idle_timeout").duration(proxy.getIdleTimeout())
            : DEFAULT_TCP_IDLE,
        proxy.hasMaxConnectAttempts()
            ? scope.in("max_connect_attempts").number(proxy.getMaxConnectAttempts(), 1, 100)
            : 1,
        log);
  }
}
