package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.ads.ProxyStatus;
import dev.outrigger.controlplane.ads.ProxyStatus.Rejection;
import dev.outrigger.controlplane.ads.ProxyStatus.TypeStatus;
import dev.outrigger.controlplane.ads.Variant;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.kubernetes.Acknowledgements.Names;
import dev.outrigger.controlplane.source.ClusterObjects;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

final class ProgrammingTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
  private static final Condition ACCEPTED = Condition.yes("Accepted", "Accepted", "it counts");
  private static final Set<String> MESHED = Set.of("web-1.shop", "web-2.shop");
  private static final String WORKLOAD =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: web-1, namespace: shop, generation: 4}
      spec: {address: 10.0.0.1, ports: [{port: 80}], sidecar: {mode: %s}}
      """;
  private static final String POLICY =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: AuthenticationPolicy
      metadata: {name: strict, namespace: shop, uid: u, generation: %d}
      spec: {mtls: {mode: STRICT}}
      """;
  private static final String TARGETED =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: TrafficPolicy
      metadata: {name: patient, namespace: %s, uid: u, generation: 1}
      spec: {targetRefs: [{kind: Service, name: web}], timeouts: {request: 5s}}
      """;
  private static final String EXPERIMENT =
      """
      apiVersion: chaos.outrigger.dev/v1alpha1
      kind: Experiment
      metadata: {name: slow, namespace: shop}
      spec:
        hypothesis: it holds
        owner: us
        duration: 1m
        faults: [{name: f, where: request, reset: {}}]
      """;
  private static final ExperimentRun RUN =
      ExperimentRun.parse(
          """
          {"at": "2026-11-21T12:00:00Z", "experiment": "shop/slow", "event": "Started",
           "phase": "Running", "startedAt": "2026-11-21T12:00:00Z", "lease": "PT30S",
           "who": "ann", "why": "", "fingerprint": "f", "removed": false}\
          """);

  /** The change of views that has the objects, and the one before it. */
  private static final long WITH = 1;

  private static final long WITHOUT = 0;

  private static Verdict verdict(String yaml) {
    ClusterObjects objects = new ClusterObjects();
    objects.put((Map<?, ?>) new Load(LoadSettings.builder().build()).loadFromString(yaml));
    return objects.read().verdicts().getFirst();
  }

  private static ProxyStatus proxy(String workload, long settled, Map<String, TypeStatus> types) {
    return new ProxyStatus(
        1, "node", workload + ".shop", "", "", "", Variant.values()[0], NOW, settled, types);
  }

  private static ProxyStatus has(String workload) {
    return proxy(
        workload, WITH, Map.of(XdsType.LISTENER, new TypeStatus("1", NOW, "", null, List.of())));
  }

  private static ProxyStatus lags(String workload) {
    return proxy(
        workload, WITHOUT, Map.of(XdsType.LISTENER, new TypeStatus("1", NOW, "2", NOW, List.of())));
  }

  private static ProxyStatus refuses(String workload, String type, String resource) {
    return proxy(
        workload,
        WITH,
        Map.of(
            type,
            new TypeStatus(
                "1", NOW, "", null, List.of(new Rejection(resource, "2", "n", "too odd", NOW)))));
  }

  private static Acknowledgements replica(String name, ObjectVersions has, ProxyStatus... proxies) {
    AcknowledgementLedger ledger = new AcknowledgementLedger();
    var _ = ledger.look(name, has, WITHOUT, List.of(proxies), MESHED);
    return ledger.look(name, has, WITH, List.of(proxies), MESHED);
  }

  private static ObjectVersions versions(Verdict... verdicts) {
    return ObjectVersions.of(List.of(verdicts), Map.of());
  }

  private static String said(Programming programming, Verdict verdict, List<?> standing) {
    Condition condition = programming.of(verdict, ACCEPTED, standing);
    return condition.status() + "/" + condition.reason() + " " + condition.message();
  }

  private static String said(Verdict verdict, List<?> standing, Acknowledgements... replicas) {
    return said(new Programming(List.of(replicas), versions(verdict), null), verdict, standing);
  }

  private static String said(Verdict verdict, List<?> standing, ProxyStatus... proxies) {
    return said(verdict, standing, replica("cp-1", versions(verdict), proxies));
  }

  /** As the leader reads it. */
  private static Acknowledgements told(Acknowledgements one) {
    return Acknowledgements.parse(one.replica(), one.toJson());
  }

  @Test
  void aWorkloadConcernsItsOwnProxy() {
    Verdict meshed = verdict(WORKLOAD.formatted("transparent"));
    ProxyStatus other = refuses("web-2", XdsType.LISTENER, "inbound");

    assertThat(said(meshed, List.of(), other)).startsWith("Unknown/NoProxies its own proxy");
    assertThat(said(meshed, List.of(), other, has("web-1"))).startsWith("True/Programmed");
    assertThat(said(meshed, List.of(), lags("web-2"), has("web-1"))).startsWith("True/Programmed");
    assertThat(said(meshed, List.of(), other, refuses("web-1", XdsType.LISTENER, "inbound")))
        .isEqualTo("False/Rejected 1 of 1 proxies refused it: web-1.shop: inbound: too odd");
    assertThat(said(meshed, List.of(), lags("web-1"))).startsWith("Unknown/Pending");
  }

  @Test
  void aWorkloadsOwnProxyMayBeWithAnyReplica() {
    Verdict meshed = verdict(WORKLOAD.formatted("transparent"));
    Acknowledgements here = replica("cp-1", versions(meshed), lags("web-2"));

    assertThat(said(meshed, List.of(), here, told(replica("cp-2", versions(meshed)))))
        .startsWith("Unknown/NoProxies");
    assertThat(said(meshed, List.of(), here, told(replica("cp-2", versions(meshed), has("web-1")))))
        .startsWith("True/Programmed");
    assertThat(
            said(meshed, List.of(), here, told(replica("cp-2", versions(meshed), lags("web-1")))))
        .startsWith("Unknown/Pending");
  }

  @Test
  void aWorkloadWithoutAProxyConcernsAll() {
    assertThat(said(verdict(WORKLOAD.formatted("none")), List.of(), has("web-2")))
        .startsWith("True/Programmed");
  }

  @Test
  void whatEverybodyHadIsNotInDoubtBecauseSomethingElseIsUnderWay() {
    Verdict verdict = verdict(WORKLOAD.formatted("none"));
    ProxyStatus busy = lags("web-2");

    assertThat(said(verdict, List.of(), busy)).startsWith("Unknown/Pending");
    assertThat(said(verdict, standing(4), busy)).startsWith("True/Programmed");
    assertThat(said(verdict, standing(3), busy)).startsWith("Unknown/Pending");
  }

  private static List<?> standing(long generation) {
    return List.of(
        Map.of("type", "Programmed", "status", "True", "observedGeneration", generation));
  }

  @Test
  void whoLagsAtAnotherReplicaIsNamed() {
    Verdict verdict = verdict(POLICY.formatted(2));
    ObjectVersions now = versions(verdict);
    Acknowledgements here = replica("cp-1", now, has("a"), has("b"));

    assertThat(said(verdict, List.of(), here, told(replica("cp-2", now, has("c"), lags("d")))))
        .isEqualTo("Unknown/Pending some proxies have not answered yet: d.shop");
    assertThat(said(verdict, List.of(), here, told(replica("cp-2", now, has("c"), has("d")))))
        .startsWith("True/Programmed");
  }

  @Test
  void whoRefusesAtAnotherReplicaIsNamedWithTheReason() {
    Verdict verdict = verdict(POLICY.formatted(2));
    ObjectVersions now = versions(verdict);
    Acknowledgements here = replica("cp-1", now, has("a"), has("b"));
    Acknowledgements there =
        told(replica("cp-2", now, refuses("c", XdsType.LISTENER, "inbound"), has("d")));

    assertThat(said(verdict, List.of(), here, there))
        .isEqualTo("False/Rejected 1 of 4 proxies refused it: c.shop: inbound: too odd");
    assertThat(said(verdict, standing(2), here, there)).startsWith("False/Rejected");
  }

  @Test
  void aReplicaThatHasNotReadThisVersionIsWaitedForEvenWithoutProxies() {
    Verdict verdict = verdict(POLICY.formatted(2));
    ObjectVersions before = versions(verdict(POLICY.formatted(1)));
    Acknowledgements here = replica("cp-1", versions(verdict), has("a"));

    assertThat(said(verdict, List.of(), here, told(replica("cp-2", before, has("c")))))
        .isEqualTo(
            "Unknown/Pending some proxies have not answered yet; not told of it yet by cp-2");
    assertThat(said(verdict, List.of(), here, told(replica("cp-2", before))))
        .startsWith("Unknown/Pending");
    assertThat(said(verdict, List.of(), here, Acknowledgements.unknown("cp-2")))
        .startsWith("Unknown/Pending");
    assertThat(said(verdict, standing(2), here, Acknowledgements.unknown("cp-2")))
        .startsWith("True/Programmed");
  }

  @Test
  void manyThatRefuseTheSameAreCountedAndAFewNamed() {
    Verdict verdict = verdict(POLICY.formatted(2));
    ObjectVersions now = versions(verdict);
    ProxyStatus[] many =
        IntStream.range(0, 300)
            .mapToObj(i -> refuses("p-" + i, XdsType.LISTENER, "inbound"))
            .toArray(ProxyStatus[]::new);
    Acknowledgements there = told(replica("cp-2", now, many));

    assertThat(there.refusals()).hasSize(1);
    assertThat(there.refusals().getFirst().by())
        .isEqualTo(
            new Names(List.of("p-0.shop", "p-1.shop", "p-2.shop", "p-3.shop", "p-4.shop"), 295));
    assertThat(said(verdict, List.of(), replica("cp-1", now, has("a")), there))
        .startsWith("False/Rejected 300 of 301 proxies refused it: p-0.shop: inbound: too odd; ")
        .endsWith("p-4.shop: inbound: too odd");
  }

  @Test
  void whatNoLongerFitsIsNeverTakenForConsent() {
    Verdict verdict = verdict(POLICY.formatted(2));
    ObjectVersions now = versions(verdict);
    List<ProxyStatus> many = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      // Each another route, which does not concern the policy's own service.
      many.add(refuses("p-" + i, XdsType.FAULT, "e/" + "long-".repeat(20) + i));
    }
    Acknowledgements there = replica("cp-2", now, many.toArray(ProxyStatus[]::new));
    String text = there.toJson();

    assertThat(text.length()).isLessThan(Acknowledgements.MAX_CHARS * 2);
    Acknowledgements read = Acknowledgements.parse("cp-2", text);
    assertThat(read.refusals().size() + read.unlisted()).isEqualTo(5_000);
    assertThat(said(verdict, List.of(), replica("cp-1", now, has("a")), read))
        .startsWith("Unknown/Pending proxies refused more than can be told: ");
  }

  @Test
  void whatIsRefusedOfAServiceConcernsThePoliciesOfThatServiceAlone() {
    Verdict shop = verdict(TARGETED.formatted("shop"));
    Verdict shop2 = verdict(TARGETED.formatted("shop2"));

    for (String resource :
        List.of("outbound|80|web.shop2", "outbound|80|web.shop2|grpc", "outbound|*:80|web.shop2")) {
      ProxyStatus refuses = refuses("a", XdsType.CLUSTER, resource);
      assertThat(said(shop, List.of(), refuses)).as(resource).startsWith("True/Programmed");
      assertThat(said(shop2, List.of(), refuses)).as(resource).startsWith("False/Rejected");
    }
  }

  @Test
  void aRefusedFaultConcernsItsExperimentAlone() {
    Verdict policy = verdict(POLICY.formatted(2));
    Verdict experiment = verdict(EXPERIMENT);
    ObjectVersions now = ObjectVersions.of(List.of(policy, experiment), Map.of("shop/slow", RUN));
    Acknowledgements here = replica("cp-1", now, refuses("a", XdsType.FAULT, "slow/f"));
    Programming programming = new Programming(List.of(here), now, null);

    assertThat(said(programming, policy, List.of())).startsWith("True/Programmed");
    assertThat(said(programming.of(RUN), experiment, List.of()))
        .isEqualTo("False/Rejected 1 of 1 proxies refused it: a.shop: slow/f: too odd");
  }

  private static ProxyStatus injects(String workload, long settled) {
    return proxy(
        workload, settled, Map.of(XdsType.FAULT, new TypeStatus("1", NOW, "", null, List.of())));
  }

  private static String running(Acknowledgements... replicas) {
    Verdict experiment = verdict(EXPERIMENT);
    return said(
        new Programming(List.of(replicas), acting(experiment, RUN), RUN), experiment, List.of());
  }

  private static ObjectVersions acting(Verdict experiment, @Nullable ExperimentRun run) {
    return ObjectVersions.of(
        List.of(experiment), run == null ? Map.of() : Map.of("shop/slow", run));
  }

  @Test
  void anExperimentRunsWithAllOnceEveryReplicaHasHeardOfTheRun() {
    Verdict experiment = verdict(EXPERIMENT);
    ObjectVersions now = acting(experiment, RUN);
    Acknowledgements here = replica("cp-1", now, injects("a", WITH));

    assertThat(running(here, told(replica("cp-2", acting(experiment, null), injects("b", WITH)))))
        .startsWith("Unknown/Pending");
    assertThat(running(here, told(replica("cp-2", now, injects("b", WITHOUT)))))
        .isEqualTo("Unknown/Pending some proxies have not answered yet: b.shop");
    assertThat(running(here, told(replica("cp-2", now, injects("b", WITH)))))
        .startsWith("True/Programmed");
    assertThat(running(replica("cp-1", now, has("a"))))
        .startsWith("Unknown/NoProxies no proxy that can inject faults");
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

    assertThat(said(freeze, List.of(), has("a"))).startsWith("True/Programmed");
    assertThat(said(verdict(EXPERIMENT), List.of(), has("a")))
        .isEqualTo("False/NotRunning no proxy has its faults: it is Pending");
  }

  @Test
  void whatIsNotAcceptedIsWithNobody() {
    Condition refused = Condition.no("Accepted", "Invalid", "no");

    Condition condition =
        new Programming(List.of(), ObjectVersions.NONE, null)
            .of(verdict(WORKLOAD.formatted("none")), refused, List.of());

    assertThat(condition.status() + condition.reason()).isEqualTo("FalseInvalid");
  }
}
