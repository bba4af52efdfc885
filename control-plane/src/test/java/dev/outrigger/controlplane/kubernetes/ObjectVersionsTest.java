package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.controlplane.source.ClusterKey;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ObjectVersionsTest {
  private static Verdict route(int number, String uid, long generation) {
    return new Verdict(
        new ClusterKey("HTTPRoute", "shop", "route-" + number),
        uid,
        generation,
        List.of(),
        List.of(),
        List.of(),
        null,
        Map.of());
  }

  private static List<Verdict> routes(int count) {
    List<Verdict> routes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      routes.add(route(i, "u" + i, 1));
    }
    return routes;
  }

  private static ObjectVersions of(List<Verdict> verdicts) {
    return ObjectVersions.of(verdicts, Map.of());
  }

  @Test
  void theOrderInWhichAReplicaReadThemDoesNotMatter() {
    List<Verdict> routes = routes(1_000);
    ObjectVersions one = of(routes);
    Collections.reverse(routes);

    assertThat(of(routes)).isEqualTo(one).hasSameHashCodeAs(one);
  }

  @Test
  void anotherGenerationIsAnotherVersionAndHardlyAnythingElseIsInDoubt() {
    List<Verdict> routes = routes(1_000);
    ObjectVersions before = of(routes);
    routes.set(7, route(7, "u7", 2));
    ObjectVersions after = of(routes);

    assertThat(after.agree(before, routes.get(7).key())).isFalse();
    assertThat(routes).filteredOn(one -> !after.agree(before, one.key())).hasSizeLessThan(30);
  }

  @Test
  void oneThatWasDeletedAndMadeAgainIsAnother() {
    assertThat(
            of(List.of(route(1, "new", 1)))
                .agree(of(List.of(route(1, "old", 1))), route(1, "new", 1).key()))
        .isFalse();
  }

  @Test
  void itsTextHasOneLengthAndReadsBack() {
    ObjectVersions many = of(routes(10_000));

    assertThat(ObjectVersions.parse(many.text())).isEqualTo(many);
    assertThat(many.text()).hasSameSizeAs(ObjectVersions.NONE.text()).hasSizeLessThan(1_400);
    assertThatThrownBy(() -> ObjectVersions.parse("AAAA"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
