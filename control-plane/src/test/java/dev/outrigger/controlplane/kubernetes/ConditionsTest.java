package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.source.ClusterObjects;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What a route is told of each of its parents. */
final class ConditionsTest {
  private final ClusterObjects objects = new ClusterObjects();

  private void put(String yaml) {
    new Load(LoadSettings.builder().build())
        .loadAllFromString(yaml)
        .forEach(one -> objects.put((Map<?, ?>) one));
  }

  private static String service(String name, String namespace) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: %s}
    spec:
      selector: {app: x}
      ports:
      - {name: web, port: 80, appProtocol: http}
      - {name: store, port: 6379, appProtocol: redis}
      - {name: secret, port: 443, appProtocol: https}
      - {name: any, port: 9000}
    ---
    """
        .formatted(name, namespace);
  }

  private static String route(String kind, String name, String time, String spec) {
    return """
    apiVersion: gateway.networking.k8s.io/v1
    kind: %s
    metadata: {name: %s, namespace: shop, generation: 2, creationTimestamp: "%s"}
    spec: {%s}
    ---
    """
        .formatted(kind, name, time, spec);
  }

  private static final String OLD = "2026-01-01T00:00:00Z";
  private static final String YOUNG = "2026-02-01T00:00:00Z";

  private static String parent(String more) {
    return "parentRefs: [{group: \"\", kind: Service, name: web" + more + "}], ";
  }

  private static String backends(String more) {
    return "rules: [{backendRefs: [{name: web, port: 6379}" + more + "]}]";
  }

  /**
   * A route and what is said of it.
   *
   * @param condition such as {@code Accepted=False/Conflicted}
   */
  record Case(String name, String kind, String spec, String condition, String said) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    String store = parent(", port: 6379");
    String any = parent(", port: 9000");
    return Stream.of(
        new Case("tcp", "TCPRoute", store + backends(""), "Accepted=True/Accepted", ""),
        new Case(
            "tls",
            "TLSRoute",
            parent(", port: 443") + "hostnames: [a.b], " + backends(""),
            "Accepted=True/Accepted",
            ""),
        new Case(
            "grpc", "GRPCRoute", parent("") + backends(""), "ResolvedRefs=True/ResolvedRefs", ""),
        new Case(
            "requests on a port of bytes",
            "GRPCRoute",
            store + backends(""),
            "Accepted=False/NotAllowedByListeners",
            "the port 6379 of web.shop is passed on as bytes"),
        new Case(
            "names on a port of requests",
            "TLSRoute",
            parent(", port: 80") + "hostnames: [a.b], " + backends(""),
            "Accepted=False/NotAllowedByListeners",
            "set `appProtocol: tls`"),
        new Case(
            "younger than another of its kind",
            "TCPRoute",
            any + backends(""),
            "Accepted=False/Conflicted",
            "TCPRoute shop/first has the port 9000 of web.shop already"),
        new Case(
            "less specific than another kind",
            "TCPRoute",
            parent(", port: 443") + backends(""),
            "Accepted=False/Conflicted",
            "TLSRoute shop/names has the port 443"),
        new Case(
            "a missing port",
            "TCPRoute",
            parent(", port: 81") + backends(""),
            "Accepted=False/NoMatchingParent",
            "has no port 81"),
        new Case(
            "a backend that is no service",
            "GRPCRoute",
            parent("") + backends(", {group: multicluster.x-k8s.io, kind: ServiceImport, name: w}"),
            "ResolvedRefs=False/InvalidKind",
            "`spec.rules[0].backendRefs[1].kind` is multicluster.x-k8s.io/ServiceImport"),
        new Case(
            "a missing backend",
            "TCPRoute",
            store + backends(", {name: wob, port: 80}"),
            "ResolvedRefs=False/BackendNotFound",
            "wob.shop"),
        new Case(
            "a backend that is not granted",
            "TCPRoute",
            store + backends(", {name: web, namespace: stock, port: 80}"),
            "ResolvedRefs=False/RefNotPermitted",
            "no ReferenceGrant"),
        new Case(
            "a backend granted to the kind",
            "TLSRoute",
            parent(", port: 9000")
                + "hostnames: [a.b], "
                + backends(", {name: web, namespace: stock, port: 80}"),
            "ResolvedRefs=True/ResolvedRefs",
            ""),
        new Case(
            "hostnames of requests",
            "GRPCRoute",
            parent("") + "hostnames: [a.b], " + backends(""),
            "Accepted=False/UnsupportedValue",
            "`spec.hostnames` is not supported"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aRouteIsToldWhatCameOfIt(Case one) {
    put(service("web", "shop") + service("web", "stock"));
    if (one.condition().endsWith("Conflicted")) {
      put(route("TCPRoute", "first", OLD, parent(", port: 9000") + backends("")));
      put(
          route(
              "TLSRoute",
              "names",
              YOUNG,
              parent(", port: 443") + "hostnames: [a.b], " + backends("")));
    }
    put(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: ReferenceGrant
        metadata: {name: shop, namespace: stock}
        spec:
          from: [{group: gateway.networking.k8s.io, kind: TLSRoute, namespace: shop}]
          to: [{group: "", kind: Service}]
        """);
    put(route(one.kind(), "route", YOUNG, one.spec()));

    assertThat(conditions("route", 0))
        .anyMatch(said -> said.startsWith(one.condition() + " ") && said.contains(one.said()));
  }

  private List<String> conditions(String route, int parent) {
    Verdict verdict =
        objects.read().verdicts().stream()
            .filter(one -> one.key().name().equals(route))
            .findFirst()
            .orElseThrow();
    return Conditions.of(
            verdict, parent, new Programming(List.of(), ObjectVersions.NONE, null), List.of())
        .stream()
        .map(one -> one.type() + "=" + one.status() + "/" + one.reason() + " " + one.message())
        .toList();
  }

  @Test
  void aBadRuleIsDroppedAndTheOthersCount() {
    put(service("web", "shop"));
    put(
        route(
            "HTTPRoute",
            "route",
            OLD,
            parent("")
                + "rules: [{backendRefs: [{name: web, port: 80}]}, {timeouts: {request: soon}}, "
                + "{backendRefs: [{name: wob, port: 80}]}]"));

    assertThat(conditions("route", 0))
        .anyMatch(said -> said.startsWith("Accepted=True"))
        .anyMatch(
            said ->
                said.startsWith("PartiallyInvalid=True/UnsupportedValue Dropped Rule 1: ")
                    && said.contains("`spec.rules[1].timeouts.request` must be a duration"))
        .anyMatch(said -> said.startsWith("ResolvedRefs=False") && said.contains("rules[2]"));
    assertThat(objects.read().state().routes().getFirst().allBackends()).hasSize(2);
  }

  @Test
  void eachParentIsToldOfItselfAlone() {
    put(service("web", "shop"));
    put(
        route(
            "HTTPRoute",
            "route",
            OLD,
            "parentRefs: [{group: \"\", kind: Service, name: web, port: 6379}, {group: \"\", kind:"
                + " Service, name: web, port: 80}, {group: \"\", kind: Service, name: wob}], "
                + backends("")));

    assertThat(conditions("route", 0).getFirst())
        .startsWith("Accepted=False/NotAllowedByListeners");
    assertThat(conditions("route", 1).getFirst()).startsWith("Accepted=True/Accepted");
    assertThat(conditions("route", 2).getFirst()).startsWith("Accepted=False/NoMatchingParent");
  }

  @Test
  void aRouteOfAnotherNamespaceMaySendToWhereItsParentIsWithoutAGrant() {
    put(service("web", "shop") + service("web", "stock"));
    put(
        route(
            "HTTPRoute",
            "route",
            OLD,
            "parentRefs: [{group: \"\", kind: Service, name: web, namespace: stock}], rules:"
                + " [{backendRefs: [{name: web, namespace: stock, port: 80}]}]"));

    assertThat(conditions("route", 0)).anyMatch(one -> one.startsWith("ResolvedRefs=True"));
  }
}
