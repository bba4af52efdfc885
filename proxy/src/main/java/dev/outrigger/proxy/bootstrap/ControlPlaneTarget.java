package dev.outrigger.proxy.bootstrap;

import dev.outrigger.proxy.bootstrap.BootstrapConfig.AdsServer;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceLookup;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.xds.AdsStreams;
import dev.outrigger.proxy.xds.AdsStreams.Target;
import dev.outrigger.proxy.xds.AdsStreams.TargetException;
import dev.outrigger.proxy.xds.LocalSecrets;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.TlsSetupException;
import io.netty.handler.ssl.SslContext;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Leads streams to the control plane that the bootstrap names: to each of its endpoints in turn,
 * with the identity that this proxy has at that moment.
 */
public final class ControlPlaneTarget implements AdsStreams.TargetSource {
  private static final int DEFAULT_PORT = 443;

  private final AdsServer server;
  private final Map<String, SecretConfig> secrets = new ConcurrentHashMap<>();
  private final InstantSource clock;
  private int turn;
  private int known = 1;

  /**
   * @param server as the bootstrap says
   * @param statics secrets of the bootstrap, by name
   * @param local secrets made in this process; null if there are none
   */
  public ControlPlaneTarget(
      AdsServer server,
      Map<String, SecretConfig> statics,
      @Nullable LocalSecrets local,
      InstantSource clock) {
    this.server = server;
    this.clock = clock;
    secrets.putAll(statics);
    if (local != null) {
      local.watch(secrets::put);
    }
  }

  @Override
  public Target next() throws TargetException {
    List<Map.Entry<String, String>> headers = new ArrayList<>();
    server.metadata().forEach(header -> headers.add(Map.entry(header.name(), header.value())));
    try {
      return switch (server.target()) {
        case BootstrapConfig.Target.ByCluster byCluster -> of(byCluster, headers);
        case BootstrapConfig.Target.ByUri byUri -> of(byUri, headers);
      };
    } catch (InvalidResourceException | TlsSetupException e) {
      throw new TargetException(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public int known() {
    return known;
  }

  private Target of(
      BootstrapConfig.Target.ByCluster target, List<Map.Entry<String, String>> headers)
      throws TargetException, InvalidResourceException, TlsSetupException {
    for (ResourceRef need : target.cluster().needs()) {
      if (!secrets.containsKey(need.name())) {
        throw new TargetException("waits for the secret '" + need.name() + "'");
      }
    }
    ClusterConfig cluster = target.cluster().resolve(new Secrets());
    List<Endpoint> endpoints =
        switch (cluster.discovery()) {
          case ClusterConfig.Discovery.Listed listed -> listed.endpoints().endpoints();
          case ClusterConfig.Discovery.Dns dns -> dns.names().endpoints();
          case ClusterConfig.Discovery.OriginalDestination _ -> List.of();
        };
    if (endpoints.isEmpty()) {
      throw new TargetException("the cluster '" + cluster.name() + "' has no endpoint");
    }
    known = endpoints.size();
    Endpoint endpoint = endpoints.get(Math.floorMod(turn++, endpoints.size()));
    UpstreamTls tls = cluster.tlsMatches().getFirst().tls();
    String authority = target.authority();
    if (tls instanceof UpstreamTls.Originate originate && originate.sni() != null) {
      authority = originate.sni();
    }
    return new Target(
        endpoint.address().host(),
        endpoint.address().port(),
        context(tls),
        isHostName(authority) ? authority : null,
        headers);
  }

  private Target of(BootstrapConfig.Target.ByUri target, List<Map.Entry<String, String>> headers)
      throws TargetException, TlsSetupException {
    String rest = target.uri().substring(target.uri().lastIndexOf('/') + 1);
    if (target.uri().startsWith("dns:") && !target.uri().contains("/")) {
      rest = target.uri().substring("dns:".length());
    }
    int colon = rest.lastIndexOf(':');
    boolean hasPort =
        colon > rest.lastIndexOf(']') && (rest.indexOf(':') == colon || rest.startsWith("["));
    String host = hasPort ? rest.substring(0, colon) : rest;
    try {
      int port = hasPort ? Integer.parseInt(rest.substring(colon + 1)) : DEFAULT_PORT;
      return new Target(
          host.replace("[", "").replace("]", ""), port, context(target.tls()), null, headers);
    } catch (NumberFormatException e) {
      throw new TargetException("'" + target.uri() + "' has no port that can be read");
    }
  }

  /** An authority with characters that no host has, such as a cluster's name, is left out. */
  private static boolean isHostName(String text) {
    return text.matches("[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?");
  }

  private @Nullable SslContext context(UpstreamTls tls) throws TlsSetupException {
    return switch (tls) {
      case UpstreamTls.Plain _ -> null;
      case UpstreamTls.Originate originate ->
          ClientTls.of(
                  originate.identity(),
                  originate.trust(),
                  originate.rule(),
                  List.of("h2"),
                  originate.versions().protocols(),
                  clock)
              .context();
    };
  }

  /** The cluster that leads to a control plane may name secrets only. */
  private final class Secrets implements ResourceLookup {
    @Override
    public RouteTableConfig routes(String name) {
      throw new IllegalStateException("no route table was asked for");
    }

    @Override
    public EndpointSet endpoints(String name) {
      throw new IllegalStateException("no endpoints were asked for");
    }

    @Override
    public SecretConfig secret(String name) {
      SecretConfig secret = secrets.get(name);
      if (secret == null) {
        throw new IllegalStateException("the secret " + name + " was not asked for");
      }
      return secret;
    }
  }
}
