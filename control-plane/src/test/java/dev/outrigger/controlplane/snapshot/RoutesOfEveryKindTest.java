package dev.outrigger.controlplane.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.controlplane.snapshot.NodeDescription.MeshTls;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy;
import io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** GRPCRoute, TCPRoute and TLSRoute beside HTTPRoute, and which of them counts. */
final class RoutesOfEveryKindTest {
  private static final String MESH =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: front, namespace: shop}
      spec:
        clusterIP: 10.96.0.1
        ports:
        - {name: web, port: 80, appProtocol: http}
        - {name: calls, port: 90, appProtocol: grpc}
        - {name: secret, port: 443, appProtocol: tls}
        - {name: store, port: 6379, appProtocol: redis}
        - {name: any, port: 9000}
      """
          + service("one", "10.96.0.2")
          + service("two", "10.96.0.3")
          + workload("shop")
          + workload("guest");

  private static String service(String name, String address) {
    return """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: shop}
    spec:
      clusterIP: %s
      selector: {app: %1$s}
      ports:
      - {name: web, port: 80, appProtocol: http}
      - {name: bytes, port: 81, appProtocol: tcp}
    """
        .formatted(name, address);
  }

  private static String workload(String namespace) {
    return """
    ---
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: Workload
    metadata: {name: a, namespace: %s}
    spec: {address: 10.0.0.2, ports: [{port: 80}], sidecar: {mode: transparent}}
    """
        .formatted(namespace);
  }

  private static String route(String kind, String meta, String parent, String spec) {
    return """
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: %s
    metadata: {%s}
    spec:
      parentRefs: [{group: "", kind: Service, namespace: shop, name: front%s}]
      %s
    """
        .formatted(kind, meta, parent.isEmpty() ? "" : ", " + parent, spec.indent(2).strip());
  }

  private static final String SHOP = "name: r, namespace: shop";

  private static String to(String service, int port) {
    return "rules: [{backendRefs: [{namespace: shop, name: %s, port: %d}]}]"
        .formatted(service, port);
  }

  private static NodeSnapshot build(String... routes) {
    return build("shop", Implementation.OUTRIGGER, routes);
  }

  private static NodeSnapshot build(
      String namespace, Implementation implementation, String... routes) {
    return SnapshotBuilder.build(
        Shop.state(MESH + String.join("", routes)),
        new NodeDescription(namespace, "a", implementation, MeshTls.AVAILABLE));
  }

  private static <T> T the(Map<String, T> map, String name) {
    return Objects.requireNonNull(map.get(name), () -> name + " in " + map.keySet());
  }

  private static List<Route> routes(NodeSnapshot snapshot, int port) {
    return the(snapshot.routes(), "outbound|" + port + "|front.shop")
        .getVirtualHosts(0)
        .getRoutesList();
  }

  /** Names of the chains of a port of the front, after the port's own name. */
  private static Map<String, FilterChain> chains(NodeSnapshot snapshot, int port) {
    String name = "outbound|" + port + "|front.shop";
    Listener listener = the(snapshot.listeners(), "outbound");
    Map<String, FilterChain> chains = new TreeMap<>();
    for (FilterChain chain : listener.getFilterChainsList()) {
      if (chain.getName().startsWith(name)) {
        chains.put(chain.getName().substring(name.length()), chain);
      }
    }
    return chains;
  }

  /** Where a chain's connections go. */
  private static Map<String, Integer> shares(FilterChain chain)
      throws InvalidProtocolBufferException {
    TcpProxy proxy = chain.getFilters(0).getTypedConfig().unpack(TcpProxy.class);
    Map<String, Integer> shares = new TreeMap<>();
    if (proxy.hasWeightedClusters()) {
      proxy
          .getWeightedClusters()
          .getClustersList()
          .forEach(one -> shares.put(one.getName(), one.getWeight()));
    } else {
      shares.put(proxy.getCluster(), 1);
    }
    return shares;
  }

  // ---- GRPCRoute

  @Test
  void aCallIsMatchedByServiceAndMethodTheMostSpecificFirst() {
    String rule = "- {name: %s, matches: [{%s}], backendRefs: [{name: one, port: 80}]}%n";
    List<Route> routes =
        routes(
            build(
                route(
                    "GRPCRoute",
                    SHOP,
                    "port: 90",
                    "rules:\n"
                        + rule.formatted("header", "headers: [{name: X-Tier, value: gold}]")
                        + rule.formatted("method", "method: {method: Get}")
                        + rule.formatted("service", "method: {service: shop.v1.Catalog}")
                        + rule.formatted("both", "method: {service: shop.v1.Catalog, method: Get}")
                        + rule.formatted(
                            "regex",
                            "method: {type: RegularExpression, service: 'shop[.]v[0-9]+[.]Cart'}"))),
            90);

    assertThat(routes)
        .extracting(Route::getName)
        .as("characters of the service, then of the method, then headers")
        .containsExactly("regex", "both", "service", "method", "header");
    assertThat(routes.get(0).getMatch().getSafeRegex().getRegex())
        .isEqualTo("/(?:shop[.]v[0-9]+[.]Cart)/[^/]+");
    assertThat(routes.get(1).getMatch().getPath()).isEqualTo("/shop.v1.Catalog/Get");
    assertThat(routes.get(2).getMatch().getPrefix()).isEqualTo("/shop.v1.Catalog/");
    assertThat(routes.get(3).getMatch().getSafeRegex().getRegex()).isEqualTo("/[^/]+/(?:Get)");
    assertThat(routes.get(4).getMatch().getPrefix()).isEqualTo("/");
    assertThat(routes.get(4).getMatch().getHeaders(0).getName()).isEqualTo("x-tier");
  }

  @Test
  void aCallGoesByHttp2WhateverThePortOfTheBackendSaysAndKeepsItsOwnDeadline() throws Exception {
    NodeSnapshot snapshot =
        build(
            route(
                "GRPCRoute",
                SHOP,
                "port: 90",
                "rules: [{backendRefs: [{name: one, port: 80, weight: 7}, {name: two, port: 81,"
                    + " weight: 3}, {name: front, port: 90, weight: 0}]}]"));

    RouteAction action = routes(snapshot, 90).getFirst().getRoute();
    assertThat(action.getWeightedClusters().getClustersList())
        .extracting(one -> one.getName() + " " + one.getWeight().getValue())
        .containsExactly("outbound|80|one.shop|grpc 7", "outbound|81|two.shop|grpc 3");
    assertThat(action.hasMaxStreamDuration()).as("the caller's deadline").isTrue();
    HttpProtocolOptions options =
        the(
                the(snapshot.clusters(), "outbound|80|one.shop|grpc")
                    .getTypedExtensionProtocolOptionsMap(),
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions")
            .unpack(HttpProtocolOptions.class);
    assertThat(options.getExplicitHttpConfig().hasHttp2ProtocolOptions()).isTrue();
  }

  @Test
  void aCallWithoutABackendIsUnavailable() {
    NodeSnapshot snapshot = build(route("GRPCRoute", SHOP, "port: 90", to("missing", 80)));

    assertThat(routes(snapshot, 90).getFirst().getDirectResponse().getStatus()).isEqualTo(503);
  }

  @Test
  void filtersOfARuleAndOfABackendChangeHeadersOfACall() {
    Route route =
        routes(
                build(
                    route(
                        "GRPCRoute",
                        SHOP,
                        "port: 90",
                        """
                        rules:
                        - filters:
                          - type: RequestHeaderModifier
                            requestHeaderModifier: {set: [{name: rule, value: a}]}
                          - type: RequestMirror
                            requestMirror: {backendRef: {name: two, port: 80}}
                          backendRefs:
                          - name: one
                            port: 80
                            filters:
                            - type: RequestHeaderModifier
                              requestHeaderModifier: {add: [{name: mine, value: b}], remove: [x]}
                            - type: ResponseHeaderModifier
                              responseHeaderModifier: {set: [{name: theirs, value: c}]}
                        """)),
                90)
            .getFirst();

    assertThat(route.getRequestHeadersToAdd(0).getHeader().getKey()).isEqualTo("rule");
    assertThat(route.getRoute().getRequestMirrorPolicies(0).getCluster())
        .isEqualTo("outbound|80|two.shop|grpc");
    var backend = route.getRoute().getWeightedClusters().getClusters(0);
    assertThat(backend.getRequestHeadersToAdd(0).getHeader().getKey()).isEqualTo("mine");
    assertThat(backend.getRequestHeadersToRemoveList()).containsExactly("x");
    assertThat(backend.getResponseHeadersToAdd(0).getHeader().getKey()).isEqualTo("theirs");
  }

  // ---- TCPRoute

  @Test
  void connectionsAreSharedByWeightAndTheShareOfNobodyIsRefused() throws Exception {
    NodeSnapshot snapshot =
        build(
            route(
                "TCPRoute",
                SHOP,
                "port: 6379",
                "rules: [{backendRefs: [{name: one, port: 81, weight: 90}, {name: two, port: 80,"
                    + " weight: 9}, {name: missing, port: 81}, {name: one, port: 80, weight:"
                    + " 0}]}]"));

    assertThat(shares(the(chains(snapshot, 6379), "")))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("outbound|81|one.shop", 90, "outbound|80|two.shop|tcp", 9, "nowhere", 1));
  }

  @Test
  void aTcpRouteTakesAPortOfAnyProtocolWithoutALookAtIt() throws Exception {
    NodeSnapshot snapshot = build(route("TCPRoute", SHOP, "port: 9000", to("one", 81)));

    assertThat(chains(snapshot, 9000).keySet()).containsExactly("");
    assertThat(shares(the(chains(snapshot, 9000), ""))).containsOnlyKeys("outbound|81|one.shop");
  }

  @Test
  void onlyTheOldestTcpRouteOfAPortCounts() throws Exception {
    NodeSnapshot snapshot =
        build(
            route(
                "TCPRoute",
                "name: a, namespace: shop, creationTimestamp: \"2026-02-01T00:00:00Z\"",
                "port: 6379",
                to("one", 81)),
            route(
                "TCPRoute",
                "name: b, namespace: shop, creationTimestamp: \"2026-01-01T00:00:00Z\"",
                "",
                to("two", 81)));

    assertThat(shares(the(chains(snapshot, 6379), ""))).containsOnlyKeys("outbound|81|two.shop");
  }

  // ---- TLSRoute

  @ParameterizedTest
  @ValueSource(ints = {443, 9000})
  void connectionsGoByTheNameThatTheyAskForAndUnknownOnesAreRefused(int port) throws Exception {
    NodeSnapshot snapshot =
        build(
            route(
                "TLSRoute",
                "name: a, namespace: shop",
                "port: " + port,
                "hostnames: [Shop.Example, '*.shop.example']\n" + to("one", 81)),
            route(
                "TLSRoute",
                "name: b, namespace: shop",
                "port: " + port,
                "hostnames: [shop.example, other.example]\n" + to("two", 81)));

    Map<String, FilterChain> chains = chains(snapshot, port);
    FilterChain first = the(chains, "|tls|shop/a");
    assertThat(first.getFilterChainMatch().getServerNamesList())
        .containsExactly("shop.example", "*.shop.example");
    assertThat(first.getFilterChainMatch().getTransportProtocol()).isEqualTo("tls");
    assertThat(shares(first)).containsOnlyKeys("outbound|81|one.shop");
    assertThat(the(chains, "|tls|shop/b").getFilterChainMatch().getServerNamesList())
        .as("the first by name has the other name")
        .containsExactly("other.example");
    assertThat(shares(the(chains, "|tls"))).containsOnlyKeys("nowhere");
    assertThat(chains.containsKey("|http")).isEqualTo(port == 9000);
    assertThat(shares(the(chains, "|raw")).keySet())
        .allMatch(cluster -> cluster.startsWith("outbound|" + port + "|front.shop"));
  }

  @Test
  void anEnvoyLooksAtTheFirstBytesOfAPortThatATlsRouteIsAbout() {
    String route = route("TLSRoute", SHOP, "port: 443", "hostnames: [a.b]\n" + to("one", 81));

    assertThat(inspected(build("shop", Implementation.ENVOY, route))).contains("443");
    assertThat(inspected(build("shop", Implementation.ENVOY))).doesNotContain("443");
  }

  private static String inspected(NodeSnapshot snapshot) {
    return the(snapshot.listeners(), "outbound").getListenerFiltersList().stream()
        .map(one -> one.getFilterDisabled().toString())
        .reduce("", String::concat);
  }

  @Test
  void explicitListenersGoByRoutesOfConnections() throws Exception {
    String caller =
        workload("shop")
            .replace("name: a", "name: b")
            .replace(
                "mode: transparent",
                "mode: explicit, outboundTcp: [{listen: \"127.0.0.1:16379\", service: front, port:"
                    + " 6379}, {listen: \"127.0.0.1:1443\", service: front, port: 443}]");
    NodeSnapshot snapshot =
        SnapshotBuilder.build(
            Shop.state(
                MESH
                    + caller
                    + route("TCPRoute", "name: t, namespace: shop", "port: 6379", to("one", 81))
                    + route(
                        "TLSRoute",
                        "name: s, namespace: shop",
                        "port: 443",
                        "hostnames: [a.b]\n" + to("two", 81))),
            Shop.ours("b"));

    List<FilterChain> chains = new ArrayList<>();
    snapshot.listeners().values().forEach(one -> chains.addAll(one.getFilterChainsList()));
    assertThat(shares(chain(chains, "127.0.0.1:16379|front.shop")))
        .containsOnlyKeys("outbound|81|one.shop");
    assertThat(shares(chain(chains, "127.0.0.1:1443|front.shop|tls|shop/s")))
        .containsOnlyKeys("outbound|81|two.shop");
  }

  private static FilterChain chain(List<FilterChain> chains, String end) {
    return chains.stream()
        .filter(one -> one.getName().endsWith(end))
        .findFirst()
        .orElseThrow(() -> new AssertionError(chains.stream().map(FilterChain::getName).toList()));
  }

  // ---- which counts

  @Test
  void atAPortOneKindOfRouteCountsTheMostSpecific() throws Exception {
    String grpc = route("GRPCRoute", SHOP, "port: 9000", to("one", 80));
    String http = route("HTTPRoute", SHOP, "port: 9000", to("one", 80));
    String tls = route("TLSRoute", SHOP, "port: 9000", "hostnames: [a.b]\n" + to("one", 81));
    String tcp = route("TCPRoute", SHOP, "port: 9000", to("one", 81));

    NodeSnapshot all = build(grpc, http, tls, tcp);
    assertThat(routes(all, 9000).getFirst().getRoute().getCluster())
        .isEqualTo("outbound|80|one.shop|grpc");
    assertThat(chains(all, 9000).keySet()).containsExactlyInAnyOrder("|http", "|raw", "|tls");
    assertThat(routes(build(http, tls, tcp), 9000).getFirst().getRoute().getCluster())
        .isEqualTo("outbound|80|one.shop");
    assertThat(chains(build(tls, tcp), 9000)).containsKey("|tls|shop/r");
    assertThat(chains(build(tcp), 9000).keySet()).containsExactly("");
  }

  @Test
  void routesOfOneParentShareItsPortsByProtocol() {
    NodeSnapshot snapshot =
        build(
            route(
                "HTTPRoute",
                SHOP,
                "",
                "rules: [{name: web, backendRefs: [{name: one, port: 80}]}]"),
            route(
                "GRPCRoute",
                SHOP,
                "port: 90",
                "rules: [{name: calls, backendRefs: [{name: one, port: 80}]}]"));

    assertThat(routes(snapshot, 80)).extracting(Route::getName).containsExactly("web");
    assertThat(routes(snapshot, 90)).extracting(Route::getName).containsExactly("calls");
    assertThat(routes(snapshot, 9000)).extracting(Route::getName).containsExactly("web");
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"})
  void aRouteOfTheCallersNamespaceIsForItsCallersAloneWhateverItsKind(String kind) {
    String names = kind.equals("TLSRoute") ? "hostnames: [a.b]\n" : "";
    String producer = route(kind, "name: p, namespace: shop", "port: 9000", names + to("one", 80));
    String consumer = route(kind, "name: c, namespace: guest", "port: 9000", names + to("two", 80));
    String stranger = route(kind, "name: s, namespace: else", "port: 9000", names + to("two", 81));

    NodeSnapshot theirs = build("shop", Implementation.OUTRIGGER, producer, consumer, stranger);
    NodeSnapshot mine = build("guest", Implementation.OUTRIGGER, producer, consumer, stranger);
    NodeSnapshot without = build("guest", Implementation.OUTRIGGER, producer, stranger);
    assertThat(used(theirs, 9000)).contains("|one.shop").doesNotContain("|two.shop");
    assertThat(used(mine, 9000)).contains("80|two.shop").doesNotContain("|one.shop", "81|two");
    assertThat(used(without, 9000)).contains("|one.shop").doesNotContain("|two.shop");
  }

  /** All that is said of a port of the front. */
  private static String used(NodeSnapshot snapshot, int port) {
    return chains(snapshot, port)
        + (snapshot.routes().containsKey("outbound|" + port + "|front.shop")
            ? routes(snapshot, port).toString()
            : "");
  }

  @Test
  void anOlderRouteComesFirstWhereMatchesAreEqual() {
    String rule = "rules: [{name: %s, backendRefs: [{name: one, port: 80}]}]";
    NodeSnapshot snapshot =
        build(
            route(
                "HTTPRoute",
                "name: a, namespace: shop, creationTimestamp: \"2026-02-01T00:00:00Z\"",
                "port: 80",
                rule.formatted("young")),
            route(
                "HTTPRoute",
                "name: b, namespace: shop, creationTimestamp: \"2026-01-01T00:00:00Z\"",
                "port: 80",
                rule.formatted("old")),
            route("HTTPRoute", "name: c, namespace: shop", "port: 80", rule.formatted("unknown")));

    assertThat(routes(snapshot, 80))
        .extracting(Route::getName)
        .containsExactly("old", "young", "unknown");
  }
}
