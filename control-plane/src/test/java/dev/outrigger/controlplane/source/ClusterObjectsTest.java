package dev.outrigger.controlplane.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.TrafficPolicy.RetryOn;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.model.Workload.Locality;
import dev.outrigger.controlplane.source.ClusterObjects.Read;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Objects as an API server gives them become the same model as files. */
final class ClusterObjectsTest {
  private static final ServiceName CATALOG = new ServiceName("catalog", "shop");
  private static final String SERVICE =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: catalog, namespace: shop, uid: x}
      spec:
        type: ClusterIP
        clusterIP: 10.96.0.9
        clusterIPs: [10.96.0.9, "fd00:96::9"]
        ipFamilies: [IPv4, IPv6]
        somethingOfLater: 1
        selector: {app: catalog}
        ports:
        - {name: http, port: 80, targetPort: web, protocol: TCP, appProtocol: http}
        - {name: dns, port: 53, targetPort: 53, protocol: UDP}
        - {name: dns-tcp, port: 53, targetPort: 53, protocol: TCP}
      status: {loadBalancer: {}}
      """;

  private final ClusterObjects objects = new ClusterObjects();

  private ClusterKey put(String yaml) {
    return objects.put((Map<?, ?>) new Load(LoadSettings.builder().build()).loadFromString(yaml));
  }

  @Test
  void whoSubmittedAnExperimentIsNoPartOfWhatItSays() {
    String yaml =
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Experiment
        metadata:
          name: slow
          namespace: shop
          %s
        spec:
          hypothesis: h
          owner: o
          duration: 1m
          faults: [{name: f, where: request, abort: {httpStatus: 503}}]
        """;
    Load load = new Load(LoadSettings.builder().build());
    Map<?, ?> submitted =
        (Map<?, ?>)
            load.loadFromString(
                yaml.formatted("annotations: {chaos.outrigger.dev/submitted-by: ann, a: b}"));
    assertThat(ClusterObjects.submitter(submitted)).isEqualTo("ann");
    assertThat(ClusterObjects.document(submitted)).doesNotContain("submitted-by").contains("a: b");
    put(yaml.formatted("annotations: {a: b}"));
    DesiredState written = objects.read().state();
    objects.put(submitted);
    assertThat(objects.read().state()).isEqualTo(written);
    assertThat(written.experiments()).hasSize(1);
    put(yaml.formatted("annotations: {chaos.outrigger.dev/submitted-by: ann}"));
    assertThat(objects.read().state().experiments().getFirst().meta().annotations()).isEmpty();
  }

  private void pod(String name, String address, String more) {
    put(
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: %s
          namespace: shop
          labels: {app: catalog, topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: a}
        spec:
          serviceAccountName: catalog
          nodeName: node-1
          %s
          containers:
          - {name: app, ports: [{name: web, containerPort: 8080}, {containerPort: 53, protocol: UDP}]}
        status: {phase: Running, podIP: %s, podIPs: [{ip: %s}, {ip: "fd00::1"}]}
        """
            .formatted(name, more, address, address));
  }

  private void slice(String name, String endpoints) {
    put(
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: %s
          namespace: shop
          labels: {kubernetes.io/service-name: catalog}
        addressType: IPv4
        ports: [{name: http, port: 8080, protocol: TCP}]
        endpoints:
        """
                .formatted(name)
            + endpoints.indent(2));
  }

  private static String endpoint(String address, String pod, String conditions) {
    return "- {addresses: [%s], conditions: {%s}%s}%n"
        .formatted(
            address,
            conditions,
            pod.isEmpty() ? "" : ", targetRef: {kind: Pod, name: " + pod + "}");
  }

  private DesiredState state() {
    return objects.read().state();
  }

  private static List<String> names(List<Workload> workloads) {
    return workloads.stream().map(one -> one.meta().name()).toList();
  }

  private Service catalog() {
    Service service = state().service(CATALOG);
    assertThat(service).isNotNull();
    return service;
  }

  @Test
  void aServiceIsReadAsFarAsTheMeshNeedsIt() {
    put(SERVICE);

    assertThat(objects.read().problems()).isEmpty();
    assertThat(catalog().clusterIps()).containsExactly("10.96.0.9", "fd00:96::9");
    assertThat(catalog().ports()).extracting(Service.Port::port).containsExactly(80, 53, 53);
  }

  @Test
  void aPodIsAWorkloadAndItsContainersSayWhetherAProxyStandsBesideIt() {
    pod("catalog-1", "10.244.0.1", "");
    pod(
        "catalog-2",
        "10.244.0.2",
        "initContainers: [{name: outrigger-proxy, restartPolicy: Always, ports: [{containerPort:"
            + " 15001}]}]");

    Workload plain = state().workload("shop", "catalog-1");
    Workload meshed = state().workload("shop", "catalog-2");
    assertThat(plain.hasSidecar()).isFalse();
    assertThat(meshed.sidecar()).isInstanceOf(Workload.Sidecar.Transparent.class);
    assertThat(meshed.addresses()).containsExactly("10.244.0.2", "fd00::1");
    assertThat(meshed.ports()).containsExactly(new Workload.Port("web", 8080, 8080, ""));
    assertThat(meshed.locality()).isEqualTo(new Locality("eu", "a", ""));
    assertThat(meshed.identityIn("d").toString()).isEqualTo("spiffe://d/ns/shop/sa/catalog");
  }

  @Test
  void whoIsReadyTakesRequestsWhoEndsOnlyFinishesAndTheOthersAreNotThere() {
    put(SERVICE);
    for (int i = 1; i <= 4; i++) {
      pod("catalog-" + i, "10.244.0." + i, "");
    }
    slice(
        "catalog-x",
        endpoint("10.244.0.1", "catalog-1", "ready: true")
            + endpoint("10.244.0.2", "catalog-2", "ready: false, serving: true, terminating: true")
            + endpoint("10.244.0.3", "catalog-3", "ready: false, serving: false")
            + endpoint("10.244.0.4", "catalog-4", ""));

    Service service = catalog();
    assertThat(names(state().workloadsOf(service)))
        .as("no condition means ready")
        .containsExactly("catalog-1", "catalog-2", "catalog-4");
    assertThat(service.isDraining(state().workload("shop", "catalog-2"))).isTrue();
    assertThat(service.isDraining(state().workload("shop", "catalog-1"))).isFalse();
    assertThat(state().servicesOf(state().workload("shop", "catalog-3")))
        .as("its own proxy serves it before it is ready")
        .hasSize(1);
  }

  @Test
  void aPodInTheSlicesOfBothFamiliesIsThereOnce() {
    put(SERVICE);
    pod("catalog-1", "10.244.0.1", "");
    slice("catalog-4", endpoint("10.244.0.1", "catalog-1", "ready: true"));
    slice("catalog-6", endpoint("\"fd00::1\"", "catalog-1", "ready: true"));

    assertThat(names(state().workloadsOf(catalog()))).containsExactly("catalog-1");
  }

  @Test
  void anEndpointThatIsNoPodIsAWorkloadWithoutAProxy() {
    put(SERVICE.replace("  selector: {app: catalog}\n", ""));
    slice("by-hand", endpoint("192.0.2.7", "", "ready: true"));

    Workload other = state().workloadsOf(catalog()).getFirst();
    assertThat(other.addresses()).containsExactly("192.0.2.7");
    assertThat(other.hasSidecar()).isFalse();
    assertThat(catalog().portOn(catalog().ports().getFirst(), other))
        .as("named ports are those of the slice")
        .isEqualTo(OptionalInt.of(8080));
  }

  @Test
  void hintsKeepCallersInTheirZoneUnlessSomeEndpointHasNone() {
    put(SERVICE);
    pod("catalog-1", "10.244.0.1", "");
    pod("catalog-2", "10.244.0.2", "");
    String hinted =
        "- {addresses: [10.244.0.%d], targetRef: {kind: Pod, name: catalog-%d}, hints: {forZones:"
            + " [{name: %s}]}}%n";
    slice("x", hinted.formatted(1, 1, "a") + hinted.formatted(2, 2, "b"));

    assertThat(names(state().workloadsOf(catalog(), "a"))).containsExactly("catalog-1");
    assertThat(names(state().workloadsOf(catalog(), "c"))).hasSize(2);
    assertThat(names(state().workloadsOf(catalog(), ""))).hasSize(2);

    slice("x", hinted.formatted(1, 1, "a") + endpoint("10.244.0.2", "catalog-2", ""));
    assertThat(names(state().workloadsOf(catalog(), "a"))).hasSize(2);
  }

  @Test
  void aWorkloadObjectStandsBehindAServiceBesidePods() {
    put(SERVICE);
    pod("catalog-1", "10.244.0.1", "");
    slice("x", endpoint("10.244.0.1", "catalog-1", "ready: true"));
    put(
        """
        apiVersion: mesh.outrigger.dev/v1alpha1
        kind: Workload
        metadata: {name: vm, namespace: shop, labels: {app: catalog}}
        spec: {address: 192.0.2.1, ports: [{name: web, port: 80}]}
        """);

    assertThat(names(state().workloadsOf(catalog()))).containsExactly("catalog-1", "vm");
  }

  @Test
  void aNameForAnotherHostAndAServiceWithoutPortsAreNoneOfOurs() {
    put(
        """
        apiVersion: v1
        kind: Service
        metadata: {name: other, namespace: shop}
        spec: {type: ExternalName, externalName: example.org, ports: [{port: 80}]}
        """);
    put(
        """
        apiVersion: v1
        kind: Service
        metadata: {name: bare, namespace: shop}
        spec: {clusterIP: None, selector: {app: x}}
        """);

    assertThat(objects.read().problems()).isEmpty();
    assertThat(state().services()).isEmpty();
  }

  @Test
  void podsThatHaveEndedOrHaveNoAddressAreLeftOut() {
    put(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: job, namespace: shop}
        spec: {containers: [{name: app}]}
        status: {phase: Succeeded, podIP: 10.244.0.8}
        """);
    put(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: new, namespace: shop}
        spec: {containers: [{name: app}]}
        status: {phase: Pending}
        """);

    assertThat(state().workloads()).isEmpty();
  }

  private static String route(String parent, String backend) {
    return """
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: catalog, namespace: shop, generation: 3}
    spec:
      parentRefs: [%s]
      rules:
      - matches: [{path: {type: PathPrefix, value: /}}]
        backendRefs: [%s]
    status: {parents: []}
    """
        .formatted(parent, backend);
  }

  private static final String PARENT = "{group: \"\", kind: Service, name: catalog}";

  @Test
  void routesOfGatewaysAreOthersAndOfMixedParentsOnlyOursAreRead() {
    put(SERVICE);
    String gateway = "{group: gateway.networking.k8s.io, kind: Gateway, name: edge}";
    put(route(gateway, "{group: \"\", kind: Service, name: catalog, port: 80, weight: 1}"));
    assertThat(objects.read().verdicts()).isEmpty();

    put(
        route(
            gateway + ", " + PARENT,
            "{group: \"\", kind: Service, name: catalog, port: 80, weight: 1}"));
    Read read = objects.read();
    assertThat(read.problems()).isEmpty();
    Verdict verdict = read.verdicts().getFirst();
    assertThat(verdict.generation()).isEqualTo(3);
    assertThat(verdict.parents()).hasSize(1);
    assertThat(read.state().routes()).hasSize(1);
  }

  @Test
  void aBackendOfAnotherNamespaceNeedsAGrant() {
    put(SERVICE);
    put(
        SERVICE
            .replace("name: catalog, namespace: shop", "name: prices, namespace: stock")
            .replace("10.96.0.9", "10.96.0.10")
            .replace("96::9", "96::10"));
    put(route(PARENT, "{name: prices, namespace: stock, port: 80}"));

    Read refused = objects.read();
    assertThat(refused.problems()).extracting(Problem::code).containsExactly(Code.NOT_GRANTED);
    assertThat(refused.verdicts().getFirst().warnings()).hasSize(1);
    assertThat(backends(refused)).doesNotContain(new ServiceName("prices", "stock"));

    put(
        """
        apiVersion: gateway.networking.k8s.io/v1beta1
        kind: ReferenceGrant
        metadata: {name: shop, namespace: stock}
        spec:
          from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
          to: [{group: "", kind: Service, name: prices}]
        """);
    Read granted = objects.read();
    assertThat(granted.problems()).isEmpty();
    assertThat(backends(granted)).containsExactly(new ServiceName("prices", "stock"));
  }

  private static Set<ServiceName> backends(Read read) {
    return Set.of(read.state().routes().getFirst().allBackends().getFirst().service());
  }

  private static String policy(String spec, int generation) {
    return """
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: TrafficPolicy
    metadata: {name: catalog, namespace: shop, generation: %d}
    spec: {targetRefs: [{name: catalog}], %s}
    """
        .formatted(generation, spec);
  }

  @Test
  void aBadVersionIsToldByItsPathAndTheLastGoodOneGoesOn() {
    put(SERVICE);
    ClusterKey key = put(policy("retries: {attempts: 3}", 1));
    put(policy("retries: {attempts: 1000}", 2));

    Read read = objects.read();
    Verdict verdict = read.verdicts().getFirst();
    assertThat(verdict.generation()).isEqualTo(2);
    assertThat(verdict.errors())
        .extracting(Problem::message)
        .containsExactly("`spec.retries.attempts` is 1000, expected 0 to 100");
    assertThat(verdict.errors().getFirst().render()).contains("--> kubernetes\n");
    assertThat(read.state().trafficPolicies().getFirst().retries().attempts()).isEqualTo(3);

    objects.remove(key);
    assertThat(state().trafficPolicies()).isEmpty();
  }

  /** What kubectl, Helm and every reader of YAML 1.1 make of {@code on} without quotes. */
  @Test
  void whatIsTriedAgainIsUnderstoodWithoutQuotesToo() {
    put(SERVICE);
    put(policy("retries: {\"true\": [5xx]}", 1));
    assertThat(objects.read().problems()).extracting(Problem::message).isEmpty();
    assertThat(state().trafficPolicies().getFirst().retries().on())
        .containsExactly(RetryOn.SERVER_ERROR);

    put(policy("retries: {\"on\": [safe], \"true\": [5xx]}", 2));
    assertThat(objects.read().verdicts().getFirst().errors())
        .extracting(Problem::message)
        .containsExactly("`spec.retries.true` is `on` without quotes, and `on` is there too");
  }

  @Test
  void aTcpRouteOfAnOlderVersionIsReadAsOneOfToday() {
    put(SERVICE);
    put(
        """
        apiVersion: gateway.networking.k8s.io/v1alpha2
        kind: TCPRoute
        metadata: {name: catalog, namespace: shop}
        spec: {parentRefs: [%s], rules: [{backendRefs: [{name: catalog, port: 53}]}]}
        """
            .formatted(PARENT));

    assertThat(objects.read().problems()).extracting(Problem::message).isEmpty();
    assertThat(state().routes()).hasSize(1);
  }
}
