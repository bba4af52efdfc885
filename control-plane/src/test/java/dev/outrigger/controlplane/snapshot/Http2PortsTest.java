package dev.outrigger.controlplane.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.outrigger.controlplane.model.DesiredState;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.CodecType;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext;
import io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ports that speak HTTP/2 are HTTP, with all that this means for routes, retries and faults. */
final class Http2PortsTest {
  private static String mesh(String appProtocol) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: words, namespace: shop}
    spec:
      clusterIP: 10.96.0.1
      selector: {app: words}
      ports: [{name: main, port: 80, targetPort: 9090%1$s}]
    ---
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: Workload
    metadata: {name: words-1, namespace: shop, labels: {app: words}}
    spec:
      address: 10.0.0.1
      ports: [{name: main, port: 9090%1$s}]
      sidecar: {mode: transparent}
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: words, namespace: shop}
    spec:
      parentRefs: [{kind: Service, name: words, port: 80}]
      rules:
        - matches: [{path: {value: /test.Words}}]
          timeouts: {request: 3s}
          backendRefs: [{name: words, port: 80}]
        - backendRefs: [{name: words, port: 80}]
    """
        .formatted(appProtocol.isEmpty() ? "" : ", appProtocol: " + appProtocol);
  }

  private static NodeSnapshot ours(String appProtocol) {
    return SnapshotBuilder.build(Shop.state(mesh(appProtocol)), Shop.ours("words-1"));
  }

  private static <T> T the(Map<String, T> map, String name) {
    return Objects.requireNonNull(map.get(name), () -> name + " in " + map.keySet());
  }

  private static FilterChain chain(Listener listener, String name) {
    return listener.getFilterChainsList().stream()
        .filter(one -> one.getName().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " in " + listener));
  }

  private static HttpConnectionManager http(FilterChain chain)
      throws InvalidProtocolBufferException {
    return chain.getFilters(0).getTypedConfig().unpack(HttpConnectionManager.class);
  }

  private static HttpProtocolOptions options(Cluster cluster)
      throws InvalidProtocolBufferException {
    return the(
            cluster.getTypedExtensionProtocolOptionsMap(),
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions")
        .unpack(HttpProtocolOptions.class);
  }

  private static List<String> offered(Cluster cluster) throws InvalidProtocolBufferException {
    return cluster
        .getTransportSocketMatches(0)
        .getTransportSocket()
        .getTypedConfig()
        .unpack(UpstreamTlsContext.class)
        .getCommonTlsContext()
        .getAlpnProtocolsList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "http2", "h2c", "kubernetes.io/h2c"})
  void aDeclaredPortIsHttpOnBothSidesOfBothProxies(String appProtocol) throws Exception {
    NodeSnapshot snapshot = ours(appProtocol);

    Listener outbound = the(snapshot.listeners(), "outbound");
    assertThat(http(chain(outbound, "outbound|80|words.shop")).getRds().getRouteConfigName())
        .isEqualTo("outbound|80|words.shop");
    assertThat(the(snapshot.routes(), "outbound|80|words.shop").getVirtualHosts(0).getRoutesList())
        .extracting(one -> one.getMatch().getPathSeparatedPrefix())
        .containsExactly("/test.Words", "");
    Cluster cluster = the(snapshot.clusters(), "outbound|80|words.shop");
    assertThat(options(cluster).getExplicitHttpConfig().hasHttp2ProtocolOptions()).isTrue();
    assertThat(offered(cluster)).containsExactly("outrigger-h2");

    Listener inbound = the(snapshot.listeners(), "inbound");
    FilterChain members = chain(inbound, "inbound|9090|mesh-h2");
    assertThat(members.getFilterChainMatch().getApplicationProtocolsList())
        .containsExactly("outrigger-h2");
    assertThat(http(members).getCodecType()).isEqualTo(CodecType.HTTP2);
    assertThat(http(chain(inbound, "inbound|9090|http")).getCodecType()).isEqualTo(CodecType.AUTO);
    assertThat(
            options(the(snapshot.clusters(), "inbound|9090"))
                .getExplicitHttpConfig()
                .hasHttp2ProtocolOptions())
        .isTrue();
  }

  @Test
  void anEnvoyGetsTheSame() throws Exception {
    NodeSnapshot snapshot = SnapshotBuilder.build(Shop.state(mesh("grpc")), Shop.envoy("words-1"));

    assertThat(
            options(the(snapshot.clusters(), "outbound|80|words.shop"))
                .getExplicitHttpConfig()
                .hasHttp2ProtocolOptions())
        .isTrue();
    assertThat(
            http(chain(the(snapshot.listeners(), "outbound"), "outbound|80|words.shop")).hasRds())
        .isTrue();
  }

  @Test
  void onAPortThatSaysNothingWhatTheClientSpeaksIsSpoken() throws Exception {
    NodeSnapshot snapshot = ours("");

    assertThat(
            chain(the(snapshot.listeners(), "outbound"), "outbound|80|words.shop|http")
                .getFilterChainMatch()
                .getApplicationProtocolsList())
        .contains("h2c", "http/1.1");
    Cluster cluster = the(snapshot.clusters(), "outbound|80|words.shop");
    assertThat(options(cluster).getUseDownstreamProtocolConfig().hasHttp2ProtocolOptions())
        .isTrue();
    assertThat(offered(cluster)).containsExactly("outrigger-h2", "outrigger-http/1.1");
    assertThat(
            options(the(snapshot.clusters(), "inbound|9090"))
                .getUseDownstreamProtocolConfig()
                .hasHttp2ProtocolOptions())
        .isTrue();
  }

  @Test
  void whatAPodDoesNotDeclareIsServedAsWhatTheServiceSays() throws Exception {
    // Ports of containers are documentation: most pods have some that they do not list.
    String undeclared =
        mesh("http")
            .replace(
                "ports: [{name: main, port: 9090, appProtocol: http}]",
                "ports: [{name: other, port: 7000}]");

    NodeSnapshot snapshot = SnapshotBuilder.build(Shop.state(undeclared), Shop.ours("words-1"));

    Listener inbound = the(snapshot.listeners(), "inbound");
    assertThat(chain(inbound, "inbound|9090|http").getFilterChainMatch().getDestinationPort())
        .isEqualTo(Protos.number(9090));
    assertThat(
            options(the(snapshot.clusters(), "inbound|9090"))
                .getExplicitHttpConfig()
                .hasHttpProtocolOptions())
        .isTrue();
    assertThat(chain(inbound, "inbound|7000|http").getFilterChainMatch().getDestinationPort())
        .isEqualTo(Protos.number(7000));
  }

  @Test
  void aCallOfGrpcIsHeldToItsOwnDeadlineAndToTheRoutes() {
    List<RouteAction> actions =
        the(ours("grpc").routes(), "outbound|80|words.shop")
            .getVirtualHosts(0)
            .getRoutesList()
            .stream()
            .map(Route::getRoute)
            .toList();

    RouteAction.MaxStreamDuration capped = actions.get(0).getMaxStreamDuration();
    assertThat(capped.getGrpcTimeoutHeaderMax().getSeconds()).isEqualTo(3);
    assertThat(capped.getMaxStreamDuration().getSeconds()).isEqualTo(3);
    RouteAction.MaxStreamDuration free = actions.get(1).getMaxStreamDuration();
    assertThat(free.hasGrpcTimeoutHeaderMax()).isTrue();
    assertThat(free.getGrpcTimeoutHeaderMax().getSeconds()).isZero();
  }

  @Test
  void httpSharesConnectionsOfHttp2BetweenOurProxiesWhereTheMeshSaysSo() throws Exception {
    String settings =
        """
        apiVersion: mesh.outrigger.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: mesh}
        spec: {http2BetweenProxies: true}
        ---
        """;
    DesiredState state = Shop.state(settings + mesh("http"));
    NodeSnapshot ours = SnapshotBuilder.build(state, Shop.ours("words-1"));

    Cluster cluster = the(ours.clusters(), "outbound|80|words.shop");
    assertThat(options(cluster).getAutoConfig().hasHttp2ProtocolOptions()).isTrue();
    assertThat(offered(cluster)).containsExactly("outrigger-h2", "outrigger-http/1.1");
    assertThat(
            options(the(ours.clusters(), "inbound|9090"))
                .getExplicitHttpConfig()
                .hasHttpProtocolOptions())
        .as("the application gets HTTP/1.1")
        .isTrue();
    assertThat(
            options(the(ours("http").clusters(), "outbound|80|words.shop"))
                .getExplicitHttpConfig()
                .hasHttpProtocolOptions())
        .as("unless it says so")
        .isTrue();
    assertThat(
            options(
                    the(
                        SnapshotBuilder.build(state, Shop.envoy("words-1")).clusters(),
                        "outbound|80|words.shop"))
                .getExplicitHttpConfig()
                .hasHttpProtocolOptions())
        .isTrue();
  }

  @Test
  void theDeadlineOfOtherRequestsIsTheRoutes() {
    DesiredState state = Shop.state(mesh("http2"));
    assertThat(
            the(
                    SnapshotBuilder.build(state, Shop.ours("words-1")).routes(),
                    "outbound|80|words.shop")
                .getVirtualHosts(0)
                .getRoutesList())
        .noneMatch(one -> one.getRoute().hasMaxStreamDuration());
  }
}
