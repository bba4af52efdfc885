package dev.outrigger.controlplane.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.model.AppProtocol;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.controlplane.snapshot.NodeSnapshot;
import dev.outrigger.controlplane.snapshot.SnapshotBuilder;
import io.envoyproxy.envoy.config.core.v3.HealthStatus;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.config.endpoint.v3.LbEndpoint;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Services and slices as clusters have them, down to what a proxy gets. */
final class CornersOfServicesTest {
  private final ClusterObjects objects = new ClusterObjects();

  private void put(String yaml) {
    new Load(LoadSettings.builder().build())
        .loadAllFromString(yaml)
        .forEach(one -> objects.put((Map<?, ?>) one));
  }

  private void service(String spec) {
    put(
        "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {"
            + spec
            + "}}");
  }

  private static final String USUAL =
      "clusterIP: 10.96.0.1, selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}]";

  private void pod(String name, String zone, int port, String... addresses) {
    put(
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: %s
          namespace: shop
          labels: {app: web, topology.kubernetes.io/zone: %s}
        spec:
          containers: [{name: app, ports: [{name: web, containerPort: %d}]}]
          initContainers: [{name: outrigger-proxy, restartPolicy: Always}]
        status: {phase: Running, podIP: "%s", podIPs: [%s]}
        """
            .formatted(
                name,
                zone,
                port,
                addresses[0],
                List.of(addresses).stream()
                    .map(one -> "{ip: \"" + one + "\"}")
                    .collect(Collectors.joining(", "))));
  }

  private void slice(String name, int port, String... endpoints) {
    put(
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: %s, namespace: shop, labels: {kubernetes.io/service-name: web}}
        addressType: IPv4
        ports: [{name: http, port: %d}]
        endpoints: [%s]
        """
            .formatted(name, port, String.join(", ", endpoints)));
  }

  private static String endpoint(String pod, String more) {
    return "{addresses: [10.0.0.9], targetRef: {kind: Pod, name: " + pod + "}" + more + "}";
  }

  private static final String ENDS =
      ", conditions: {ready: false, serving: true, terminating: true}";
  private static final String NOT_READY =
      ", conditions: {ready: false, serving: false, terminating: false}";

  private static String hint(String zone) {
    return ", conditions: {ready: true}, hints: {forZones: [{name: " + zone + "}]}";
  }

  private NodeSnapshot built(String workload) {
    DesiredState state = objects.read().state();
    return SnapshotBuilder.build(
        state,
        new NodeDescription(
            "shop",
            workload,
            NodeDescription.Implementation.OUTRIGGER,
            NodeDescription.MeshTls.AVAILABLE));
  }

  /** Where a caller's proxy would send, with what it thinks of each. */
  private Map<String, HealthStatus> endpoints(String caller) {
    Map<String, HealthStatus> endpoints = new TreeMap<>();
    Objects.requireNonNull(built(caller).endpoints().get("outbound|80|web.shop"))
        .getEndpointsList()
        .forEach(
            locality ->
                locality
                    .getLbEndpointsList()
                    .forEach(one -> endpoints.put(at(one), one.getHealthStatus())));
    return endpoints;
  }

  private static String at(LbEndpoint endpoint) {
    SocketAddress address = endpoint.getEndpoint().getAddress().getSocketAddress();
    return address.getAddress() + " " + address.getPortValue();
  }

  @Test
  void whoEndsServesOnlyWhereNobodyElseIsLeft() {
    service(USUAL);
    pod("web-1", "a", 8080, "10.0.0.1");
    pod("web-2", "a", 8080, "10.0.0.2");
    pod("web-3", "a", 8080, "10.0.0.3");
    slice("s", 8080, endpoint("web-1", ""), endpoint("web-2", ENDS), endpoint("web-3", NOT_READY));
    assertThat(endpoints("web-1"))
        .isEqualTo(
            Map.of("10.0.0.1 8080", HealthStatus.UNKNOWN, "10.0.0.2 8080", HealthStatus.DRAINING));

    slice("s", 8080, endpoint("web-1", ENDS), endpoint("web-2", ENDS));
    assertThat(endpoints("web-1"))
        .isEqualTo(
            Map.of("10.0.0.1 8080", HealthStatus.UNKNOWN, "10.0.0.2 8080", HealthStatus.UNKNOWN));
  }

  @Test
  void whoEndsDoesNotSwitchHintsOff() {
    service(USUAL);
    pod("web-1", "a", 8080, "10.0.0.1");
    pod("web-2", "b", 8080, "10.0.0.2");
    pod("web-3", "b", 8080, "10.0.0.3");
    slice(
        "s",
        8080,
        endpoint("web-1", hint("a")),
        endpoint("web-2", hint("b")),
        endpoint("web-3", ENDS));

    assertThat(endpoints("web-1"))
        .as("the caller is in zone a")
        .containsEntry("10.0.0.1 8080", HealthStatus.UNKNOWN)
        .containsEntry("10.0.0.3 8080", HealthStatus.DRAINING)
        .doesNotContainKey("10.0.0.2 8080");
  }

  @Test
  void aNamedPortIsAnotherNumberOnEachPod() {
    service(USUAL);
    pod("web-1", "a", 8080, "10.0.0.1");
    pod("web-2", "a", 9090, "10.0.0.2");
    slice("s1", 8080, endpoint("web-1", ""));
    slice("s2", 9090, endpoint("web-2", ""));

    assertThat(endpoints("web-1")).containsOnlyKeys("10.0.0.1 8080", "10.0.0.2 9090");
  }

