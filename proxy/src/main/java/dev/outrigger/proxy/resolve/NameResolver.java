package dev.outrigger.proxy.resolve;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.ClusterConfig.Family;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.worker.ConfigLoop;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The step between an assembled configuration and its publication: clusters of names leave it as
 * clusters of addresses ({@link Discovery.Listed}), and whenever an answer changes the whole
 * configuration is handed on again.
 *
 * <p>A configuration waits for the first answer to each of its new names, at most {@link
 * #FIRST_ANSWER}; a name without an answer has no endpoints. Once there was an answer it stays in
 * use until there is a better one: failures never take addresses away. A name is asked again after
 * the cluster's refresh time, or when the answer's time to live is over if that comes first, but
 * not more often than once a second. Answers are sorted, so that servers that rotate them change
 * nothing.
 *
 * <p>Lives on the config loop; every method is called there.
 */
public final class NameResolver {
  /** How long a configuration waits for names that were never answered. */
  static final Duration FIRST_ANSWER = Duration.ofSeconds(5);

  private static final Duration AT_MOST_EVERY = Duration.ofSeconds(1);
  private static final int MAX_ADDRESSES_PER_NAME = 1024;
  private static final Logger LOG = LoggerFactory.getLogger(NameResolver.class);

  private final ConfigLoop loop;
  private final NameLookup lookup;
  private final NameCache cache;
  private final Consumer<RuntimeConfig> publish;
  private final Map<String, Name> names = new HashMap<>();
  private RuntimeConfig wanted = RuntimeConfig.empty();
  private @Nullable RuntimeConfig published;

  /**
   * @param publish called on the config loop with each configuration that differs from the last
   */
  public NameResolver(
      ConfigLoop loop, NameLookup lookup, NameCache cache, Consumer<RuntimeConfig> publish) {
    this.loop = loop;
    this.lookup = lookup;
    this.cache = cache;
    this.publish = publish;
  }

  /** The configuration to hand on from now, as soon as its names are answered. */
  public void resolve(RuntimeConfig config) {
    loop.checkInside();
    wanted = config;
    Map<String, Duration> refreshes = new HashMap<>();
    for (ClusterConfig cluster : config.clusters().values()) {
      if (cluster.discovery() instanceof Discovery.Dns dns) {
        for (Endpoint endpoint : dns.names().endpoints()) {
          String host = endpoint.address().host();
          if (!isLiteral(host)) {
            refreshes.merge(host, dns.refresh(), NameResolver::shorter);
          }
        }
      }
    }
    names
        .entrySet()
        .removeIf(
            entry -> {
              boolean gone = !refreshes.containsKey(entry.getKey());
              if (gone) {
                entry.getValue().stop();
              }
              return gone;
            });
    refreshes.forEach(
        (host, refresh) -> {
          Name known = names.get(host);
          if (known != null) {
            known.refresh = refresh;
          } else {
            Name name = new Name(host, refresh);
            names.put(host, name);
            name.begin();
          }
        });
    publishIfReady();
  }

  /** Asks no more. */
  public void stop() {
    loop.checkInside();
    names.values().forEach(Name::stop);
    names.clear();
  }

  private void publishIfReady() {
    for (Name name : names.values()) {
      if (!name.settled) {
        return;
      }
    }
    RuntimeConfig resolved = resolved(wanted);
    if (!resolved.equals(published)) {
      published = resolved;
      publish.accept(resolved);
    }
  }

  private RuntimeConfig resolved(RuntimeConfig config) {
    if (names.isEmpty()
        && config.clusters().values().stream()
            .noneMatch(cluster -> cluster.discovery() instanceof Discovery.Dns)) {
      return config;
    }
    Map<String, ClusterConfig> clusters = new HashMap<>();
    config
        .clusters()
        .forEach(
            (name, cluster) ->
                clusters.put(
                    name,
                    cluster.discovery() instanceof Discovery.Dns dns
                        ? withAddresses(cluster, dns)
                        : cluster));
    return new RuntimeConfig(config.listeners(), clusters);
  }

  private ClusterConfig withAddresses(ClusterConfig cluster, Discovery.Dns dns) {
    // Two names may lead to one address, which is still one endpoint.
    Map<SocketAddressConfig, Endpoint> endpoints = new LinkedHashMap<>();
    for (Endpoint named : dns.names().endpoints()) {
      String host = named.address().host();
      Name name = names.get(host);
      if (name == null) {
        endpoints.putIfAbsent(named.address(), named);
        continue;
      }
      List<InetAddress> addresses = ofFamily(name.addresses, dns.family());
      for (InetAddress address : dns.firstAddressOnly() ? firstOf(addresses) : addresses) {
        SocketAddressConfig at =
            new SocketAddressConfig(NetUtil.toAddressString(address), named.address().port());
        endpoints.putIfAbsent(at, at(named, at));
      }
    }
    return new ClusterConfig(
        cluster.name(),
        new Discovery.Listed(new EndpointSet(List.copyOf(endpoints.values()))),
        cluster.balancing(),
        cluster.connectTimeout(),
        cluster.pool(),
        cluster.breaker(),
        cluster.health(),
        cluster.outliers(),
        cluster.tlsMatches(),
        cluster.labels());
  }

  private static Endpoint at(Endpoint named, SocketAddressConfig address) {
    return new Endpoint(
        address,
        named.hostname().isEmpty() ? named.address().host() : named.hostname(),
        named.weight(),
        named.priority(),
        named.health(),
        named.locality(),
        named.tlsLabels(),
        named.identity(),
        named.workload());
  }

  private static List<InetAddress> firstOf(List<InetAddress> addresses) {
    return addresses.isEmpty() ? addresses : addresses.subList(0, 1);
  }

  private static List<InetAddress> ofFamily(List<InetAddress> addresses, Family family) {
    return switch (family) {
      case ALL -> addresses;
      case V4_ONLY -> only(addresses, true);
      case V6_ONLY -> only(addresses, false);
      case V4_PREFERRED -> preferring(addresses, true);
      case V6_PREFERRED -> preferring(addresses, false);
    };
  }

  private static List<InetAddress> preferring(List<InetAddress> addresses, boolean v4) {
    List<InetAddress> preferred = only(addresses, v4);
    return preferred.isEmpty() ? addresses : preferred;
  }

  private static List<InetAddress> only(List<InetAddress> addresses, boolean v4) {
    return addresses.stream().filter(address -> address instanceof Inet4Address == v4).toList();
  }

  private static boolean isLiteral(String host) {
    return NetUtil.isValidIpV4Address(host) || NetUtil.isValidIpV6Address(host);
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /** One name that some cluster wants. */
  private final class Name {
    private final String host;
    private Duration refresh;
    private List<InetAddress> addresses = List.of();
    private boolean settled;
    private boolean stopped;
    private boolean failing;
    private @Nullable ScheduledFuture<?> next;
    private @Nullable ScheduledFuture<?> patience;

    Name(String host, Duration refresh) {
      this.host = host;
      this.refresh = refresh;
    }

    /** A configuration that comes back soon after asks nobody. */
    void begin() {
      ResolvedName known = cache.get(host);
      if (known != null) {
        settled = true;
        addresses = sorted(known.addresses());
        next = loop.schedule(this::ask, pause(known.ttl()));
        return;
      }
      patience =
          loop.schedule(
              () -> {
                LOG.warn("{}: no answer yet; its cluster starts without endpoints", host);
                settle();
                publishIfReady();
              },
              FIRST_ANSWER);
      // Later, so that no answer comes back in the midst of an update.
      next = loop.schedule(this::ask, Duration.ZERO);
    }

    void stop() {
      stopped = true;
      settle();
      if (next != null) {
        next.cancel(false);
      }
    }

    private void ask() {
      lookup.lookUp(host, this::onAnswer);
    }

    private void settle() {
      settled = true;
      if (patience != null) {
        patience.cancel(false);
        patience = null;
      }
    }

    private void onAnswer(NameLookup.Answer answer) {
      if (stopped) {
        return;
      }
      settle();
      switch (answer) {
        case NameLookup.Answer.Found(ResolvedName found) -> {
          Duration holds = shorter(refresh, found.ttl());
          cache.put(host, new ResolvedName(found.addresses(), holds));
          addresses = sorted(found.addresses());
          failing = false;
          next = loop.schedule(this::ask, pause(found.ttl()));
        }
        case NameLookup.Answer.Failed(String reason) -> {
          // Said once, not at every refresh.
          if (!failing) {
            failing = true;
            LOG.warn(
                "{}: {}; {}",
                host,
                reason,
                addresses.isEmpty() ? "it has no endpoints" : "the last addresses stay in use");
          }
          next = loop.schedule(this::ask, pause(refresh));
        }
      }
      publishIfReady();
    }

    private Duration pause(Duration ttl) {
      Duration sooner = shorter(refresh, ttl);
      return sooner.compareTo(AT_MOST_EVERY) < 0 ? AT_MOST_EVERY : sooner;
    }

    private static List<InetAddress> sorted(List<InetAddress> addresses) {
      return addresses.stream()
          .sorted(Comparator.comparing(NetUtil::toAddressString))
          .distinct()
          .limit(MAX_ADDRESSES_PER_NAME)
          .toList();
    }
  }
}
