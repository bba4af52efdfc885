package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.ads.ProxyStatus;
import dev.outrigger.controlplane.ads.ProxyStatus.Rejection;
import dev.outrigger.controlplane.ads.ProxyStatus.TypeStatus;
import dev.outrigger.controlplane.ads.Variant;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.source.ClusterObjects;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

final class ProgrammingTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
  private static final Condition ACCEPTED = Condition.yes("Accepted", "Accepted", "it counts");
  private static final String WORKLOAD =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: web-1, namespace: shop, generation: 4}
      spec: {address: 10.0.0.1, ports: [{port: 80}], sidecar: {mode: %s}}
      """;

  private static Verdict verdict(String yaml) {
    ClusterObjects objects = new ClusterObjects();
    objects.put((Map<?, ?>) new Load(LoadSettings.builder().build()).loadFromString(yaml));
    return objects.read().verdicts().getFirst();
  }

  private static ProxyStatus proxy(String workload, Map<String, TypeStatus> types) {
    return new ProxyStatus(
        1, "node", workload + ".shop", "", "", "", Variant.values()[0], NOW, types);
  }

  private static TypeStatus acked() {
    return new TypeStatus("1", NOW, "", null, List.of());
  }

  private static TypeStatus pending() {
    return new TypeStatus("1", NOW, "2", NOW, List.of());
  }

  private static TypeStatus refused(String resource) {
    return new TypeStatus(
        "1", NOW, "", null, List.of(new Rejection(resource, "2", "n", "too odd", NOW)));
  }

  private static String said(Verdict verdict, List<?> standing, ProxyStatus... proxies) {
    Condition condition =
        new Programming(List.of(proxies), true, null).of(verdict, ACCEPTED, standing);
    return condition.status() + "/" + condition.reason() + " " + condition.message();
  }

  @Test
  void aWorkloadConcernsItsOwnProxy() {
    Verdict meshed = verdict(WORKLOAD.formatted("transparent"));
    ProxyStatus other = proxy("web-2", Map.of(XdsType.LISTENER, refused("inbound")));

    assertThat(said(meshed, List.of(), other)).startsWith("Unknown/NoProxies its own proxy");
    assertThat(said(meshed, List.of(), other, proxy("web-1", Map.of(XdsType.LISTENER, acked()))))
        .startsWith("True/Programmed");
    assertThat(
            said(
                meshed,
                List.of(),
                other,
                proxy("web-1", Map.of(XdsType.LISTENER, refused("inbound")))))
        .isEqualTo("False/Rejected 1 of 1 proxies refused it: web-1.shop: inbound: too odd");
    assertThat(said(meshed, List.of(), proxy("web-1", Map.of(XdsType.CLUSTER, pending()))))
        .startsWith("Unknown/Pending");
  }

  @Test
  void aWorkloadWithoutAProxyConcernsAll() {
    assertThat(
            said(
                verdict(WORKLOAD.formatted("none")),
                List.of(),
                proxy("web-2", Map.of(XdsType.ENDPOINT, acked()))))
        .startsWith("True/Programmed");
  }

  @Test
  void whatEverybodyHadIsNotInDoubtBecauseSomethingElseIsUnderWay() {
    Verdict verdict = verdict(WORKLOAD.formatted("none"));
    ProxyStatus busy = proxy("web-2", Map.of(XdsType.ENDPOINT, pending()));

    assertThat(said(verdict, List.of(), busy)).startsWith("Unknown/Pending");
    assertThat(said(verdict, standing(4), busy)).startsWith("True/Programmed");
    assertThat(said(verdict, standing(3), busy)).startsWith("Unknown/Pending");
  }

  private static List<?> standing(long generation) {
    return List.of(
        Map.of("type", "Programmed", "status", "True", "observedGeneration", generation));
  }

  @Test
  void aFreezeHoldsHereAndAnExperimentThatDoesNotRunIsWithNobody() {
    Verdict freeze =
        verdict(
            """
            apiVersion: chaos.outrigger.dev/v1alpha1
            kind: Freeze
            metadata: {name: stop, namespace: shop}
            spec: {reason: a test, owner: tests}
            """);
    Verdict experiment =
        verdict(
            """
            apiVersion: chaos.outrigger.dev/v1alpha1
            kind: Experiment
            metadata: {name: slow, namespace: shop}
            spec:
              hypothesis: it holds
              owner: us
              duration: 1m
              faults: [{name: f, where: request, reset: {}}]
            """);

    assertThat(said(freeze, List.of())).startsWith("True/Programmed");
    assertThat(said(experiment, List.of()))
        .isEqualTo("False/NotRunning no proxy has its faults: it is Pending");
  }

  @Test
  void whatIsNotAcceptedIsWithNobody() {
    Condition refused = Condition.no("Accepted", "Invalid", "no");

    Condition condition =
        new Programming(List.of(), true, null)
            .of(verdict(WORKLOAD.formatted("none")), refused, List.of());

    assertThat(condition.status() + condition.reason()).isEqualTo("FalseInvalid");
  }
}
