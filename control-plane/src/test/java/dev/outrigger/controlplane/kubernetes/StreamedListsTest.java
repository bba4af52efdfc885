package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.impl.ListerWatcher;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StreamedListsTest {
  private static final WatchedKind POD = kind("Pod");
  private static final String PODS =
      """
      {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "77"},
       "items": [
        {"metadata": {"name": "a", "namespace": "shop", "uid": "1", "resourceVersion": "5",
          "generation": 3, "labels": {"app": "a", "env": "test"},
          "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {"f:nodeName": {}}}}]},
         "spec": {"nodeName": "n", "hostNetwork": false, "priority": 0, "weight": 0.5,
          "volumes": [{"name": "v"}],
          "containers": [{"name": "c", "env": [{"name": "X"}], "ports": [{"containerPort": 80}]}]},
         "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}], "message": null}},
        {"metadata": {"name": "b", "namespace": "shop"}}
       ]}
      """;

  private final List<Map<String, Object>> read = new ArrayList<>();
  private final List<String> asked = new ArrayList<>();
  private HttpServer server;
  private KubernetesClient client;
  private int status = 200;
  private String answer = PODS;

  /** What is answered in place of that where protobuf is asked for; null for nothing. */
  private byte @Nullable [] protobuf;

  private static WatchedKind kind(String name) {
    return WatchedKind.all().stream()
        .filter(one -> one.kind().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @BeforeEach
  void serve(@TempDir Path folder) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
    Path config = folder.resolve("kubeconfig");
    Files.writeString(
        config,
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: c, cluster: {server: "http://127.0.0.1:%d"}}]
        users: [{name: u, user: {token: t}}]
        contexts: [{name: x, context: {cluster: c, user: u}}]
        current-context: x
        """
            .formatted(server.getAddress().getPort()));
    client = ClusterLogin.client(config, Map.of(), "test", 5_000, 0);
  }

  @AfterEach
  void stop() {
    client.close();
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    asked.add(exchange.getRequestURI().toString());
    byte[] body = answer.getBytes(StandardCharsets.UTF_8);
    boolean asksFor =
        exchange.getRequestHeaders().getFirst("Accept").contains(ProtobufList.MEDIA_TYPE);
    if (protobuf != null && asksFor) {
      exchange.getResponseHeaders().set("Content-Type", ProtobufList.MEDIA_TYPE);
      body = protobuf;
    }
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @SuppressWarnings("unchecked")
  private StreamedLists lists(WatchedKind kind, @Nullable String namespace) {
    return new StreamedLists(
        client,
        kind,
        namespace,
        (ListerWatcher<GenericKubernetesResource, GenericKubernetesResourceList>)
            (Object) client.genericKubernetesResources(kind.context()),
        tree -> {
          read.add(tree);
          return new GenericKubernetesResource();
        },
        Runnable::run);
  }

  private GenericKubernetesResourceList list(String text) throws IOException {
    return lists(POD, null).read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void ofAPodOnlyWhatSomebodyReadsIsKept() throws IOException {
    GenericKubernetesResourceList list = list(PODS);
    assertThat(list.getMetadata().getResourceVersion()).isEqualTo("77");
    assertThat(list.getItems()).hasSize(2);
    assertThat(read.getFirst().get("metadata"))
        .isEqualTo(
            Map.of(
                "name", "a",
                "namespace", "shop",
                "uid", "1",
                "resourceVersion", "5",
                "generation", 3,
                "labels", Map.of("app", "a", "env", "test")));
    assertThat(read.getFirst().get("spec"))
        .isEqualTo(
            Map.of(
                "nodeName",
                "n",
                "hostNetwork",
                false,
                "priority",
                0,
                "weight",
                0.5,
                "containers",
                List.of(Map.of("name", "c", "ports", List.of(Map.of("containerPort", 80))))));
  }

  @Test
  void ofOtherKindsAllIsKept() throws IOException {
    lists(kind("Experiment"), null)
        .read(new ByteArrayInputStream(PODS.getBytes(StandardCharsets.UTF_8)));
    assertThat(((Map<?, ?>) read.getFirst().get("spec")).get("volumes")).isNotNull();
  }

  @Test
  void theFirstListComesFromTheServersCacheAndWithoutPages() {
    ListOptions first = new ListOptionsBuilder().withResourceVersion("0").build();
    assertThat(lists(POD, null).submitList(first).join().getItems()).hasSize(2);
    assertThat(lists(POD, "shop").submitList(new ListOptions()).join().getItems()).hasSize(2);
    var _ = lists(kind("Node"), "shop").submitList(new ListOptions()).join();
    var _ = lists(kind("Experiment"), "shop").submitList(new ListOptions()).join();
    assertThat(asked)
        .containsExactly(
            "/api/v1/pods?resourceVersion=0",
            "/api/v1/namespaces/shop/pods",
            "/api/v1/nodes",
            "/apis/chaos.outrigger.dev/v1alpha1/namespaces/shop/experiments");
    assertThat(lists(POD, null).getLimit()).isNull();
  }

  private static byte[] recorded(String name) throws IOException {
    try (InputStream in = StreamedListsTest.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  @Test
  void podsComeInProtobufWhereTheServerHasIt() throws IOException {
    answer = new String(recorded("pods.json"), StandardCharsets.UTF_8);
    var json = lists(POD, null).submitList(new ListOptions()).join();
    List<Object> names = read.stream().map(StreamedListsTest::name).toList();
    read.clear();
    protobuf = recorded("pods.protobuf");
    answer = "";
    var same = lists(POD, null).submitList(new ListOptions()).join();
    assertThat(same.getMetadata()).isEqualTo(json.getMetadata());
    assertThat(same.getItems()).hasSameSizeAs(json.getItems());
    assertThat(read.stream().map(StreamedListsTest::name).toList()).isEqualTo(names).isNotEmpty();
  }

  private static Object name(Map<String, Object> tree) {
    return ((Map<?, ?>) tree.get("metadata")).get("name");
  }

  @Test
  void whatHasNoProtobufIsNotAskedForIt() throws IOException {
    protobuf = recorded("pods.protobuf");
    assertThat(lists(kind("Experiment"), null).submitList(new ListOptions()).join().getItems())
        .hasSize(2);
  }

  @Test
  void aRefusalInProtobufSaysWhatTheServerSays() throws IOException {
    status = 404;
    protobuf = recorded("status.protobuf");
    assertThatThrownBy(() -> lists(POD, null).submitList(new ListOptions()).join())
        .cause()
        .hasMessage("cannot list pods: pods \"none\" not found");
  }

  @Test
  void aRefusalSaysWhatTheServerSays() {
    status = 403;
    answer = "{\"kind\": \"Status\", \"message\": \"pods is forbidden\", \"code\": 403}";
    assertThatThrownBy(() -> lists(POD, null).submitList(new ListOptions()).join())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(KubernetesClientException.class)
        .hasMessage("cannot list pods: pods is forbidden");
    answer = "no";
    assertThatThrownBy(() -> lists(POD, null).submitList(new ListOptions()).join())
        .hasMessageContaining("cannot list pods: no");
  }

  @Test
  void whatIsNoListIsAnErrorAndNotAnEmptyCluster() {
    for (String odd :
        List.of(
            "",
            "[]",
            "{}",
            "{\"items\": []}",
            PODS.substring(0, PODS.length() / 2),
            "{\"metadata\": {\"resourceVersion\": \"1\"}, \"items\": [1]}",
            "{\"metadata\": [], \"items\": []}")) {
      assertThatThrownBy(() -> list(odd)).as(odd).isInstanceOf(IOException.class);
    }
  }
}
