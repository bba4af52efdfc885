package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.source.ClusterObjects;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ObservedStoreTest {
  private static GenericKubernetesResource freeze(String version) {
    GenericKubernetesResource resource = new GenericKubernetesResource();
    resource.setKind("Freeze");
    resource.setMetadata(
        new ObjectMetaBuilder()
            .withName("f")
            .withNamespace("shop")
            .withResourceVersion(version)
            .addToLabels("a", "b")
            .build());
    resource.setAdditionalProperties(new HashMap<>(Map.of("spec", Map.of("reason", "sale"))));
    return resource;
  }

  private static Map<String, Object> tree(GenericKubernetesResource resource) {
    Map<String, Object> tree = new HashMap<>(resource.getAdditionalProperties());
    tree.put("kind", resource.getKind());
    tree.put("metadata", Map.of("name", "f", "namespace", "shop"));
    return tree;
  }

  @Test
  void anObjectIsReadWhenItComesAndOnlyItsVersionIsKept() {
    ObservedStore store = new ObservedStore(one -> ClusterObjects.observe(tree(one)));
    GenericKubernetesResource first = freeze("1");
    assertThat(store.put(store.getKey(first), first)).isNull();
    assertThat(ObservedStore.take(first)).isNotNull();
    assertThat(ObservedStore.take(first).tree().get("spec")).isEqualTo(Map.of("reason", "sale"));
    GenericKubernetesResource kept = store.get("shop/f");
    assertThat(kept.getMetadata().getResourceVersion()).isEqualTo("1");
    assertThat(kept.getAdditionalProperties()).isEmpty();
    assertThat(kept.getMetadata().getLabels()).isNullOrEmpty();
    GenericKubernetesResource second = freeze("2");
    assertThat(store.put("shop/f", second).getMetadata().getResourceVersion()).isEqualTo("1");
  }

  @Test
  void oneThatCannotBeReadIsHandedOverWithoutAnything() {
    ObservedStore store =
        new ObservedStore(
            one -> {
              throw new IllegalStateException("odd");
            });
    GenericKubernetesResource odd = freeze("1");
    assertThat(store.put("shop/f", odd)).isNull();
    assertThat(ObservedStore.take(odd)).isNull();
    assertThat(store.get("shop/f")).isNotNull();
  }
}
