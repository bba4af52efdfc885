package dev.outrigger.proxy.listen;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.DownstreamTls;
import dev.outrigger.proxy.config.FilterChainConfig;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.http.HttpSettings;
import dev.outrigger.proxy.route.RouteTable;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.TlsMaker;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.ServerTls;
import dev.outrigger.tls.TlsSetupException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A whole configuration in the form that workers use: route tables compiled, TLS contexts made.
 * Immutable; made off the workers. What did not change since the last one is taken over from it.
 *
 * @param listeners by name
 * @param clientTls for each way of beginning TLS
 */
public record CompiledConfig(
    RuntimeSnapshot snapshot,
    Map<String, CompiledListener> listeners,
    Map<UpstreamTls.Originate, ClientTls> clientTls,
    Map<DownstreamTls.Terminate, ServerTls> serverTls,
    Map<RouteTableConfig, RouteTable> tables) {

  /** Nothing. */
  public static final CompiledConfig EMPTY =
      new CompiledConfig(RuntimeSnapshot.EMPTY, Map.of(), Map.of(), Map.of(), Map.of());

  public CompiledConfig {
    listeners = Map.copyOf(listeners);
    clientTls = Map.copyOf(clientTls);
    serverTls = Map.copyOf(serverTls);
    tables = Map.copyOf(tables);
  }

  /**
   * Compiles a configuration.
   *
   * @throws TlsSetupException if a key or certificate cannot be used
   * @throws IllegalArgumentException if a route table contradicts itself
   */
  public CompiledConfig next(RuntimeConfig config, InstantSource clock) throws TlsSetupException {
    RuntimeSnapshot next = new RuntimeSnapshot(snapshot.sequence() + 1, config);
    Map<UpstreamTls.Originate, ClientTls> clients = new HashMap<>();
    for (ClusterConfig cluster : config.clusters().values()) {
      for (ClusterConfig.TlsMatch match : cluster.tlsMatches()) {
        if (match.tls() instanceof UpstreamTls.Originate originate) {
          compile(originate, clients, clock);
          for (ClusterConfig.Speech speech : cluster.pool().speech().onConnections()) {
            compile(originate.offering(speech), clients, clock);
          }
        }
      }
    }
    Map<DownstreamTls.Terminate, ServerTls> servers = new HashMap<>();
    Map<RouteTableConfig, RouteTable> routes = new HashMap<>();
    Map<String, CompiledListener> compiled = new HashMap<>();
    for (ListenerConfig listener : config.listeners()) {
      List<CompiledChain> chains = new ArrayList<>();
      for (FilterChainConfig chain : listener.chains()) {
        chains.add(chain(chain, next, servers, routes, clock));
      }
      FilterChainConfig last = listener.defaultChain();
      compiled.put(
          listener.name(),
          new CompiledListener(
              listener, chains, last == null ? null : chain(last, next, servers, routes, clock)));
    }
    return new CompiledConfig(next, compiled, clients, servers, routes);
  }

  private void compile(
      UpstreamTls.Originate tls, Map<UpstreamTls.Originate, ClientTls> clients, InstantSource clock)
      throws TlsSetupException {
    if (!clients.containsKey(tls)) {
      ClientTls known = clientTls.get(tls);
      clients.put(tls, known != null ? known : TlsMaker.client(tls, clock));
    }
  }

  private CompiledChain chain(
      FilterChainConfig chain,
      RuntimeSnapshot next,
      Map<DownstreamTls.Terminate, ServerTls> servers,
      Map<RouteTableConfig, RouteTable> routes,
      InstantSource clock)
      throws TlsSetupException {
    ServerTls tls =
        switch (chain.tls()) {
          case DownstreamTls.Plain _ -> null;
          case DownstreamTls.Terminate terminate -> {
            ServerTls made = servers.get(terminate);
            if (made == null) {
              made = serverTls.get(terminate);
            }
            if (made == null) {
              made = TlsMaker.server(terminate, clock);
            }
            servers.put(terminate, made);
            yield made;
          }
        };
    HttpSettings http =
        switch (chain.network()) {
          case NetworkFilter.Tcp _ -> null;
          case NetworkFilter.Http filter -> {
            RouteTableConfig table = filter.config().routes();
            RouteTable known = tables.get(table);
            RouteTable routeTable =
                routes.computeIfAbsent(
                    table, fresh -> known != null ? known : RouteTable.compile(fresh));
            yield new HttpSettings(next, filter.config(), routeTable);
          }
        };
    return new CompiledChain(chain, tls, http);
  }
}
