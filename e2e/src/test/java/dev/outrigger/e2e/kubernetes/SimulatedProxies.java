package dev.outrigger.e2e.kubernetes;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.config.listener.v3.Filter;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.EventExecutor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Many proxies without a data path: each has a connection of its own and says on its stream what
 * ours says, in the same order (delta; all clusters and listeners, the endpoints and routes that
 * these name, faults; what it holds where it comes back). All of them run on one thread, so that a
 * thousand cost little. Bodies are read once for all: what a cluster or listener needs depends on
 * its name and version alone.
 */
final class SimulatedProxies implements AutoCloseable {
  private static final String PREFIX = "type.googleapis.com/";
  static final String CLUSTER = PREFIX + "envoy.config.cluster.v3.Cluster";
  static final String ENDPOINT = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment";
  static final String LISTENER = PREFIX + "envoy.config.listener.v3.Listener";
  static final String ROUTE = PREFIX + "envoy.config.route.v3.RouteConfiguration";
  private static final String FAULT = PREFIX + "outrigger.chaos.v1.FaultRule";
  private static final List<String> ORDER = List.of(CLUSTER, ENDPOINT, LISTENER, ROUTE);
  private static final int MAX_MESSAGE_BYTES = 64 << 20;
  private static final long FIRST_WAIT_MILLIS = 500;
  private static final long LONGEST_WAIT_MILLIS = 30_000;

  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final EventExecutor loop = group.next();
  private final int[] ports;

  // Confined to the loop.
  private final List<OneProxy> all = new ArrayList<>();
  private final Map<String, String> interned = new HashMap<>();
  private final Map<String, List<String>> needs = new HashMap<>();
  private final SplittableRandom random = new SplittableRandom(1);
  private final Map<String, Long> received = new TreeMap<>();
  private long bytes;
  private long responses;
  private long refused;
  private final Map<Integer, Integer> resets = new TreeMap<>();
  private @Nullable Awaited awaited;

  /** Who it is: a pod with the certificate of its account. */
  record Who(String namespace, String pod, SslContext tls) {}

