package dev.outrigger.proxy.bootstrap;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.proxy.bootstrap.ProxyOptions.JoinToken;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Membership;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Mode;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Source;
import dev.outrigger.proxy.config.AppProbe;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.xds.AdsSettings;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.SpiffeId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@NullUnmarked // What is null fails the test anyway.
final class ProxyOptionsTest {

  @Test
  void whatTheInjectorWritesForKubeletIsUnderstood() throws UsageException {
    ProxyOptions.Watched watched =
        ProxyOptions.parse(
                List.of("--listen", "8080", "--to", "3000"),
                Map.of(
                    "OUTRIGGER_HEALTH",
                    "*:15021",
                    "OUTRIGGER_POD_IP",
                    "10.0.0.7",
                    "OUTRIGGER_APP_PROBES",
                    """
                    {"/app-health/app/livez":{"httpGet":{"port":8080,"path":"/a","scheme":"HTTPS",\
                    "httpHeaders":[{"name":"x","value":"1"}]},"timeoutSeconds":2},\
                    "/app-health/app/readyz":{"tcpSocket":{"port":1},"timeoutSeconds":1},\
                    "/app-health/app/startupz":{"grpc":{"port":2,"service":""},"timeoutSeconds":1}}
                    """))
            .watched();

    assertThat(watched.health()).isEqualTo(new SocketAddressConfig("0.0.0.0", 15021));
    assertThat(watched.metrics()).isNull();
    assertThat(watched.podAddress()).isEqualTo("10.0.0.7");
    assertThat(watched.appProbes())
        .isEqualTo(
            Map.of(
                "/app-health/app/livez",
                new AppProbe(
                    new AppProbe.Ask.Http(8080, "/a", true, List.of(Map.entry("x", "1"))),
                    Duration.ofSeconds(2)),
                "/app-health/app/readyz",
                new AppProbe(new AppProbe.Ask.Tcp(1), Duration.ofSeconds(1)),
                "/app-health/app/startupz",
                new AppProbe(new AppProbe.Ask.Grpc(2, ""), Duration.ofSeconds(1))));
  }

  @Test
  void brokenAppProbesAreAUsageError() {
    for (String json :
        List.of("[", "[]", "{\"/x\":{}}", "{\"/app-health/a/livez\":{\"timeoutSeconds\":1}}")) {
      assertThatThrownBy(
              () ->
                  ProxyOptions.parse(
                      List.of("--listen", "1", "--to", "2", "--health", "3", "--app-probes", json),
                      Map.of()))
          .as(json)
          .isInstanceOf(UsageException.class)
          .hasMessageStartingWith("--app-probes");
    }
  }

  @Test
  void flagsWinOverTheEnvironment() throws Exception {
    Map<String, String> environment =
        Map.of(
            "OUTRIGGER_CONFIG", "from-env.yaml",
            "OUTRIGGER_DRAIN_TIME", "1m",
            "OUTRIGGER_LOG_LEVEL", "debug",
            "OUTRIGGER_MODE", "validate");
    ProxyOptions options =
        ProxyOptions.parse(List.of("-c", "x.yaml", "--log-level=warn"), environment);
    assertThat(options.source()).isEqualTo(new Source.Bootstrap(Path.of("x.yaml"), null));
    assertThat(options.drainTime()).isEqualTo(Duration.ofMinutes(1));
    assertThat(options.logLevel()).isEqualTo("warn");
    assertThat(options.mode()).isEqualTo(Mode.VALIDATE);
  }

  @Test
  void aWayNamedByFlagReplacesOneFromTheEnvironment() throws Exception {
    ProxyOptions options =
        ProxyOptions.parse(
            List.of("--listen", "8080", "--to", "3000"),
            Map.of("OUTRIGGER_MESH", "cp:15012", "OUTRIGGER_TO", "1.1.1.1:1"));
    assertThat(options.source())
        .isInstanceOfSatisfying(
            Source.OneLine.class,
            line -> {
              assertThat(line.listen()).isEqualTo(new SocketAddressConfig("0.0.0.0", 8080));
              assertThat(line.to()).containsExactly(new SocketAddressConfig("127.0.0.1", 3000));
            });
  }

  @Test
  void toxiproxysApiNeedsNothingElse() throws Exception {
    ProxyOptions alone = ProxyOptions.parse(List.of("--toxiproxy-api", "localhost:8474"), Map.of());
    assertThat(alone.source()).isEqualTo(new Source.Toxiproxy());
    assertThat(alone.toxiproxyApi()).isEqualTo(new SocketAddressConfig("127.0.0.1", 8474));
    LoadedBootstrap loaded = BootstrapLoader.load(alone);
    assertThat(loaded.staticConfig().listeners()).isEmpty();
    assertThat(
            ProxyOptions.parse(
                    List.of("--listen", "1", "--to", "2", "--toxiproxy-api", "8474"), Map.of())
                .source())
        .isInstanceOf(Source.OneLine.class);
  }

