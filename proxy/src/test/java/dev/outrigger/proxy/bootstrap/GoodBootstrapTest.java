package dev.outrigger.proxy.bootstrap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.proxy.bootstrap.BootstrapConfig.Source;
import dev.outrigger.proxy.bootstrap.BootstrapConfig.Target;
import dev.outrigger.proxy.bootstrap.BootstrapConfig.Variant;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.DownstreamTls;
import dev.outrigger.proxy.config.FilterChainConfig;
import dev.outrigger.proxy.config.ForwardedPolicy;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.TlsVersions;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.xds.TypeUrls;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.SpiffeId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

@NullUnmarked // What is null fails the test anyway.
final class GoodBootstrapTest {
  @TempDir static Path folder;

  @BeforeAll
  static void certificates() throws Exception {
    Corpus.writeCertificates(folder);
  }

  @TestFactory
  Stream<DynamicTest> isAcceptedAndPrintedAsItWasRead() {
    return Corpus.GOOD.stream()
        .map(
            name ->
                DynamicTest.dynamicTest(
                    name,
                    () -> {
                      LoadedBootstrap loaded = Corpus.load(Corpus.good(name, folder));
                      assertThat(loaded.warnings()).isEmpty();
                      LoadedBootstrap again = Corpus.load(loaded.yaml());
                      assertThat(again.proto()).isEqualTo(loaded.proto());
                    }));
  }

  /** Only where a real Envoy is there to ask. */
  @TestFactory
  Stream<DynamicTest> isAcceptedByEnvoyToo() {
    String envoy = System.getenv("OUTRIGGER_ENVOY");
    return envoy == null
        ? Stream.empty()
        : Stream.concat(
                Corpus.GOOD.stream(),
                Stream.of(
                    "--listen 8080 --to 127.0.0.1:3000", "--listen [::1]:1 --to localhost:25"))
            .map(name -> DynamicTest.dynamicTest(name, () -> validate(envoy, name)));
  }