  /**
   * What came since the last look.
   *
   * @param resources with their bodies, by type
   * @param bytes of all responses, as messages
   * @param resets streams that ended and were not ended here, by port of the control plane
   */
  record Tally(
      Map<String, Long> resources, long responses, long bytes, Map<Integer, Integer> resets) {
    long total() {
      return resources.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /** A change of one resource that is waited for. */
  private record Awaited(
      String type, String name, Set<OneProxy> left, CompletableFuture<Long> done) {}

  /** The ports of all replicas, which each proxy asks in turn, beginning somewhere. */
  SimulatedProxies(List<Integer> ports) {
    this.ports = ports.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Starts one for each; does not wait. */
  void start(Collection<Who> who) {
    on(
        () -> {
          for (Who one : who) {
            OneProxy proxy = new OneProxy(one, all.size());
            all.add(proxy);
            proxy.connect();
          }
          return true;
        });
  }

  /** How many have all that they want, and have accepted it. */
  int settled() {
    return on(() -> (int) all.stream().filter(OneProxy::isSettled).count());
  }

  /** How many hold this many resources of a type at least. */
  int holding(String type, int count) {
    return on(() -> (int) all.stream().filter(one -> one.held(type).size() >= count).count());
  }

  /** How many streams are answered by the control plane at this port. */
  int connectedTo(int port) {
    return on(() -> (int) all.stream().filter(one -> one.answeredBy == port).count());
  }

  /** Adds up, and begins anew. */
  Tally tally() {
    return on(
        () -> {
          Tally tally = new Tally(Map.copyOf(received), responses, bytes, Map.copyOf(resets));
          received.clear();
          resets.clear();
          responses = 0;
          bytes = 0;
          return tally;
        });
  }

  long refused() {
    return on(() -> refused);
  }

  /**
   * The moment when every proxy has accepted another version of a resource than it has now, as
   * {@link System#nanoTime()}.
   */
  CompletableFuture<Long> changeOf(String type, String name) {
    CompletableFuture<Long> done = new CompletableFuture<>();
    on(
        () -> {
          awaited = new Awaited(type, name, new HashSet<>(all), done);
          return true;
        });
    return done;
  }

  private <T> T on(Callable<T> question) {
    return loop.submit(question).syncUninterruptibly().getNow();
  }

  private String intern(String text) {
    return interned.computeIfAbsent(text, key -> key);
  }

  @Override
  public void close() {
    on(
        () -> {
          all.forEach(OneProxy::end);
          return true;
        });
    group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
  }

  /** The names of endpoints that a cluster needs, or of routes that a listener needs. */
  private List<String> needsOf(String type, Resource resource) {
    return needs.computeIfAbsent(
        type + " " + resource.getName() + " " + resource.getVersion(),
        key -> {
          try {
            return type.equals(CLUSTER)
                ? endpointsOf(resource.getResource().unpack(Cluster.class))
                : routesOf(resource.getResource().unpack(Listener.class));
          } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private List<String> endpointsOf(Cluster cluster) {
    if (cluster.getType() != Cluster.DiscoveryType.EDS) {
      return List.of();
    }
    String service = cluster.getEdsClusterConfig().getServiceName();
    return List.of(intern(service.isEmpty() ? cluster.getName() : service));
  }

  private List<String> routesOf(Listener listener) throws InvalidProtocolBufferException {
    List<String> routes = new ArrayList<>();
    for (FilterChain chain : listener.getFilterChainsList()) {
      for (Filter filter : chain.getFiltersList()) {
        Any config = filter.getTypedConfig();
        if (config.is(HttpConnectionManager.class)) {
          HttpConnectionManager manager = config.unpack(HttpConnectionManager.class);
          if (manager.hasRds()) {
            routes.add(intern(manager.getRds().getRouteConfigName()));
          }
        }
      }
    }
    return routes;
  }

  /** One of them. Confined to the loop. */
  private final class OneProxy
      implements ClientResponseObserver<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
    private final Who who;
    private int turn;
    private int port;
    private int answeredBy = -1;
    private int failures;
    private boolean ended;
    private @Nullable ManagedChannel channel;
    private @Nullable ClientCallStreamObserver<DeltaDiscoveryRequest> call;

    /** Versions by type and name. */
    private final Map<String, Map<String, String>> held = new HashMap<>();

    /** What of each cluster and listener is needed. */
    private final Map<String, List<String>> needed = new HashMap<>();

    private final Map<String, Set<String>> asked = new HashMap<>();
    private boolean introduced;
    private boolean greeted;

    OneProxy(Who who, int turn) {
      this.who = who;
      this.turn = turn;
    }

    Map<String, String> held(String type) {
      return held.computeIfAbsent(type, key -> new HashMap<>());
    }

    boolean isSettled() {
      return !held(CLUSTER).isEmpty()
          && !held(LISTENER).isEmpty()
          && held(ENDPOINT).keySet().equals(wanted(ENDPOINT))
          && held(ROUTE).keySet().equals(wanted(ROUTE));
    }

    void connect() {
      if (ended) {
        return;
      }
      if (channel != null) {
        channel.shutdownNow();
      }
      port = ports[Math.floorMod(turn++, ports.length)];
      introduced = false;
      greeted = false;
      asked.clear();
      ManagedChannel fresh =
          NettyChannelBuilder.forAddress("127.0.0.1", port)
              .eventLoopGroup(group)
              .channelType(NioSocketChannel.class)
              .executor(loop)
              .maxInboundMessageSize(MAX_MESSAGE_BYTES)
              .keepAliveTime(30, TimeUnit.SECONDS)
              .keepAliveTimeout(10, TimeUnit.SECONDS)
              .disableRetry()
              .sslContext(who.tls())
              .build();
      channel = fresh;
      var _ = AggregatedDiscoveryServiceGrpc.newStub(fresh).deltaAggregatedResources(this);
    }

    void end() {
      ended = true;
      if (call != null) {
        call.cancel("over", null);
      }
      if (channel != null) {
        channel.shutdownNow();
      }
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<DeltaDiscoveryRequest> begun) {
      call = begun;
      begun.disableAutoRequestWithInitial(1);
      // Not before there is a connection: while a control plane is away, requests of all that each
      // of them holds would take more than all else on this machine.
      begun.setOnReadyHandler(
          () -> {
            if (!greeted) {
              greeted = true;
              askAll();
            }
          });
    }

    @Override
    public void onNext(DeltaDiscoveryResponse response) {
      failures = 0;
      answeredBy = port;
      responses++;
      bytes += response.getSerializedSize();
      String type = intern(response.getTypeUrl());
      Map<String, String> mine = held(type);
      for (Resource resource : response.getResourcesList()) {
        received.merge(type, 1L, Long::sum);
        mine.put(intern(resource.getName()), intern(resource.getVersion()));
        if (type.equals(CLUSTER) || type.equals(LISTENER)) {
          needed.put(intern(type + " " + resource.getName()), needsOf(type, resource));
        }
      }
      for (String name : response.getRemovedResourcesList()) {
        mine.remove(name);
        needed.remove(type + " " + name);
      }
      send(
          DeltaDiscoveryRequest.newBuilder()
              .setTypeUrl(type)
              .setResponseNonce(response.getNonce()));
      if (type.equals(CLUSTER) || type.equals(LISTENER)) {
        forget(ENDPOINT);
        forget(ROUTE);
        askAll();
      }
      if (call != null) {
        call.request(1);
      }
      noteChange(type, response);
    }

    private void noteChange(String type, DeltaDiscoveryResponse response) {
      Awaited now = awaited;
      if (now != null
          && now.type().equals(type)
          && response.getResourcesList().stream().anyMatch(r -> r.getName().equals(now.name()))) {
        now.left().remove(this);
        if (now.left().isEmpty()) {
          awaited = null;
          now.done().complete(System.nanoTime());
        }
      }
    }

    private void forget(String type) {
      held(type).keySet().retainAll(wanted(type));
    }

    private Set<String> wanted(String type) {
      Set<String> wanted = new HashSet<>();
      String from = type.equals(ENDPOINT) ? CLUSTER : LISTENER;
      needed.forEach(
          (key, names) -> {
            if (key.startsWith(from)) {
              wanted.addAll(names);
            }
          });
      return wanted;
    }

    private void askAll() {
      for (String type : ORDER) {
        boolean wildcard = type.equals(CLUSTER) || type.equals(LISTENER);
        ask(type, wildcard, wildcard ? Set.of() : wanted(type), held(type));
      }
      ask(FAULT, true, Set.of(), Map.of());
    }

    private void ask(
        String type, boolean wildcard, Set<String> names, Map<String, String> versions) {
      Set<String> before = asked.get(type);
      if (before == null) {
        if (wildcard || !names.isEmpty()) {
          asked.put(type, names);
          send(
              DeltaDiscoveryRequest.newBuilder()
                  .setTypeUrl(type)
                  .addAllResourceNamesSubscribe(names)
                  .putAllInitialResourceVersions(versions));
        }
        return;
      }
      if (before.equals(names)) {
        return;
      }
      Set<String> more = new HashSet<>(names);
      more.removeAll(before);
      Set<String> fewer = new HashSet<>(before);
      fewer.removeAll(names);
      asked.put(type, names);
      send(
          DeltaDiscoveryRequest.newBuilder()
              .setTypeUrl(type)
              .addAllResourceNamesSubscribe(more)
              .addAllResourceNamesUnsubscribe(fewer));
    }

    private void send(DeltaDiscoveryRequest.Builder request) {
      if (!introduced) {
        introduced = true;
        request.setNode(
            Node.newBuilder()
                .setId(who.pod() + "." + who.namespace())
                .setCluster(who.pod())
                .setUserAgentName("outrigger")
                .setUserAgentVersion("simulated")
                .setMetadata(
                    Struct.newBuilder()
                        .putFields("workload", text(who.pod()))
                        .putFields("namespace", text(who.namespace()))));
      }
      if (call != null) {
        call.onNext(request.build());
      }
    }

    private static Value text(String text) {
      return Value.newBuilder().setStringValue(text).build();
    }

    @Override
    public void onError(Throwable cause) {
      reset();
    }

    @Override
    public void onCompleted() {
      reset();
    }

    private void reset() {
      if (ended) {
        return;
      }
      if (answeredBy == port) {
        resets.merge(port, 1, Integer::sum);
      } else {
        refused++;
      }
      answeredBy = -1;
      call = null;
      long bound = Math.min(LONGEST_WAIT_MILLIS, FIRST_WAIT_MILLIS << Math.min(failures, 10));
      failures++;
      loop.schedule(this::connect, random.nextLong(bound + 1), TimeUnit.MILLISECONDS);
    }
  }
}
