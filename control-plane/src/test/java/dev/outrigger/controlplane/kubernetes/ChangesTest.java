package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.kubernetes.Occurrence.Regarding;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ChangesTest {
  private static final Regarding ROUTE = new Regarding("v1", "HTTPRoute", "shop", "r", "uid");

  private final Changes changes = new Changes();

  private static Map<String, Object> condition(
      String type, String status, String reason, String message) {
    return Map.of("type", type, "status", status, "reason", reason, "message", message);
  }

  private static Map<String, Object> parent(List<Map<String, Object>> conditions) {
    return Map.of("controllerName", StatusWriter.CONTROLLER, "conditions", conditions);
  }

  private List<String> told(Map<String, Object> status) {
    return changes.in(ROUTE, status).stream()
        .map(one -> one.weight() + " " + one.reason() + " " + one.note())
        .toList();
  }

  @Test
  void aRefusalIsToldOnceAndSoIsItsEnd() {
    Map<String, Object> refused =
        Map.of(
            "conditions",
            List.of(
                condition("Accepted", "False", "Invalid", "no"),
                condition("Programmed", "False", "Invalid", "it is not accepted")));
    Map<String, Object> good =
        Map.of("conditions", List.of(condition("Accepted", "True", "Accepted", "it counts")));

    assertThat(told(refused)).containsExactly("WARNING Invalid no");
    assertThat(told(refused)).isEmpty();
    assertThat(told(good)).containsExactly("NORMAL Accepted it counts");
    assertThat(told(good)).isEmpty();
    assertThat(told(refused)).containsExactly("WARNING Invalid no");
  }

  @Test
  void whatIsWellFromTheStartOrNotKnownYetIsNoNews() {
    assertThat(
            told(
                Map.of(
                    "conditions",
                    List.of(
                        condition("Accepted", "True", "Accepted", "it counts"),
                        condition("Programmed", "Unknown", "Pending", "later")))))
        .isEmpty();
    assertThat(
            told(
                Map.of(
                    "conditions",
                    List.of(
                        condition("Accepted", "True", "Accepted", "it counts"),
                        condition("Programmed", "False", "NotRunning", "it is Pending")))))
        .isEmpty();
  }

  @Test
  void whatProxiesRefusedIsTold() {
    assertThat(
            told(
                Map.of(
                    "conditions",
                    List.of(
                        condition("Accepted", "True", "Accepted", "it counts"),
                        condition("Programmed", "False", "Rejected", "1 of 2 proxies")))))
        .containsExactly("WARNING Rejected 1 of 2 proxies");
  }

  @Test
  void theSameOfTwoParentsIsToldOnceAndOthersParentsAreTheirs() {
    List<Map<String, Object>> refused = List.of(condition("Accepted", "False", "Invalid", "no"));

    assertThat(
            told(
                Map.of(
                    "parents",
                    List.of(
                        Map.of("controllerName", "other", "conditions", refused),
                        parent(refused),
                        parent(refused)))))
        .containsExactly("WARNING Invalid no");
    assertThat(
            told(
                Map.of(
                    "parents", List.of(Map.of("controllerName", "other", "conditions", refused)))))
        .isEmpty();
  }

  @Test
  void whatIsGoneIsForgotten() {
    Map<String, Object> refused =
        Map.of("conditions", List.of(condition("Accepted", "False", "Invalid", "no")));
    assertThat(told(refused)).hasSize(1);

    changes.retain(Set.of());

    assertThat(told(refused)).as("an object of the same name").hasSize(1);
  }
}