  private static void validate(String envoy, String name) throws Exception {
    boolean flags = name.startsWith("--");
    String text =
        flags
            ? BootstrapLoader.load(ProxyOptions.parse(List.of(name.split(" ")), Map.of())).yaml()
            : Corpus.good(name, folder);
    Path file = folder.resolve(flags ? "one-line.yaml" : name);
    Files.writeString(file, text);
    Process process =
        new ProcessBuilder(envoy, "--mode", "validate", "-l", "error", "-c", file.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }

  @Test
  void readsRoutesWithAllThatIsSaidOfThem() throws Exception {
    HttpProxyConfig http = http(staticConfig("routes.yaml").listeners().getFirst());
    assertThat(http.codec()).isEqualTo(HttpProxyConfig.Codec.HTTP1);
    assertThat(http.limits()).isEqualTo(new HttpProxyConfig.Limits(32 * 1024, 100, 100));
    assertThat(http.timeouts())
        .isEqualTo(
            new HttpProxyConfig.Timeouts(
                Duration.ofSeconds(30),
                Duration.ofMillis(500),
                Duration.ofSeconds(30),
                Duration.ofSeconds(5)));
    assertThat(http.tracing()).isEqualTo(new TracingConfig(true, 10));
    assertThat(http.upgrades()).isEqualTo(UpgradesConfig.WEBSOCKETS);
    assertThat(http.serverName()).isEqualTo("shop");

    List<RouteTableConfig.Route> routes = http.routes().virtualHosts().getFirst().routes();
    HeaderValue ofTable = new HeaderValue("x-table", "100% sure", Append.APPEND_IF_EXISTS_OR_ADD);
    assertThat(routes)
        .allMatch(r -> r.headers().mostSpecificFirst().getLast().requestAdd().contains(ofTable));
    assertThat(routes.get(0).action()).isEqualTo(new Action.Direct(200, "fine\n"));
    assertThat(routes.get(1).action())
        .isEqualTo(
            new Action.Redirect(307, "https", null, null, new PathRewrite.Prefix("/new"), true));
    assertThat(routes.get(2).match().path()).isEqualTo(new PathMatch.SegmentPrefix("/api", true));
    assertThat(routes.get(2).match().methods()).containsExactly("GET", "HEAD");
    assertThat(routes.get(2).match().headers()).hasSize(2);
    assertThat(routes.get(2).headers().mostSpecificFirst().getFirst().responseAdd())
        .containsExactly(new HeaderValue("x-route", "split", Append.ADD_IF_ABSENT));
    assertThat(routes.get(2).action())
        .isEqualTo(
            new Action.Forward(
                List.of(new WeightedCluster("backend", 80), new WeightedCluster("other", 20)),
                Duration.ofMillis(2500),
                Duration.ZERO,
                new RetryPolicy(
                    Set.of(
                        RetryPolicy.Condition.CONNECT_FAILURE,
                        RetryPolicy.Condition.RETRIABLE_STATUS_CODES),
                    Set.of(503, 504),
                    3,
                    Duration.ofMillis(500),
                    Duration.ofMillis(25),
                    Duration.ofSeconds(1),
                    true,
                    Set.of(14)),
                "/",
                "backend.internal",
                null));
    Action.Forward last = (Action.Forward) routes.get(3).action();
    assertThat(last.timeout()).isEqualTo(Duration.ofSeconds(15));
    assertThat(last.upgrades())
        .isEqualTo(new UpgradesConfig(Map.of("websocket", UpgradesConfig.Choice.REFUSED)));
    assertThat(last.retry().conditions()).containsExactly(RetryPolicy.Condition.SERVER_ERROR);
    assertThat(last.retry().maxRetries()).isEqualTo(1);
  }

  @Test
  void readsThePoliciesOfClusters() throws Exception {
    Map<String, ClusterConfig> clusters = staticConfig("cluster-policies.yaml").clusters();
    ClusterConfig full = clusters.get("full");
    assertThat(full.balancing()).isEqualTo(new LbPolicy.LeastRequest(3));
    assertThat(full.pool())
        .isEqualTo(
            new ClusterConfig.PoolConfig(
                2, 50, Duration.ofSeconds(4), Duration.ofSeconds(600), 1000));
    assertThat(full.breaker()).isEqualTo(new ClusterConfig.BreakerConfig(10, 20, 30, 25, 5));
    assertThat(full.labels()).isEqualTo(Map.of("service", "cart", "namespace", "shop"));
    assertThat(full.health())
        .isEqualTo(
            new HealthCheckPolicy.Http(
                new HealthCheckPolicy.Schedule(
                    Duration.ofSeconds(5), 10, Duration.ofSeconds(1), 3, 2),
                "cart",
                "/healthz",
                List.of(new HealthCheckPolicy.StatusRange(200, 300))));
    assertThat(((Discovery.Listed) full.discovery()).endpoints().endpoints())
        .extracting(e -> e.priority())
        .containsExactly(0, 1);
    assertThat(clusters.get("extension").balancing()).isEqualTo(new LbPolicy.Random());
    assertThat(clusters.get("extension").discovery())
        .isInstanceOfSatisfying(
            Discovery.Dns.class, d -> assertThat(d.firstAddressOnly()).isTrue());
    assertThat(clusters.get("plain-retries").breaker())
        .isEqualTo(new ClusterConfig.BreakerConfig(1024, 1024, 1024, 0, 7));
  }

  @Test
  void readsCaptureWithItsMatches() throws Exception {
    RuntimeConfig config = staticConfig("capture.yaml");
    ListenerConfig listener = config.listeners().getFirst();
    assertThat(listener.destination()).isEqualTo(ListenerConfig.Destination.ORIGINAL);
    assertThat(listener.inspectors())
        .containsExactlyInAnyOrder(ListenerConfig.Inspector.TLS, ListenerConfig.Inspector.HTTP);
    assertThat(listener.onDetectionTimeout()).isEqualTo(ListenerConfig.OnDetectionTimeout.CONTINUE);
    FilterChainConfig.Match match = listener.chains().getFirst().match();
    assertThat(match.destinationPort()).isEqualTo(OptionalInt.of(8080));
    assertThat(match.transportProtocol()).isEqualTo(FilterChainConfig.TransportProtocol.RAW);
    assertThat(listener.chains().get(1).match().serverNames())
        .containsExactly("shop.example", "*.example.org");
    assertThat(listener.defaultChain()).isNotNull();
    assertThat(config.clusters().get("passthrough").discovery())
        .isEqualTo(new Discovery.OriginalDestination(8080, "127.0.0.6"));
  }

  @Test
  void readsMutualTlsAndOffersWhatIsSpoken() throws Exception {
    FilterChainConfig chain =
        staticConfig("mesh-inbound.yaml").listeners().getFirst().chains().getFirst();
    assertThat(chain.tls())
        .isInstanceOfSatisfying(
            DownstreamTls.Terminate.class,
            tls -> {
              assertThat(tls.alpn()).containsExactly("h2", "http/1.1");
              assertThat(tls.versions()).isEqualTo(TlsVersions.TLS_1_3_ONLY);
              assertThat(tls.clients()).isNotNull();
              assertThat(tls.clients().required()).isTrue();
              assertThat(tls.clients().rule()).isEqualTo(member("caller"));
            });
    ClusterConfig peer = staticConfig("mesh-outbound.yaml").clusters().get("peer");
    assertThat(peer.tlsMatches())
        .extracting(m -> m.name())
        .containsExactly("mesh", "plain", "default");
    assertThat(peer.tlsMatches().getFirst().labels()).isEqualTo(Map.of("tlsMode", "mesh"));
    assertThat(peer.tlsMatches().getFirst().tls())
        .isInstanceOfSatisfying(
            UpstreamTls.Originate.class,
            tls -> {
              assertThat(tls.rule()).isEqualTo(member("cart"));
              assertThat(tls.sni()).isEqualTo("cart.shop");
              assertThat(tls.identity()).isNotNull();
            });
    assertThat(((Discovery.Listed) peer.discovery()).endpoints().endpoints().getFirst().identity())
        .isEqualTo(SpiffeId.parse("spiffe://mesh.test/ns/shop/sa/cart"));
  }

  @Test
  void resolvesStaticSecrets() throws Exception {
    FilterChainConfig chain =
        staticConfig("secrets.yaml").listeners().getFirst().chains().getFirst();
    assertThat(chain.tls())
        .isInstanceOfSatisfying(
            DownstreamTls.Terminate.class,
            tls -> {
              assertThat(tls.clients()).isNotNull();
              assertThat(tls.clients().required()).isFalse();
              assertThat(tls.clients().rule())
                  .isEqualTo(new PeerRule.MeshMember(Set.of("mesh.test"), Set.of()));
            });
  }

  @Test
  void readsTheControlPlane() throws Exception {
    BootstrapConfig config = Corpus.load(Corpus.good("ads-delta.yaml", folder)).config();
    assertThat(config.dynamic().listeners()).isEqualTo(new Source.Ads());
    assertThat(config.dynamic().ads()).isNotNull();
    assertThat(config.dynamic().ads().variant()).isEqualTo(Variant.DELTA);
    assertThat(config.dynamic().ads().target()).isInstanceOf(Target.ByCluster.class);
    assertThat(config.clusters()).isEmpty();
    assertThat(config.node().id()).isEqualTo("proxy-1");
  }

  @Test
  void aLimitOfConnectionsComesFromTheRuntime() throws Exception {
    String runtime =
        """

        layered_runtime:
          layers:
            - name: static
              static_layer:
                envoy: { resource_limits: { listener: { http: { connection_limit: 10 } } } }
                envoy.reloadable_features.anything: true
            - { name: admin, admin_layer: {} }
        """;
    LoadedBootstrap loaded = Corpus.load(Corpus.good("http-hop.yaml", folder) + runtime);
    assertThat(loaded.staticConfig().listeners().getFirst().maxConnections()).isEqualTo(10);
  }

  private static HttpProxyConfig withForwarded(String fields) throws Exception {
    String hop =
        Corpus.good("http-hop.yaml", folder)
            .replace(
                "stat_prefix: ingress",
                "stat_prefix: ingress\n                original_ip_detection_extensions:"
                    + " [{ name: forwarded, typed_config: { \"@type\":"
                    + " type.googleapis.com/outrigger.http.v1.Forwarded, "
                    + fields
                    + " } }]");
    return http(Corpus.load(hop).staticConfig().listeners().getFirst());
  }

  @Test
  void aMessageOfOursSaysWhatIsDoneWithForwarded() throws Exception {
    assertThat(
            withForwarded("sent: APPEND, client_address: true, by: _edge, host: true")
                .forwarding()
                .forwarded())
        .isEqualTo(new ForwardedPolicy(ForwardedPolicy.Sent.APPENDED, true, "_edge", true));
    assertThatThrownBy(() -> withForwarded("sent: APPEND, by: edge"))
        .hasMessageContaining("original_ip_detection_extensions[0].typed_config.by")
        .hasMessageContaining("expected an underscore");
    assertThatThrownBy(() -> withForwarded("sent: REMOVE, host: true"))
        .hasMessageContaining("sent: APPEND");
  }

  @Test
  void leavesWhatTravelsApartUnresolved() throws Exception {
    BootstrapConfig config = Corpus.load(Corpus.good("eds-rds-over-ads.yaml", folder)).config();
    assertThat(config.listeners().get("http").needs())
        .containsExactly(new ResourceRef(TypeUrls.ROUTE, "table"));
    assertThat(config.clusters().get("cart").needs())
        .containsExactly(new ResourceRef(TypeUrls.ENDPOINT, "cart.shop"));
  }

  private static RuntimeConfig staticConfig(String name) throws Exception {
    return Corpus.load(Corpus.good(name, folder)).staticConfig();
  }

  private static HttpProxyConfig http(ListenerConfig listener) {
    return ((NetworkFilter.Http) listener.chains().getFirst().network()).config();
  }

  private static PeerRule member(String account) {
    return new PeerRule.MeshMember(
        Set.of("mesh.test"), Set.of(SpiffeId.parse("spiffe://mesh.test/ns/shop/sa/" + account)));
  }
}
