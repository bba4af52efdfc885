package dev.outrigger.controlplane.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.util.JsonFormat;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.source.Analysis;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.extensions.filters.http.cors.v3.CorsPolicy;
import io.envoyproxy.envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate;
import io.envoyproxy.envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext;
import io.envoyproxy.envoy.extensions.upstreams.http.v3.HttpProtocolOptions;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SnapshotBuilderTest {
  private static final TypeRegistry TYPES =
      TypeRegistry.newBuilder()
          .add(PreviousHostsPredicate.getDescriptor())
          .add(RawBuffer.getDescriptor())
          .add(DownstreamTlsContext.getDescriptor())
          .add(UpstreamTlsContext.getDescriptor())
          .add(HttpProtocolOptions.getDescriptor())
          .build();

  private static String json(Message message) throws InvalidProtocolBufferException {
    return JsonFormat.printer().usingTypeRegistry(TYPES).print(message) + "\n";
  }

  private static <T> T the(java.util.Map<String, T> map, String name) {
    T value = map.get(name);
    if (value == null) {
      throw new AssertionError("no " + name + " in " + map.keySet());
    }
    return value;
  }

  private static FilterChain chain(Listener listener, String name) {
    return listener.getFilterChainsList().stream()
        .filter(chain -> chain.getName().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new AssertionError(
                    name
                        + " in "
                        + listener.getFilterChainsList().stream()
                            .map(FilterChain::getName)
                            .toList()));
  }

  private static List<Route> routes(NodeSnapshot snapshot, String table) {
    return the(snapshot.routes(), table).getVirtualHosts(0).getRoutesList();
  }

  @Test
  void theShopIsWithoutProblems() {
    assertThat(Analysis.ofText("shop.yaml", Shop.yaml()).problems()).isEmpty();
  }

  @Test
  void aClusterIsAsRecorded() throws InvalidProtocolBufferException {
    NodeSnapshot snapshot = SnapshotBuilder.build(Shop.state(), Shop.ours("checkout-1"));

    assertThat(json(the(snapshot.clusters(), "outbound|80|catalog.shop")))
        .isEqualTo(Shop.resource("cluster.json"));
  }

  @Test
  void endpointsAreAsRecorded() throws InvalidProtocolBufferException {
    NodeSnapshot snapshot = SnapshotBuilder.build(Shop.state(), Shop.ours("checkout-1"));

    assertThat(json(the(snapshot.endpoints(), "outbound|80|catalog.shop")))
        .isEqualTo(Shop.resource("endpoints.json"));
  }

  @Test
  void aTransparentProxySpeaksPlainTextWithItsOwnApplicationAndTlsWithTheOthers() {
    String name = "outbound|80|catalog.shop";

    assertThat(tlsByWorkload(SnapshotBuilder.build(Shop.state(), Shop.ours("catalog-1")), name))
        .containsEntry("catalog-1", false)
        .containsEntry("catalog-2", true);
    assertThat(tlsByWorkload(SnapshotBuilder.build(Shop.state(), Shop.ours("catalog-2")), name))
        .containsEntry("catalog-1", true)
        .containsEntry("catalog-2", false);
  }

  private static java.util.Map<String, Boolean> tlsByWorkload(NodeSnapshot snapshot, String name) {
    java.util.Map<String, Boolean> tls = new java.util.TreeMap<>();
    the(snapshot.endpoints(), name).getEndpointsList().stream()
        .flatMap(locality -> locality.getLbEndpointsList().stream())
        .map(endpoint -> endpoint.getMetadata().getFilterMetadataMap())
        .forEach(
            metadata ->
                tls.put(
                    the(metadata, Names.OWN).getFieldsOrThrow("workload").getStringValue(),
                    metadata.containsKey("envoy.transport_socket_match")));
    return tls;
  }

  @Test
  void routesAreAsRecorded() throws InvalidProtocolBufferException {
    NodeSnapshot snapshot = SnapshotBuilder.build(Shop.state(), Shop.ours("checkout-1"));

    assertThat(json(the(snapshot.routes(), "outbound"))).isEqualTo(Shop.resource("routes.json"));
  }

  @Test
  void anExplicitProxyHearsOnlyOfWhatItsWorkloadCalls() {
    NodeSnapshot snapshot = SnapshotBuilder.build(Shop.state(), Shop.ours("checkout-1"));

    assertThat(snapshot.listeners().keySet())
        .containsExactly("inbound|18080", "outbound", "outbound|127.0.0.1:15432|db.shop");
    // The database is no HTTP, and nobody declared that checkout is called.
    assertThat(snapshot.clusters().keySet())
        .containsExactly(
            "inbound|18080",
            "outbound|5432|db.shop",
            "outbound|80|catalog-v2.shop",
            "outbound|80|catalog.shop",
            "outbound|9000|catalog.shop");
    assertThat(the(snapshot.clusters(), "inbound|18080").getLoadAssignment().toString())
        .contains("127.0.0.1")
        .contains("port_value: 8080");
  }

  @Test
  void aTransparentProxyGetsOneListenerForEachDirection() {
    NodeSnapshot snapshot = SnapshotBuilder.build(Shop.state(), Shop.ours("catalog-1"));

    assertThat(snapshot.listeners().keySet()).containsExactly("inbound", "outbound");
    Listener outbound = the(snapshot.listeners(), "outbound");
    assertThat(outbound.getAdditionalAddressesCount()).isEqualTo(1);
    assertThat(chain(outbound, "outbound|80|catalog.shop").getFilterChainMatch())
        .satisfies(
            match -> {
              assertThat(match.getDestinationPort().getValue()).isEqualTo(80);
              assertThat(match.getPrefixRangesList())
                  .extracting(
                      range -> range.getAddressPrefix() + "/" + range.getPrefixLen().getValue())
                  .containsExactly("10.96.0.10/32", "fd00::10/128");
              assertThat(match.getTransportProtocol()).isEmpty();
            });
    // Not declared, so found out.
    assertThat(chain(outbound, "outbound|9000|catalog.shop|http").getFilterChainMatch())
        .satisfies(
            match -> {
              assertThat(match.getTransportProtocol()).isEqualTo("raw_buffer");
              assertThat(match.getApplicationProtocolsList())
                  .containsExactly("http/1.0", "http/1.1", "h2c");
            });
    // On the default list of opaque ports, so nothing is waited for.
    assertThat(chain(outbound, "outbound|5432|db.shop").getFilterChainMatch())
        .satisfies(match -> assertThat(match.getApplicationProtocolsList()).isEmpty());
    // Without an address of its own each of its workloads is meant by itself.
    assertThat(
            chain(outbound, "outbound|80|catalog-v2.shop|catalog-2")
                .getFilterChainMatch()
                .getPrefixRanges(0)
                .getAddressPrefix())
        .isEqualTo("10.0.0.2");
    assertThat(outbound.getDefaultFilterChain().getName()).isEqualTo("passthrough");
  }

  @Test
  void permissiveTakesMembersPlainTextAndForeignTls() {
    Listener inbound =
        the(SnapshotBuilder.build(Shop.state(), Shop.ours("catalog-1")).listeners(), "inbound");

    assertThat(inbound.getFilterChainsList())
        .extracting(FilterChain::getName)
        .containsExactly(
            "inbound|8080|mesh-h2",
            "inbound|8080|mesh-http",
            "inbound|8080|mesh-tcp",
            "inbound|8080|http",
            "inbound|8080|tls",
            "inbound|9000|mesh-h2",
            "inbound|9000|mesh-http",
            "inbound|9000|mesh-tcp",
            "inbound|9000|http",
            "inbound|9000|raw",
            "inbound|9000|tls",
            "inbound-passthrough|mesh-h2",
            "inbound-passthrough|mesh-http",
            "inbound-passthrough|mesh-tcp",
            "inbound-passthrough|raw",
            "inbound-passthrough|tls");
  }

  @Test
  void strictTakesMembersOnly() {
    Listener inbound =
        the(SnapshotBuilder.build(Shop.state(), Shop.ours("catalog-2")).listeners(), "inbound");

    assertThat(
            inbound.getFilterChainsList().stream()
                .filter(chain -> !chain.hasTransportSocket())
                .map(FilterChain::getName))
        // The port with a mode of its own.
        .containsExactly("inbound|9000|http", "inbound|9000|raw", "inbound|9000|tls");
  }

  @Test
  void aMemberMustShowACertificateOfTheTrustDomain() throws InvalidProtocolBufferException {
    Listener inbound =
        the(SnapshotBuilder.build(Shop.state(), Shop.ours("catalog-2")).listeners(), "inbound");
    Any socket = chain(inbound, "inbound|8080|mesh-http").getTransportSocket().getTypedConfig();
    DownstreamTlsContext tls = socket.unpack(DownstreamTlsContext.class);

    assertThat(tls.getRequireClientCertificate().getValue()).isTrue();
    assertThat(tls.getCommonTlsContext().getAlpnProtocolsList())
        .containsExactly("outrigger-http/1.1");
    assertThat(
            tls.getCommonTlsContext()
                .getCombinedValidationContext()
                .getDefaultValidationContext()
                .getMatchTypedSubjectAltNames(0)
                .getMatcher()
                .getPrefix())
        .isEqualTo("spiffe://shop.example/");
  }

  @Test
  void envoyGetsNothingThatOnlyOursUnderstands() {
    NodeSnapshot snapshot = SnapshotBuilder.build(Shop.state(), Shop.envoy("catalog-1"));

    assertThat(snapshot.clusters().values()).allMatch(c -> c.getTransportSocketMatchesCount() == 0);
    assertThat(snapshot.routes().values()).allMatch(table -> !table.toString().contains(",safe"));
    assertThat(the(snapshot.listeners(), "outbound").getListenerFilters(1).hasFilterDisabled())
        .isTrue();
    assertThat(the(snapshot.listeners(), "inbound").getFilterChainsList())
        .noneMatch(FilterChain::hasTransportSocket);
  }

  @Test
  void anEnvoyWithoutIdentityServesNothingUnderStrict() {
    DesiredState state =
        Shop.state(
            """
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: MeshConfig
            metadata: {name: mesh}
            spec: {mtls: {mode: STRICT}}
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: Workload
            metadata: {name: a, namespace: shop}
            spec: {address: 10.0.0.1, ports: [{port: 80}]}
            """);

    assertThat(SnapshotBuilder.build(state, Shop.envoy("a")).listeners().keySet())
        .containsExactly("outbound");
  }

  @Test
  void nobodyGetsAnythingForAWorkloadThatIsNotDescribed() {
    assertThat(SnapshotBuilder.build(Shop.state(), Shop.ours("who")).listeners()).isEmpty();
    assertThat(SnapshotBuilder.build(Shop.state(), Shop.ours("db-1")).listeners()).isEmpty();
  }

  private static final String TWO_SERVICES =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: b, namespace: shop}
      spec: {clusterIP: 10.96.0.1, selector: {app: b}, ports: [{name: http, port: 80}]}
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: a, namespace: front}
      spec: {address: 10.0.0.1, ports: [{port: 80}]}
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: a, namespace: shop}
      spec: {address: 10.0.0.2, ports: [{port: 80}]}
      ---
      """;

  private static String route(String namespace, String name, String rules) {
    return """
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: %s, namespace: %s}
    spec:
      parentRefs: [{kind: Service, name: b, namespace: shop}]
      rules:
    %s
    """
        .formatted(name, namespace, rules.indent(2).stripTrailing());
  }

  @Test
  void theMostSpecificMatchComesFirst() {
    String backends = "backendRefs: [{name: b, port: 80}]";
    DesiredState state =
        Shop.state(
            TWO_SERVICES
                + route(
                    "shop",
                    "r",
                    """
                    - {name: all, %1$s}
                    - {name: short, matches: [{path: {value: /a}}], %1$s}
                    - {name: header, matches: [{path: {value: /a/b}, headers: [{name: x, value: y}]}], %1$s}
                    - {name: long, matches: [{path: {value: /a/b}}], %1$s}
                    - {name: method, matches: [{path: {value: /a/b}, method: GET}], %1$s}
                    - {name: exact, matches: [{path: {type: Exact, value: /a}}], %1$s}
                    """
                        .formatted(backends)));

    assertThat(routes(SnapshotBuilder.build(state, Shop.ours("a")), "outbound|80|b.shop"))
        .extracting(Route::getName)
        .containsExactly("exact", "method", "header", "long", "short", "all");
  }

  @Test
  void theRouteOfTheCallersNamespaceWins() {
    String backends = "- {name: %s, backendRefs: [{name: b, namespace: shop, port: 80}]}";
    DesiredState state =
        Shop.state(
            TWO_SERVICES
                + route("shop", "producer", backends.formatted("theirs"))
                + route("front", "consumer", backends.formatted("mine")));
    NodeDescription front =
        new NodeDescription(
            "front",
            "a",
            NodeDescription.Implementation.OUTRIGGER,
            NodeDescription.MeshTls.AVAILABLE);

    assertThat(routes(SnapshotBuilder.build(state, front), "outbound|80|b.shop"))
        .extracting(Route::getName)
        .containsExactly("mine");
    assertThat(routes(SnapshotBuilder.build(state, Shop.ours("a")), "outbound|80|b.shop"))
        .extracting(Route::getName)
        .containsExactly("theirs");
  }

  @Test
  void aRouteWithoutAMatchLeavesTheRestUnanswered() {
    DesiredState state =
        Shop.state(
            TWO_SERVICES
                + route(
                    "shop",
                    "r",
                    "- {name: a, matches: [{path: {value: /a}}], backendRefs: [{name: b, port: 80}]}"));

    assertThat(routes(SnapshotBuilder.build(state, Shop.ours("a")), "outbound|80|b.shop"))
        .extracting(one -> one.getMatch().getPathSeparatedPrefix())
        .containsExactly("/a");
  }

  @Test
  void backendsThatDoNotExistGetTheirShareOfErrors() {
    DesiredState state =
        Shop.state(
            TWO_SERVICES
                + route(
                    "shop",
                    "r",
                    """
                    - {name: half, matches: [{path: {value: /half}}], backendRefs: [{name: b, port: 80}, {name: no, port: 80}]}
                    - {name: none, matches: [{path: {value: /none}}], backendRefs: [{name: no, port: 80}]}
                    """));
    NodeSnapshot snapshot = SnapshotBuilder.build(state, Shop.ours("a"));
    List<Route> routes = routes(snapshot, "outbound|80|b.shop");

    RouteAction half = routes.get(0).getRoute();
    assertThat(half.getWeightedClusters().getClustersList())
        .extracting(one -> one.getName())
        .containsExactly("outbound|80|b.shop", "nowhere");
    assertThat(routes.get(1).getDirectResponse().getStatus()).isEqualTo(500);
    assertThat(snapshot.clusters()).containsKey("nowhere");
  }

  @Test
  void aReplacedPrefixNeverDoublesASlash() {
    DesiredState state =
        Shop.state(
            TWO_SERVICES
                + route(
                    "shop",
                    "r",
                    """
                    - name: a
                      matches: [{path: {value: /a/}}]
                      filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
                      backendRefs: [{name: b, port: 80}]
                    """));
    List<Route> routes = routes(SnapshotBuilder.build(state, Shop.ours("a")), "outbound|80|b.shop");

    assertThat(routes)
        .extracting(
            one -> one.getMatch().getPath() + one.getMatch().getPrefix(),
            one -> one.getRoute().getPrefixRewrite())
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("/a", "/"),
            org.assertj.core.groups.Tuple.tuple("/a/", "/"));
  }

  @Test
  void copiesOtherOriginsAndWholePathsAreOnTheRoute() throws Exception {
    DesiredState state =
        Shop.state(
            TWO_SERVICES
                + route(
                    "shop",
                    "r",
                    """
                    - name: a
                      matches: [{path: {value: /a}}]
                      filters:
                      - type: URLRewrite
                        urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: '/b\\1'}}
                      - type: RequestMirror
                        requestMirror: {backendRef: {name: b, port: 80}, fraction: {numerator: 1, denominator: 8}}
                      - {type: RequestMirror, requestMirror: {backendRef: {name: gone, port: 80}}}
                      - type: CORS
                        cors:
                          allowOrigins: ['https://*.shop.test', 'https://one.test:8443']
                          allowMethods: [GET, PUT]
                          maxAge: 60
                          allowCredentials: true
                      backendRefs: [{name: b, port: 80}]
                    """));
    Route route =
        routes(SnapshotBuilder.build(state, Shop.ours("a")), "outbound|80|b.shop").getFirst();

    assertThat(route.getRoute().getRegexRewrite().getSubstitution()).isEqualTo("/b\\\\1");
    assertThat(route.getRoute().getRequestMirrorPoliciesList())
        .singleElement()
        .satisfies(
            copy -> {
              assertThat(copy.getCluster()).isEqualTo("outbound|80|b.shop");
              assertThat(copy.getRuntimeFraction().getDefaultValue().getNumerator())
                  .isEqualTo(125_000);
            });
    CorsPolicy cors =
        route.getTypedPerFilterConfigOrThrow("envoy.filters.http.cors").unpack(CorsPolicy.class);
    assertThat(cors.getAllowOriginStringMatch(0).getSafeRegex().getRegex())
        .isEqualTo("https://[^/:]+\\.shop\\.test");
    assertThat(cors.getAllowOriginStringMatch(1).getExact()).isEqualTo("https://one.test:8443");
    assertThat(cors.getAllowMethods()).isEqualTo("GET, PUT");
    assertThat(cors.getMaxAge()).isEqualTo("60");
    assertThat(cors.getAllowCredentials().getValue()).isTrue();
    assertThat(cors.getForwardNotMatchingPreflights().getValue()).isFalse();
  }

  @Test
  void aChangeOfOneWorkloadChangesOnlyWhatNamesIt() {
    NodeSnapshot before = SnapshotBuilder.build(Shop.state(), Shop.ours("checkout-1"));
    NodeSnapshot after =
        SnapshotBuilder.build(
            Shop.state(Shop.yaml().replace("10.0.0.9", "10.0.0.8")), Shop.ours("checkout-1"));

    assertThat(after.resources(XdsType.CLUSTER)).isEqualTo(before.resources(XdsType.CLUSTER));
    assertThat(after.resources(XdsType.LISTENER)).isEqualTo(before.resources(XdsType.LISTENER));
    assertThat(after.resources(XdsType.ROUTE)).isEqualTo(before.resources(XdsType.ROUTE));
    assertThat(
            after.resources(XdsType.ENDPOINT).entrySet().stream()
                .filter(
                    e -> !e.getValue().equals(before.resources(XdsType.ENDPOINT).get(e.getKey())))
                .map(java.util.Map.Entry::getKey))
        .containsExactly("outbound|5432|db.shop");
  }

  @Test
  void theIdentitiesOfAClusterAreThoseOfItsEndpoints() throws InvalidProtocolBufferException {
    Cluster cluster =
        the(
            SnapshotBuilder.build(Shop.state(), Shop.ours("checkout-1")).clusters(),
            "outbound|80|catalog.shop");

    assertThat(
            cluster
                .getTransportSocketMatches(0)
                .getTransportSocket()
                .getTypedConfig()
                .unpack(UpstreamTlsContext.class)
                .getCommonTlsContext()
                .getCombinedValidationContext()
                .getDefaultValidationContext()
                .getMatchTypedSubjectAltNamesList())
        .extracting(one -> one.getMatcher().getExact())
        .containsExactly("spiffe://shop.example/ns/shop/sa/catalog");
  }
}
