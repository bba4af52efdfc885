package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.source.ClusterObjects;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Against what a kube-apiserver 1.35 answered for the same objects in both forms, among them a
 * label and an annotation named {@code managedFields}.
 */
class ProtobufListTest {
  private static final Map<String, String> FILES =
      Map.of("Pod", "pods", "EndpointSlice", "endpointslices", "Node", "nodes");

  /** Of what is around a list, behind it: two empty texts. */
  private static final int BEHIND = 4;

  private static byte[] recorded(String name) throws IOException {
    try (InputStream in = ProtobufListTest.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private static byte[] list(String kind) throws IOException {
    return recorded(FILES.get(kind) + ".protobuf");
  }

  private static Map<?, ?> json(String kind) throws IOException {
    return new ObjectMapper().readValue(recorded(FILES.get(kind) + ".json"), Map.class);
  }

  private static List<Map<String, Object>> read(String kind, InputStream body) throws IOException {
    List<Map<String, Object>> trees = new ArrayList<>();
    assertThat(ProtobufList.read(body, kind, trees::add)).isNotEmpty();
    return trees;
  }

  private static List<Map<String, Object>> read(String kind, byte[] body) throws IOException {
    return read(kind, new ByteArrayInputStream(body));
  }

  /** Whether all of the one stands in the other, but what Go leaves out of JSON. */
  private static void assertWithin(Object part, Object whole, String where) {
    if (part instanceof Map<?, ?> map) {
      map.forEach(
          (key, value) -> {
            Object other = ((Map<?, ?>) whole).get(key);
            if (other != null || !List.of(false, 0L).contains(value)) {
              assertThat(other).as(where + "." + key).isNotNull();
              assertWithin(value, other, where + "." + key);
            }
          });
    } else if (part instanceof List<?> list) {
      assertThat(list).as(where).hasSameSizeAs((List<?>) whole);
      for (int i = 0; i < list.size(); i++) {
        assertWithin(list.get(i), ((List<?>) whole).get(i), where + "." + i);
      }
    } else {
      assertThat(part instanceof Long number ? number.intValue() : part).as(where).isEqualTo(whole);
    }
  }

  @Test
  void whatIsReadStandsInTheSameListOfJson() throws IOException {
    for (String kind : FILES.keySet()) {
      List<?> items = (List<?>) json(kind).get("items");
      assertThat(items).hasSizeGreaterThan(1);
      assertWithin(read(kind, list(kind)), items, kind);
      List<Map<String, Object>> none = new ArrayList<>();
      String version = ProtobufList.read(new ByteArrayInputStream(list(kind)), kind, none::add);
      assertThat(version)
          .isEqualTo(((Map<?, ?>) json(kind).get("metadata")).get("resourceVersion"));
    }
  }

  private static DesiredState state(Map<String, ? extends List<?>> objects) {
    ClusterObjects all = new ClusterObjects();
    objects.forEach(
        (kind, items) -> {
          for (Object one : items) {
            Map<Object, Object> tree = new LinkedHashMap<>((Map<?, ?>) one);
            tree.put("kind", kind);
            var _ = all.put(tree);
          }
        });
    var _ =
        all.put(
            Map.of(
                "apiVersion",
                "v1",
                "kind",
                "Service",
                "metadata",
                Map.of("name", "cart", "namespace", "shop"),
                "spec",
                Map.of("ports", List.of(Map.of("name", "http", "port", 80)))));
    return all.read().state();
  }

  @Test
  void allThatTheMeshReadsOfAnObjectIsRead() throws IOException {
    Map<String, List<?>> ofProtobuf = new TreeMap<>();
    Map<String, List<?>> ofJson = new TreeMap<>();
    for (String kind : FILES.keySet()) {
      ofProtobuf.put(kind, read(kind, list(kind)));
      ofJson.put(kind, (List<?>) json(kind).get("items"));
    }
    DesiredState state = state(ofProtobuf);
    assertThat(state).isEqualTo(state(ofJson));
    assertThat(state.workload("shop", "plain")).isNotNull();
    assertThat(state.workload("shop", "plain").meta().annotations().get("note"))
        .isEqualTo("line\nwith \"quotes\" \\ and \u00fc \ud83d\udef6");
    assertThat(state.toString()).contains("172-16-0-9");
  }

  @Test
  void itDoesNotMatterHowAListIsCut() throws IOException {
    for (String kind : FILES.keySet()) {
      byte[] whole = list(kind);
      List<Map<String, Object>> trees = read(kind, whole);
      for (int most : new int[] {1, 2, 3, 7, 100}) {
        InputStream pieces =
            new FilterInputStream(new ByteArrayInputStream(whole)) {
              @Override
              public int read(byte[] into, int at, int length) throws IOException {
                return super.read(into, at, Math.min(most, length));
              }
            };
        assertThat(read(kind, pieces)).isEqualTo(trees);
      }
    }
  }

  @Test
  void aListThatBreaksOffIsAnErrorWhereverItDoes() throws IOException {
    for (String kind : FILES.keySet()) {
      byte[] whole = list(kind);
      for (int length = 0; length < whole.length - BEHIND; length++) {
        byte[] part = Arrays.copyOf(whole, length);
        assertThatThrownBy(() -> read(kind, part))
            .as("%d bytes of %s", length, kind)
            .isInstanceOf(IOException.class);
      }
    }
  }

  @Test
  void nothingButAnErrorComesOfBytesThatAreWrong() throws IOException {
    SplittableRandom random = new SplittableRandom(7);
    for (String kind : FILES.keySet()) {
      for (int i = 0; i < 2_000; i++) {
        byte[] bytes = list(kind);
        for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        @Nullable Throwable thrown =
            catchThrowable(
                () -> ProtobufList.read(new ByteArrayInputStream(bytes), kind, tree -> {}));
        if (thrown != null) {
          assertThat(thrown).isInstanceOf(IOException.class);
        }
      }
    }
  }

  @Test
  void whatIsNoListOfTheKindIsAnError() throws IOException {
    byte[] pods = list("Pod");
    assertThatThrownBy(() -> read("Node", pods))
        .isInstanceOf(IOException.class)
        .hasMessage("a NodeList is not what was answered, but a PodList");
    byte[] status = recorded("status.protobuf");
    assertThatThrownBy(() -> read("Pod", status)).hasMessageContaining("but a Status");
    for (String odd : List.of("{\"kind\": \"PodList\"}", "k8s\0", "k8s\0\n\0", "k8s\0\022\0")) {
      assertThatThrownBy(() -> read("Pod", odd.getBytes(StandardCharsets.UTF_8)))
          .as(odd)
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aRefusalSaysWhatTheServerSays() throws IOException {
    assertThat(ProtobufList.refusal(new ByteArrayInputStream(recorded("status.protobuf"))))
        .isEqualTo("pods \"none\" not found");
  }

  @Test
  void kindsOfOthersHaveNoProtobuf() {
    assertThat(ProtobufList.has("Pod")).isTrue();
    assertThat(ProtobufList.has("Experiment")).isFalse();
  }
}
