package dev.outrigger.controlplane.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.Workload;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

final class FaultTargetsTest {
  private static Experiment.Fault fault(DesiredState state, String name) {
    return Objects.requireNonNull(state.experiment("shop", "slow-catalog")).faults().stream()
        .filter(fault -> fault.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> targets(DesiredState state, String fault) {
    return FaultTargets.of(state, fault(state, fault)).stream()
        .map(Workload::meta)
        .map(meta -> meta.name())
        .toList();
  }

  @Test
  void callersHearOfFaultsAtTheirSideAndReceiversOfInboundOnes() {
    DesiredState state = Shop.state();

    assertThat(targets(state, "slow")).containsExactly("checkout-1");
    assertThat(targets(state, "down")).containsExactly("catalog-1", "catalog-2");
    // Everybody who may call the database.
    assertThat(targets(state, "wire")).containsExactly("catalog-1", "catalog-2", "checkout-1");
  }

  @Test
  void servicesBecomeIdentities() {
    DesiredState state = Shop.state();

    assertThat(FaultTargets.scopeOf(state, fault(state, "slow")))
        .contains(
            new FaultTargets.Scope(
                List.of("spiffe://shop.example/ns/shop/sa/checkout"),
                List.of(new ServiceName("catalog", "shop"))));
  }

  @Test
  void callersThatDoNotExistAreNobodyAndNotEverybody() {
    DesiredState state =
        Shop.state(Shop.yaml().replace("services: [checkout]", "services: [nobody]"));

    assertThat(FaultTargets.scopeOf(state, fault(state, "slow"))).isEmpty();
    assertThat(targets(state, "slow")).isEmpty();
  }

  @Test
  void whatIsProtectedIsLeftAlone() {
    DesiredState state =
        Shop.state(
            Shop.yaml()
                .replace(
                    "metadata: {name: catalog, namespace: shop}\nspec:\n  clusterIP",
                    "metadata: {name: catalog, namespace: shop, annotations:"
                        + " {chaos.outrigger.dev/protected: \"true\"}}\nspec:\n  clusterIP"));

    assertThat(targets(state, "slow")).isEmpty();
    assertThat(targets(state, "down")).isEmpty();
    assertThat(FaultTargets.scopeOf(state, fault(state, "down"))).isEmpty();
  }

  /** The route of catalog sends to catalog-v2 as well. */
  @Test
  void whoCallsAServiceWhoseRouteSendsToTheDestinationHearsOfIt() {
    DesiredState state =
        Shop.state(
            Shop.yaml()
                .replace(
                    "destination: {services: [catalog]}", "destination: {services: [catalog-v2]}"));

    assertThat(targets(state, "slow")).containsExactly("checkout-1");
    assertThat(
            FaultTargets.shareDestination(
                state,
                List.of(new ServiceName("catalog-v2", "shop")),
                List.of(new ServiceName("catalog", "shop"))))
        .isTrue();
    assertThat(
            FaultTargets.shareDestination(
                state,
                List.of(new ServiceName("catalog-v2", "shop")),
                List.of(new ServiceName("db", "shop"))))
        .isFalse();
  }

  @Test
  void whatIsProtectedBehindTheRouteIsSpared() {
    DesiredState state =
        Shop.state(
            Shop.yaml()
                .replace(
                    "metadata: {name: catalog-v2, namespace: shop",
                    "metadata: {name: catalog-v2, namespace: shop, annotations:"
                        + " {chaos.outrigger.dev/protected: \"true\"}"));

    assertThat(FaultTargets.scopeOf(state, fault(state, "slow")).orElseThrow())
        .isEqualTo(
            new FaultTargets.Scope(
                List.of("spiffe://shop.example/ns/shop/sa/checkout"),
                List.of(new ServiceName("catalog", "shop")),
                List.of(new ServiceName("catalog-v2", "shop"))));
  }

  /** Connections, and what arrives, do not tell what was called. */
  @Test
  void whereARouteSendsWhatIsForAProtectedServiceConnectionsAndWhatArrivesAreLeftAlone() {
    String yaml =
        Shop.yaml()
            .replace(
                "metadata: {name: catalog, namespace: shop}\nspec:\n  clusterIP",
                "metadata: {name: catalog, namespace: shop, annotations:"
                    + " {chaos.outrigger.dev/protected: \"true\"}}\nspec:\n  clusterIP")
            // A service of its own, with a workload that is behind no other.
            .replace("selector: {app: catalog, version: v2}", "selector: {app: next}")
            .replace("labels: {app: catalog, version: v2}", "labels: {app: next, version: v2}")
            .replace("{services: [catalog.shop]}", "{services: [catalog-v2]}")
            .replace(
                "{destination: {services: [catalog]}", "{destination: {services: [catalog-v2]}")
            .replace(
                "match: {destination: {services: [db]}}",
                "match: {source: {services: [checkout]}}");
    DesiredState state = Shop.state(yaml);
    ServiceName next = new ServiceName("catalog-v2", "shop");

    // Requests can be told apart.
    assertThat(FaultTargets.scopeOf(state, fault(state, "slow")).orElseThrow())
        .isEqualTo(
            new FaultTargets.Scope(
                List.of("spiffe://shop.example/ns/shop/sa/checkout"),
                List.of(next),
                List.of(new ServiceName("catalog", "shop"))));
    assertThat(targets(state, "down")).isEmpty();
    assertThat(FaultTargets.scopeOf(state, fault(state, "down"))).isEmpty();
    // All but what is left alone.
    assertThat(FaultTargets.scopeOf(state, fault(state, "wire")).orElseThrow().destinations())
        .containsExactly(new ServiceName("checkout", "shop"), new ServiceName("db", "shop"));
    // What is copied there is nobody's answer.
    DesiredState copied =
        Shop.state(
            yaml.replace("    - {name: catalog-v2, port: 80, weight: 10}\n", "")
                .replace(
                    "    backendRefs: [{name: catalog-v2, port: 80}]",
                    "    - type: RequestMirror\n"
                        + "      requestMirror: {backendRef: {name: catalog-v2, port: 80}}\n"
                        + "    backendRefs: [{name: catalog, port: 80}]"));
    assertThat(targets(copied, "down")).containsExactly("catalog-2");
  }

  @Test
  void aFaultThatCannotTellWhatIsCalledIsAdvisedToNameWhereARouteSendsIt() {
    DesiredState state =
        Shop.state(
            Shop.yaml()
                .replace(
                    "match: {destination: {services: [db]}}",
                    "match: {destination: {services: [catalog]}}"));

    assertThat(FaultTargets.hint(state, fault(state, "wire")))
        .contains("catalog.shop", "catalog-v2.shop");
    assertThat(FaultTargets.hint(state, fault(state, "down")))
        .contains("catalog.shop", "catalog-v2.shop");
    assertThat(FaultTargets.hint(state, fault(state, "slow"))).isNull();
    assertThat(FaultTargets.hint(Shop.state(), fault(Shop.state(), "wire"))).isNull();
  }

  @Test
  void aShareOfWorkloadsIsStableAndALargerOneOnlyAdds() {
    int[] chosen = new int[101];
    for (int i = 0; i < 1_000; i++) {
      ObjectMeta workload = new ObjectMeta("web-" + i, "shop", Map.of(), Map.of());
      boolean before = false;
      for (int percent = 0; percent <= 100; percent += 10) {
        boolean now = new Experiment.Share(percent * 10_000, 42).includes(workload);
        assertThat(now || !before).as("%s at %d%%", workload.name(), percent).isTrue();
        chosen[percent] += now ? 1 : 0;
        before = now;
      }
    }
    assertThat(chosen[0]).isZero();
    assertThat(chosen[30]).isBetween(250, 350);
    assertThat(chosen[100]).isEqualTo(1_000);
  }

  @Test
  void onlyTheChosenShareHearsOfAFault() {
    DesiredState none =
        Shop.state(
            Shop.yaml()
                .replace("match: {destination: {services: [db]}}", "match: {workloads: 0%}"));
    assertThat(targets(none, "wire")).isEmpty();
  }

  @Test
  void labelsOfCallersChooseProxiesAndBecomeIdentitiesForReceivers() {
    String yaml = Shop.yaml();
    DesiredState state =
        Shop.state(
            yaml.replace("source: {services: [checkout]}", "source: {labels: {app: checkout}}"));
    assertThat(targets(state, "slow")).containsExactly("checkout-1");
    assertThat(FaultTargets.scopeOf(state, fault(state, "slow")).orElseThrow())
        .extracting(FaultTargets.Scope::sourceIdentities)
        .isEqualTo(List.of("spiffe://shop.example/ns/shop/sa/checkout"));
    DesiredState nobody =
        Shop.state(
            yaml.replace("source: {services: [checkout]}", "source: {labels: {app: nobody}}"));
    assertThat(FaultTargets.scopeOf(nobody, fault(nobody, "slow"))).isEmpty();
    assertThat(targets(nobody, "slow")).isEmpty();
  }

  @Test
  void labelsOfReceiversChooseAmongThem() {
    DesiredState state =
        Shop.state(
            Shop.yaml()
                .replace(
                    "match: {destination: {services: [catalog]}, headers",
                    "match: {destination: {labels: {app: none}}, headers"));
    assertThat(targets(state, "down")).isEmpty();
  }

  @Test
  void aMethodOfGrpcIsAPathAndAContentType() {
    Experiment.Match match =
        fault(
                Shop.state(
                    Shop.yaml()
                        .replace(
                            "headers: [{name: x-test}]",
                            "grpc: [{service: shop.Catalog, method: Get}, {service: shop.Cart}]")),
                "down")
            .match();
    assertThat(match.paths())
        .containsExactly(
            new Experiment.StringMatch.Exact("/shop.Catalog/Get"),
            new Experiment.StringMatch.Prefix("/shop.Cart/"));
    assertThat(match.headers())
        .containsExactly(
            new Experiment.HeaderMatch(
                "content-type", new Experiment.StringMatch.Prefix("application/grpc")));
  }
}