  private Set<String> captured(String caller) {
    return Objects.requireNonNull(built(caller).listeners().get("outbound"))
        .getFilterChainsList()
        .stream()
        .map(FilterChain::getFilterChainMatch)
        .flatMap(
            match ->
                match.getPrefixRangesList().stream()
                    .map(
                        range ->
                            range.getAddressPrefix()
                                + "/"
                                + range.getPrefixLen().getValue()
                                + " "
                                + match.getDestinationPort().getValue()))
        .collect(Collectors.toSet());
  }

  @Test
  void bothAddressesOfADualStackServiceAreCapturedAndAPodIsThereOnce() {
    service(
        USUAL.replace(
            "clusterIP: 10.96.0.1",
            "clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, \"fd00:96::1\"]"));
    pod("web-1", "a", 8080, "10.0.0.1", "fd00::1");
    slice("s4", 8080, endpoint("web-1", ""));
    slice("s6", 8080, endpoint("web-1", "").replace("10.0.0.9", "\"fd00::1\""));

    assertThat(captured("web-1")).containsExactlyInAnyOrder("10.96.0.1/32 80", "fd00:96::1/128 80");
    assertThat(endpoints("web-1")).containsOnlyKeys("10.0.0.1 8080");
    assertThat(Objects.requireNonNull(built("web-1").listeners().get("outbound")))
        .as("it listens in both families")
        .satisfies(one -> assertThat(one.getAdditionalAddressesCount()).isEqualTo(1));
  }

  @Test
  void addressesOfPodsBehindAHeadlessServiceReachThoseVeryPods() {
    service(USUAL.replace("clusterIP: 10.96.0.1", "clusterIP: None"));
    pod("web-1", "a", 8080, "10.0.0.1", "fd00::1");
    pod("web-2", "a", 9090, "10.0.0.2");
    slice("s1", 8080, endpoint("web-1", ""));
    slice("s2", 9090, endpoint("web-2", ""));

    assertThat(captured("web-1"))
        .containsExactlyInAnyOrder("10.0.0.1/32 8080", "fd00::1/128 8080", "10.0.0.2/32 9090");
    NodeSnapshot snapshot = built("web-1");
    assertThat(snapshot.endpoints())
        .containsKeys("outbound|80|web.shop|web-1", "outbound|80|web.shop|web-2");
    Objects.requireNonNull(snapshot.endpoints().get("outbound|80|web.shop|web-2"))
        .getEndpointsList()
        .forEach(one -> assertThat(at(one.getLbEndpoints(0))).isEqualTo("10.0.0.2 9090"));
  }

  @Test
  void aServiceWithoutASelectorLeadsWhereItsSlicesSay() {
    service("clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]");
    pod("web-1", "a", 8080, "10.0.0.1");
    slice("by-hand", 5432, "{addresses: [192.0.2.7]}", "{addresses: [192.0.2.8]" + NOT_READY + "}");

    assertThat(endpoints("web-1")).containsOnlyKeys("192.0.2.7 5432");
  }

  @Test
  void aBackendThatIsOnlyANameForAnotherHostIsRefusedInSoManyWords() {
    service(USUAL);
    put(
        """
        apiVersion: v1
        kind: Service
        metadata: {name: elsewhere, namespace: shop}
        spec: {type: ExternalName, externalName: db.example.org}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: r, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: web}]
          rules: [{backendRefs: [{name: elsewhere, port: 80}]}]
        """);

    assertThat(objects.read().problems())
        .extracting(Problem::message)
        .containsExactly(
            "`spec.rules[0].backendRefs[0].name` names the service `elsewhere.shop`, which is only"
                + " a name for another host (ExternalName)");
    service(USUAL.replace("web}", "other}"));
    objects.remove(new ClusterKey("Service", "shop", "elsewhere"));
    assertThat(objects.read().problems())
        .extracting(Problem::message)
        .first()
        .asString()
        .contains("does not exist");
  }

  @ParameterizedTest
  @CsvSource({
    "kubernetes.io/h2c, x, HTTP2",
    "kubernetes.io/ws, x, HTTP",
    "kubernetes.io/wss, x, TLS",
    "grpc, x, GRPC",
    "grpc-web, x, HTTP",
    "HTTP, x, HTTP",
    "https, x, TLS",
    "tcp, http, TCP",
    "redis, x, TCP",
    "example.com/own, http, TCP",
    "'', http-admin, HTTP",
    "'', grpc-web-ui, HTTP",
    "'', grpc-api, GRPC",
    "'', smtp, TCP",
    "'', web, DETECT",
    "'', '', DETECT",
  })
  void whatIsSpokenIsSaidByTheProtocolAndElseByTheName(
      String appProtocol, String name, AppProtocol spoken) {
    assertThat(AppProtocol.of(appProtocol, name)).isEqualTo(spoken);
  }

  @Test
  void aUdpPortSaysNothingOfTheTcpPortOfItsNumber() {
    service(
        "clusterIP: 10.96.0.1, selector: {app: web}, ports: [{name: http-quic, port: 443,"
            + " targetPort: 8443, protocol: UDP}, {name: https, port: 443, targetPort: 8443}]");
    pod("web-1", "a", 8443, "10.0.0.1");
    slice("s", 8443, endpoint("web-1", ""));
    put(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: TLSRoute
        metadata: {name: r, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: web, port: 443}]
          hostnames: [a.b]
          rules: [{backendRefs: [{name: web, port: 443}]}]
        """);

    assertThat(objects.read().problems()).isEmpty();
    assertThat(objects.read().state().service(new ServiceName("web", "shop"))).isNotNull();
    assertThat(
            Objects.requireNonNull(built("web-1").listeners().get("inbound"))
                .getFilterChainsList()
                .stream()
                .map(FilterChain::getName))
        .contains("inbound|8443|tls")
        .doesNotContain("inbound|8443|http");
  }
}
