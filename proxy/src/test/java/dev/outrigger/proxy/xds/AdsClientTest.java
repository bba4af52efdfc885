package dev.outrigger.proxy.xds;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.fault.MeshFault;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.Transport;
import dev.outrigger.proxy.xds.ScriptedControlPlane.Asked;
import dev.outrigger.proxy.xds.ScriptedControlPlane.One;
import dev.outrigger.proxy.xds.decode.ClusterDecoder;
import dev.outrigger.proxy.xds.decode.EndpointDecoder;
import dev.outrigger.proxy.xds.decode.ListenerDecoder;
import dev.outrigger.proxy.xds.decode.RouteDecoder;
import dev.outrigger.proxy.xds.decode.SecretDecoder;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.AggregatedConfigSource;
import io.envoyproxy.envoy.config.core.v3.ApiVersion;
import io.envoyproxy.envoy.config.core.v3.ConfigSource;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import io.envoyproxy.envoy.config.endpoint.v3.Endpoint;
import io.envoyproxy.envoy.config.endpoint.v3.LbEndpoint;
import io.envoyproxy.envoy.config.endpoint.v3.LocalityLbEndpoints;
import io.envoyproxy.envoy.config.listener.v3.Filter;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AdsClientTest {
  private static final ConfigSource ADS =
      ConfigSource.newBuilder()
          .setAds(AggregatedConfigSource.getDefaultInstance())
          .setResourceApiVersion(ApiVersion.V3)
          .build();

  /** Always the longest wait allowed by the bound, which is 0 here: no waiting in tests. */
  private static final RandomGenerator AT_ONCE = () -> 0L;

  @TempDir private Path folder;
  private final ConfigLoop loop = ConfigLoop.start(Transport.NIO);
  private final BlockingQueue<RuntimeConfig> published = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> faults = new LinkedBlockingQueue<>();
  private ScriptedControlPlane server;
  private @Nullable AdsStreams streams;
  private @Nullable AdsClient client;

  @BeforeEach
  void serve() throws IOException {
    server = new ScriptedControlPlane();
  }

  @AfterEach
  void stop() {
    if (client != null) {
      client.stop();
    }
    if (streams != null) {
      streams.close();
    }
    server.close();
    loop.stop().awaitUninterruptibly();
  }

  private AdsClient start(AdsSettings.Variant variant, @Nullable ResourceCache cache) {
    return start(variant, cache, Duration.ofSeconds(15));
  }

  private AdsClient start(
      AdsSettings.Variant variant, @Nullable ResourceCache cache, Duration fetchTimeout) {
    FaultSink sink =
        new FaultSink() {
          @Override
          public void onFault(String name, FaultRule rule, Duration lease) {
            faults.add("fault " + name + " " + (lease.toMillis() + 999) / 1000);
          }

          @Override
          public boolean onHeartbeat(String name, Duration lease) {
            faults.add("heartbeat " + name + " " + (lease.toMillis() + 999) / 1000);
            return true;
          }

          @Override
          public void onRemoved(String name) {
            faults.add("removed " + name);
          }
        };
    streams =
        new AdsStreams(
            () -> AdsStreams.Target.plain("127.0.0.1", server.port()), loop, Transport.NIO);
    client =
        new AdsClient(
            new AdsClient.Parts(
                loop,
                streams,
                List.of(
                    new ListenerDecoder(),
                    new RouteDecoder(),
                    new ClusterDecoder(),
                    new EndpointDecoder(),
                    new SecretDecoder()),
                DecodeContext::strict,
                sink,
                cache,
                Runnable::run,
                AT_ONCE),
            new AdsSettings(
                Node.newBuilder().setId("p1").build(), variant, true, true, true, fetchTimeout),
            StaticResources.NONE,
            published::add);
    client.start();
    return client;
  }

  private RuntimeConfig nextConfig() throws InterruptedException {
    RuntimeConfig config = published.poll(10, TimeUnit.SECONDS);
    if (config == null) {
      throw new AssertionError("nothing was published; " + client.status().join());
    }
    return config;
  }

  private static One edsCluster(String name, int seconds) {
    return One.of(
        name,
        Cluster.newBuilder()
            .setName(name)
            .setType(Cluster.DiscoveryType.EDS)
            .setConnectTimeout(com.google.protobuf.Duration.newBuilder().setSeconds(seconds))
            .setEdsClusterConfig(Cluster.EdsClusterConfig.newBuilder().setEdsConfig(ADS))
            .build());
  }

  private static One endpoints(String name, int... ports) {
    LocalityLbEndpoints.Builder locality = LocalityLbEndpoints.newBuilder();
    for (int port : ports) {
      locality.addLbEndpoints(
          LbEndpoint.newBuilder()
              .setEndpoint(Endpoint.newBuilder().setAddress(address("127.0.0.1", port))));
    }
    return One.of(
        name,
        ClusterLoadAssignment.newBuilder().setClusterName(name).addEndpoints(locality).build());
  }

  private static Address address(String host, int port) {
    return Address.newBuilder()
        .setSocketAddress(SocketAddress.newBuilder().setAddress(host).setPortValue(port))
        .build();
  }

  private static One listener(String name, String cluster) {
    return One.of(
        name,
        Listener.newBuilder()
            .setName(name)
            .setAddress(address("127.0.0.1", 1))
            .addFilterChains(
                FilterChain.newBuilder()
                    .addFilters(
                        Filter.newBuilder()
                            .setName("envoy.filters.network.tcp_proxy")
                            .setTypedConfig(
                                Any.pack(
                                    TcpProxy.newBuilder()
                                        .setStatPrefix("x")
                                        .setCluster(cluster)
                                        .build()))))
            .build());
  }

  private static One fault(String name) {
    int slash = name.indexOf('/');
    FaultRule rule =
        FaultRule.newBuilder()
            .setExperiment(name.substring(0, slash))
            .setFault(name.substring(slash + 1))
            .build();
    return new One(name, Any.pack(rule), Duration.ofSeconds(10));
  }

  private static One garbage(String name, String type) {
    return new One(
        name,
        Any.newBuilder()
            .setTypeUrl(type)
            .setValue(ByteString.copyFrom(new byte[] {(byte) 0xff, 1, 2, 3}))
            .build(),
        null);
  }

  private static int endpointsOf(RuntimeConfig config, String cluster) {
    return config.clusters().get(cluster).discovery() instanceof ClusterConfig.Discovery.Listed all
        ? all.endpoints().endpoints().size()
        : -1;
  }

  /** A cluster with one endpoint and a listener to it, acknowledged. */
  private void serveOne() throws InterruptedException {
    server.next(TypeUrls.FAULT);
    server.say(TypeUrls.CLUSTER, "c1", List.of(), edsCluster("a", 1));
    assertThat(server.next(TypeUrls.ENDPOINT).names()).containsExactly("a");
    server.say(TypeUrls.LISTENER, "l1", List.of(), listener("l", "a"));
    String nonce = server.say(TypeUrls.ENDPOINT, "e1", List.of(), endpoints("a", 1));
    assertThat(server.next(TypeUrls.ENDPOINT).nonce()).isEqualTo(nonce);
  }

  @ParameterizedTest
  @EnumSource
  void publishesNothingBeforeEveryReferenceIsAnswered(AdsSettings.Variant variant)
      throws Exception {
    start(variant, null);
    serveOne();
    RuntimeConfig config = nextConfig();
    assertThat(config.listeners()).hasSize(1);
    assertThat(endpointsOf(config, "a")).isEqualTo(1);
    assertThat(published).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void aBadResourceIsRefusedByNameAndTheGoodOnesOfTheResponseAreUsed(AdsSettings.Variant variant)
      throws Exception {
    start(variant, null);
    serveOne();
    nextConfig();
    String nonce =
        server.say(
            TypeUrls.ENDPOINT,
            "e2",
            List.of(),
            garbage("x", TypeUrls.ENDPOINT),
            endpoints("a", 1, 2));
    Asked nack = server.next(TypeUrls.ENDPOINT);
    assertThat(nack.nonce()).isEqualTo(nonce);
    assertThat(nack.error()).isNotNull();
    if (variant == AdsSettings.Variant.SOTW) {
      assertThat(nack.version()).isEqualTo("e1");
    }
    assertThat(endpointsOf(nextConfig(), "a")).isEqualTo(2);

    server.say(TypeUrls.CLUSTER, "c2", List.of(), edsCluster("a", 1), garbage("b", "nonsense"));
    Asked refused = server.next(TypeUrls.CLUSTER);
    while (refused.error() == null) {
      refused = server.next(TypeUrls.CLUSTER);
    }
    XdsStatus status = client.status().get(10, TimeUnit.SECONDS);
    assertThat(status.connected()).isTrue();
    assertThat(published).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void theOldVersionOfARefusedResourceStaysInUse(AdsSettings.Variant variant) throws Exception {
    start(variant, null);
    serveOne();
    RuntimeConfig good = nextConfig();
    One bad = edsCluster("a", 1);
    server.say(
        TypeUrls.CLUSTER,
        "c2",
        List.of(),
        One.of(
            "a",
            Cluster.newBuilder()
                .setName("a")
                .setType(Cluster.DiscoveryType.EDS)
                .setConnectTimeout(com.google.protobuf.Duration.newBuilder().setSeconds(-5))
                .setEdsClusterConfig(Cluster.EdsClusterConfig.newBuilder().setEdsConfig(ADS))
                .build()));
    Asked nack = server.next(TypeUrls.CLUSTER);
    while (nack.error() == null) {
      nack = server.next(TypeUrls.CLUSTER);
    }
    assertThat(nack.error().getMessage()).contains("'a'").contains("connect_timeout");
    XdsStatus.ResourceStatus status =
        client.status().get(10, TimeUnit.SECONDS).resources().stream()
            .filter(one -> one.typeUrl().equals(TypeUrls.CLUSTER))
            .findFirst()
            .orElseThrow();
    assertThat(status.state()).isEqualTo(XdsStatus.State.NACKED);
    assertThat(status.version()).isEqualTo("c1");
    assertThat(status.rejectedVersion()).isEqualTo("c2");
    assertThat(published).isEmpty();
    server.say(TypeUrls.CLUSTER, "c3", List.of(), bad);
    assertThat(server.next(TypeUrls.CLUSTER).error()).isNull();
    assertThat(good.clusters()).containsKey("a");
  }

  @ParameterizedTest
  @EnumSource
  void aLostControlPlaneChangesNothingAndTheNextStreamSaysWhatIsHeld(AdsSettings.Variant variant)
      throws Exception {
    start(variant, null);
    serveOne();
    nextConfig();
    server.hangUp();
    Asked clusters = server.next(TypeUrls.CLUSTER);
    while (!clusters.nonce().isEmpty()) {
      clusters = server.next(TypeUrls.CLUSTER);
    }
    switch (variant) {
      case DELTA -> assertThat(clusters.versions()).containsEntry("a", "c1");
      case SOTW -> assertThat(clusters.version()).isEqualTo("c1");
    }
    assertThat(server.next(TypeUrls.ENDPOINT).names()).containsExactly("a");
    assertThat(published).isEmpty();
    server.next(TypeUrls.FAULT);
    server.say(TypeUrls.ENDPOINT, "e2", List.of(), endpoints("a", 1, 2, 3));
    assertThat(endpointsOf(nextConfig(), "a")).isEqualTo(3);
  }

  @ParameterizedTest
  @EnumSource
  void aControlPlaneThatHasSaidNothingYetIsWaitedForLonger(AdsSettings.Variant variant)
      throws Exception {
    Duration timeout = Duration.ofMillis(400);
    start(variant, null, timeout);
    server.next(TypeUrls.FAULT);
    server.say(TypeUrls.CLUSTER, "c1", List.of(), edsCluster("a", 1));
    assertThat(server.next(TypeUrls.ENDPOINT).names()).containsExactly("a");
    server.say(TypeUrls.LISTENER, "l1", List.of(), listener("l", "a"));
    server.hangUp();
    long begun = System.nanoTime();
    assertThat(endpointsOf(nextConfig(), "a")).isLessThanOrEqualTo(0);
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(timeout.multipliedBy(3));
  }

  @ParameterizedTest
  @EnumSource
  void aStreamThatIsLostByAFaultHearsOfFaultsAloneAndCatchesUpWhenItIsOver(
      AdsSettings.Variant variant) throws Exception {
    AdsClient started = start(variant, null);
    serveOne();
    nextConfig();
    started.suffer(Set.of(MeshFault.LOST_STREAM));
    Asked alone = server.next(TypeUrls.FAULT);
    while (!alone.nonce().isEmpty()) {
      alone = server.next(TypeUrls.FAULT);
    }
    assertThat(started.status().get(10, TimeUnit.SECONDS).connected()).isFalse();
    server.say(TypeUrls.ENDPOINT, "e2", List.of(), endpoints("a", 1, 2));
    server.say(TypeUrls.FAULT, "f", List.of(), fault("x/f"));
    assertThat(faults.poll(10, TimeUnit.SECONDS)).startsWith("fault x/f");
    started.status().get(10, TimeUnit.SECONDS);
    assertThat(published).isEmpty();
    started.suffer(Set.of());
    Asked clusters = server.next(TypeUrls.CLUSTER);
    assertThat(clusters.nonce()).isEmpty();
    assertThat(server.next(TypeUrls.ENDPOINT).names()).containsExactly("a");
    server.next(TypeUrls.FAULT);
    server.say(TypeUrls.ENDPOINT, "e3", List.of(), endpoints("a", 1, 2, 3));
    assertThat(endpointsOf(nextConfig(), "a")).isEqualTo(3);
  }

  @ParameterizedTest
  @EnumSource
  void staleConfigurationIsNotTakenNorAcknowledgedUntilTheFaultIsOver(AdsSettings.Variant variant)
      throws Exception {
    AdsClient started = start(variant, null);
    serveOne();
    nextConfig();
    started.suffer(Set.of(MeshFault.STALE_CONFIGURATION));
    started.status().get(10, TimeUnit.SECONDS);
    server.say(TypeUrls.ENDPOINT, "e2", List.of(), endpoints("a", 1, 2));
    server.say(TypeUrls.FAULT, "f", List.of(), fault("x/f"));
    // In order: when the fault has come, what was said before it has been passed over.
    assertThat(faults.poll(10, TimeUnit.SECONDS)).startsWith("fault x/f");
    started.status().get(10, TimeUnit.SECONDS);
    assertThat(published).isEmpty();
    started.suffer(Set.of());
    Asked again = server.next(TypeUrls.ENDPOINT);
    while (!again.nonce().isEmpty()) {
      again = server.next(TypeUrls.ENDPOINT);
    }
    switch (variant) {
      case DELTA -> assertThat(again.versions()).containsEntry("a", "e1");
      case SOTW -> assertThat(again.version()).isEqualTo("e1");
    }
    server.next(TypeUrls.FAULT);
    server.say(TypeUrls.ENDPOINT, "e2", List.of(), endpoints("a", 1, 2));
    assertThat(endpointsOf(nextConfig(), "a")).isEqualTo(2);
  }

  @ParameterizedTest
  @EnumSource
  void aNewClusterThatWarmsHoldsNothingElseUp(AdsSettings.Variant variant) throws Exception {
    start(variant, null);
    serveOne();
    nextConfig();
    server.say(TypeUrls.CLUSTER, "c2", List.of(), edsCluster("a", 1), edsCluster("b", 1));
    server.say(TypeUrls.LISTENER, "l2", List.of(), listener("l", "b"));
    server.say(TypeUrls.ENDPOINT, "e2", List.of(), endpoints("a", 1, 2));
    RuntimeConfig meanwhile = nextConfig();
    assertThat(endpointsOf(meanwhile, "a")).isEqualTo(2);
    assertThat(meanwhile.clusters()).doesNotContainKey("b");
    assertThat(meanwhile.listeners().getFirst().toString()).contains("cluster=a");
    server.say(TypeUrls.ENDPOINT, "e3", List.of(), endpoints("b", 7));
    RuntimeConfig warm = nextConfig();
    assertThat(endpointsOf(warm, "b")).isEqualTo(1);
    assertThat(warm.listeners().getFirst().toString()).contains("cluster=b");
  }

  @Test
  void whereOthersAreKnownEachIsTriedBeforeTheWaitGrowsAndItStaysShort() {
    // The longest wait that the bound allows.
    BackOff backOff = new BackOff(Duration.ofMillis(500), Duration.ofSeconds(30), new Longest());
    long[] bounds = {500, 500, 500, 1000, 1000, 1000, 2000, 2000, 2000, 2000};
    for (long bound : bounds) {
      assertThat(backOff.next(3).toMillis()).isEqualTo(bound);
    }
    for (int i = 0; i < 1000; i++) {
      assertThat(backOff.next(3).toMillis()).isEqualTo(2000);
    }
    // They may leave.
    assertThat(backOff.next(1)).isEqualTo(Duration.ofSeconds(30));
    backOff.reset();
    assertThat(backOff.next(2).toMillis()).isEqualTo(500);
  }

  private static final class Longest implements RandomGenerator {
    @Override
    public long nextLong() {
      throw new AssertionError("a bound is given");
    }

    @Override
    public long nextLong(long bound) {
      return bound - 1;
    }
  }

  @Test
  void inStateOfTheWorldAnAbsentClusterIsGoneAndAnAbsentEndpointSetIsNot() throws Exception {
    start(AdsSettings.Variant.SOTW, null);
    serveOne();
    nextConfig();
    server.say(TypeUrls.CLUSTER, "c2", List.of(), edsCluster("a", 1), edsCluster("b", 1));
    server.say(TypeUrls.ENDPOINT, "e2", List.of(), endpoints("b", 1));
    RuntimeConfig both = nextConfig();
    assertThat(endpointsOf(both, "a")).isEqualTo(1);
    assertThat(endpointsOf(both, "b")).isEqualTo(1);
    server.say(TypeUrls.CLUSTER, "c3", List.of(), edsCluster("a", 1));
    assertThat(nextConfig().clusters()).containsOnlyKeys("a");
  }

  @ParameterizedTest
  @EnumSource
  void faultsAreHandedOnWithTheirLeaseAndTheirEnd(AdsSettings.Variant variant) throws Exception {
    start(variant, null);
    server.next(TypeUrls.FAULT);
    FaultRule rule = FaultRule.newBuilder().setExperiment("e").setFault("f").build();
    // Counted from what was last said, which is a moment ago.
    Duration lease = Duration.ofSeconds(9);
    server.say(TypeUrls.FAULT, "f1", List.of(), new One("e/f", Any.pack(rule), lease));
    assertThat(faults.poll(10, TimeUnit.SECONDS)).isIn("fault e/f 9", "fault e/f 8");
    server.say(TypeUrls.FAULT, "f1", List.of(), new One("e/f", null, lease));
    assertThat(faults.poll(10, TimeUnit.SECONDS)).isIn("heartbeat e/f 9", "heartbeat e/f 8");
    server.say(TypeUrls.FAULT, "f2", List.of("e/f"));
    assertThat(faults.poll(10, TimeUnit.SECONDS)).isEqualTo("removed e/f");
    server.say(TypeUrls.FAULT, "f3", List.of(), One.of("e/g", rule));
    Asked nack = server.next(TypeUrls.FAULT);
    while (nack.error() == null) {
      nack = server.next(TypeUrls.FAULT);
    }
    assertThat(nack.error().getMessage()).contains("lease");
  }

  /** Each second while an experiment runs, in a mesh of any size. */
  @ParameterizedTest
  @EnumSource
  void aLeaseThatIsRenewedPutsNoConfigurationTogether(AdsSettings.Variant variant)
      throws Exception {
    AdsClient started = start(variant, null);
    serveOne();
    nextConfig();
    server.say(TypeUrls.FAULT, "f", List.of(), fault("x/f"));
    assertThat(faults.poll(10, TimeUnit.SECONDS)).startsWith("fault x/f");
    int before = loop.loop().submit(started::assemblies).get(10, TimeUnit.SECONDS);
    for (int beat = 0; beat < 5; beat++) {
      server.say(TypeUrls.FAULT, "f", List.of(), new One("x/f", null, Duration.ofSeconds(9)));
      assertThat(faults.poll(10, TimeUnit.SECONDS)).startsWith("heartbeat x/f");
    }
    // Behind all that a renewal set off.
    var _ = started.status().get(10, TimeUnit.SECONDS);
    assertThat(loop.loop().submit(started::assemblies).get(10, TimeUnit.SECONDS)).isEqualTo(before);
    server.say(TypeUrls.ENDPOINT, "e2", List.of(), endpoints("a", 1, 2));
    nextConfig();
  }

  @ParameterizedTest
  @EnumSource
  void aRestartWithoutAControlPlaneUsesWhatWasSaved(AdsSettings.Variant variant) throws Exception {
    ResourceCache cache = new ResourceCache(folder, "p1");
    AdsClient first = start(variant, cache);
    serveOne();
    RuntimeConfig before = nextConfig();
    first.stop();
    loop.loop().submit(() -> {}).sync();
    server.close();
    streams.close();
    Path file = folder.resolve("xds-cache.bin");
    assertThat(Files.getPosixFilePermissions(file)).hasSize(2);
    start(variant, cache);
    assertThat(nextConfig()).isEqualTo(before);
    assertThat(client.status().get(10, TimeUnit.SECONDS).fromCache()).isTrue();
  }

  @Test
  void aDamagedCacheIsNotUsed() throws Exception {
    ResourceCache cache = new ResourceCache(folder, "p1");
    cache.save(
        List.of(
            io.envoyproxy.envoy.service.discovery.v3.Resource.newBuilder().setName("a").build()));
    assertThat(cache.load()).hasSize(1);
    assertThat(new ResourceCache(folder, "p2").load()).isEmpty();
    Path file = folder.resolve("xds-cache.bin");
    byte[] bytes = Files.readAllBytes(file);
    Random random = new Random(7);
    for (int i = 0; i < 50; i++) {
      byte[] damaged = bytes.clone();
      damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, damaged);
      assertThat(cache.load()).isEmpty();
    }
    Files.write(file, java.util.Arrays.copyOf(bytes, 11));
    assertThat(cache.load()).isEmpty();
  }

  @Test
  void waitsAreSpreadBetweenNothingAndABoundThatDoubles() {
    BackOff backOff = new BackOff(Duration.ofMillis(500), Duration.ofSeconds(30), new Random(1));
    for (int failures = 0; failures < 40; failures++) {
      long bound = Math.min(30_000, 500L << Math.min(failures, 20));
      assertThat(backOff.next(1).toMillis()).isBetween(0L, bound);
    }
    backOff.reset();
    assertThat(backOff.next(1)).isLessThanOrEqualTo(Duration.ofMillis(500));
  }
}