  @Test
  void aProxyThatHonoursNoFaultsAsksForNone() throws Exception {
    List<String> member =
        List.of(
            "--config-yaml",
            """
            node: {id: n, metadata: {outriggerFaults: true}}
            dynamic_resources:
              ads_config: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: control}}]}
              cds_config: {ads: {}, resource_api_version: V3}
            static_resources:
              clusters:
                - name: control
                  typed_extension_protocol_options:
                    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                      explicit_http_config: {http2_protocol_options: {}}
                  load_assignment:
                    cluster_name: control
                    endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9}}}}]}]
            """);
    assertThat(settings(member, Map.of()).faults()).isTrue();
    assertThat(settings(member, Map.of("OUTRIGGER_NO_FAULTS", "true")).faults()).isFalse();
  }

  private static AdsSettings settings(List<String> arguments, Map<String, String> environment)
      throws Exception {
    return requireNonNull(
        Discovery.settings(BootstrapLoader.load(ProxyOptions.parse(arguments, environment)), "1"));
  }

  @Test
  void saysWhatIsWrong() {
    assertRefused(
        "what should be proxied? use -c FILE, or --listen ADDR --to ADDR, or --mesh ADDR, or"
            + " --toxiproxy-api ADDR");
    assertRefused("there is no flag --lisen, did you mean '--listen'?", "--lisen", "1");
    assertRefused("--listen needs --to ADDR: where should it go?", "--listen", "8080");
    assertRefused("--to needs a value: ADDR", "--listen", "8080", "--to");
    assertRefused(
        "--listen nowhere: expected an address such as 127.0.0.1:8080 or [::1]:8080",
        "--listen",
        "nowhere",
        "--to",
        "1");
    assertRefused("--to 0: the port must not be 0", "--listen", "8080", "--to", "0");
    assertRefused(
        "--tls-cert needs --tls-key FILE", "--listen", "1", "--to", "1", "--tls-cert", "x");
    assertRefused(
        "--upstream-sni needs --upstream-tls or --upstream-ca",
        "--listen",
        "1",
        "--to",
        "1",
        "--upstream-sni",
        "x");
    assertRefused("--mode run: expected one of serve, validate", "-c", "x", "--mode", "run");
    assertRefused(
        "--drain-time 5: expected a time such as 300ms, 30s or 5m", "-c", "x", "--drain-time", "5");
    assertRefused(
        "--mesh needs --join-token-file FILE (or --join-token TEXT), or"
            + " --spiffe-endpoint-socket URI",
        "--mesh",
        "cp:15012");
    assertRefused(
        "only one way at a time: use -c FILE, or --listen ADDR --to ADDR, or --mesh ADDR",
        "-c",
        "x",
        "--listen",
        "1",
        "--to",
        "1");
  }

  private static void assertRefused(String message, String... arguments) {
    assertThatThrownBy(() -> ProxyOptions.parse(List.of(arguments), Map.of()))
        .isInstanceOf(UsageException.class)
        .hasMessage(message);
  }

  @Test
  void oneLineDetectsTheProtocolAndChecksTheServer(@TempDir Path folder) throws Exception {
    Corpus.writeCertificates(folder);
    LoadedBootstrap loaded =
        load(
            "--listen",
            "127.0.0.1:0",
            "--to",
            "backend.test:3000",
            "--to",
            "backend.test:3001",
            "--upstream-ca",
            folder.resolve("ca.pem").toString());
    ListenerConfig listener = loaded.staticConfig().listeners().getFirst();
    assertThat(listener.inspectors()).contains(ListenerConfig.Inspector.HTTP);
    assertThat(listener.chains().getFirst().network()).isInstanceOf(NetworkFilter.Http.class);
    assertThat(listener.defaultChain().network()).isInstanceOf(NetworkFilter.Tcp.class);
    assertThat(loaded.staticConfig().clusters().get("upstream").tlsMatches().getFirst().tls())
        .isInstanceOfSatisfying(
            UpstreamTls.Originate.class,
            tls -> {
              assertThat(tls.sni()).isEqualTo("backend.test");
              assertThat(tls.rule())
                  .isEqualTo(
                      new PeerRule.NamedBy(
                          List.of(
                              new PeerRule.NameMatcher(
                                  PeerRule.NameKind.DNS,
                                  PeerRule.NameComparison.EXACT,
                                  "backend.test"))));
            });
    assertThat(Corpus.load(loaded.yaml()).proto()).isEqualTo(loaded.proto());
  }

  @Test
  void aServerThatSpeaksFirstIsNotWaitedFor() throws Exception {
    ListenerConfig listener =
        load("--listen", "127.0.0.1:0", "--to", "127.0.0.1:5432")
            .staticConfig()
            .listeners()
            .getFirst();
    assertThat(listener.inspectors()).isEmpty();
    assertThat(listener.chains().getFirst().network()).isInstanceOf(NetworkFilter.Tcp.class);
  }

