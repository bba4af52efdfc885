package dev.outrigger.controlplane.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.Workload;
import java.util.List;
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

    assertThat(FaultTargets.scopeOf(state, fault(state, "slow").match()))
        .contains(
            new FaultTargets.Scope(
                List.of("spiffe://shop.example/ns/shop/sa/checkout"),
                List.of(new ServiceName("catalog", "shop"))));
  }

  @Test
  void callersThatDoNotExistAreNobodyAndNotEverybody() {
    DesiredState state =
        Shop.state(Shop.yaml().replace("services: [checkout]", "services: [nobody]"));

    assertThat(FaultTargets.scopeOf(state, fault(state, "slow").match())).isEmpty();
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
    assertThat(FaultTargets.scopeOf(state, fault(state, "down").match())).isEmpty();
  }
}