  @Test
  void meshStandsForABootstrapWithAStream(@TempDir Path folder) throws Exception {
    Corpus.writeCertificates(folder);
    LoadedBootstrap loaded =
        load(
            "--mesh", "127.0.0.1",
            "--join-token", "secret-token",
            "--root-ca", folder.resolve("ca.pem").toString(),
            "--workload", "cart-1",
            "--admin", "0");
    BootstrapConfig config = loaded.config();
    assertThat(config.node().id()).isEqualTo("cart-1.default");
    assertThat(config.dynamic().ads()).isNotNull();
    assertThat(config.admin()).isEqualTo(new SocketAddressConfig("127.0.0.1", 0));
    assertThat(loaded.yaml()).doesNotContain("secret-token");
    assertThat(loaded.options().toString()).doesNotContain("secret-token");
    Source.Mesh mesh = (Source.Mesh) loaded.options().source();
    assertThat(mesh.join().membership())
        .isEqualTo(
            new Membership.Issued(new JoinToken.Inline("secret-token"), folder.resolve("ca.pem")));
    assertThat(mesh.join().controlPlanes())
        .containsExactly(new SocketAddressConfig("127.0.0.1", 15012));
  }

  @Test
  void anIdentityMayComeFromTheWorkloadApi() throws Exception {
    String[] mesh = {
      "--mesh", "127.0.0.1",
      "--workload", "cart-1",
      "--mesh-identity", "spiffe://example.org/control"
    };
    Map<String, String> standard = Map.of("SPIFFE_ENDPOINT_SOCKET", "unix:///run/agent.sock");
    LoadedBootstrap loaded = BootstrapLoader.load(ProxyOptions.parse(List.of(mesh), standard));
    Source.Mesh source = (Source.Mesh) loaded.options().source();
    assertThat(source.join().membership())
        .isEqualTo(
            new Membership.Attested(
                Path.of("/run/agent.sock"), null, SpiffeId.parse("spiffe://example.org/control")));
    assertThat(loaded.yaml()).contains("spiffe://example.org/control");
    // Who has a token of the control plane is not asked why the variable is there.
    List<String> joining =
        List.of("--mesh", "127.0.0.1", "--workload", "w", "--join-token", "t", "--root-ca", "r");
    assertThat(((Source.Mesh) ProxyOptions.parse(joining, standard).source()).join().membership())
        .isInstanceOf(Membership.Issued.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--spiffe-endpoint-socket tcp://127.0.0.1:8 --mesh-identity spiffe://a/b | unix:///run/",
        "--spiffe-endpoint-socket unix:///run/a.sock | needs --mesh-identity",
        "--spiffe-endpoint-socket unix:///run/a.sock --mesh-identity spiffe://a | not a workload",
        "--spiffe-endpoint-socket unix:///run/a.sock --mesh-identity nobody | not a SPIFFE ID",
        "--spiffe-endpoint-socket unix:///run/a.sock --root-ca x | from the one or from the other",
        "--mesh-identity spiffe://a/b --join-token t --root-ca x | needs --spiffe-endpoint-socket",
        "--spiffe-id spiffe://a/b --join-token t --root-ca x | needs --spiffe-endpoint-socket",
      })
  void anUnclearWayToAnIdentityIsRefused(String arguments, String message) {
    List<String> all = new ArrayList<>(List.of("--mesh", "127.0.0.1", "--workload", "cart-1"));
    all.addAll(List.of(arguments.split(" ")));
    assertThatThrownBy(() -> ProxyOptions.parse(all, Map.of())).hasMessageContaining(message);
  }

  @Test
  void aMeshMayHaveReplicasWithOneName(@TempDir Path folder) throws Exception {
    Corpus.writeCertificates(folder);
    String[] rest = {
      "--join-token", "secret-token",
      "--root-ca", folder.resolve("ca.pem").toString(),
      "--workload", "cart-1"
    };
    Source.Mesh mesh =
        (Source.Mesh)
            load(args("--mesh", "10.0.0.1, 10.0.0.2:15112", "--mesh-name", "control", rest))
                .options()
                .source();
    assertThat(mesh.join().controlPlanes())
        .containsExactly(
            new SocketAddressConfig("10.0.0.1", 15012), new SocketAddressConfig("10.0.0.2", 15112));
    assertThatThrownBy(() -> load(args("--mesh", "10.0.0.1,10.0.0.2", "", "", rest)))
        .hasMessageContaining("--mesh-name");
  }

  private static String[] args(
      String one, String value, String other, String more, String... rest) {
    List<String> all = new ArrayList<>(List.of(one, value));
    if (!other.isEmpty()) {
      all.addAll(List.of(other, more));
    }
    all.addAll(List.of(rest));
    return all.toArray(String[]::new);
  }

  private static LoadedBootstrap load(String... arguments) throws Exception {
    return BootstrapLoader.load(ProxyOptions.parse(List.of(arguments), Map.of()));
  }
}
