package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * gRPC's own interoperability cases, by its own client and server, which know nothing of the two
 * sidecars between them: all of them but those that need a cloud.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GrpcInteropTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir private static Path folder;

  private final List<AutoCloseable> started = new ArrayList<>();
  private LoopbackMesh mesh;
  private Sidecar caller;
  private Sidecar words;
  private int runs;

  @BeforeAll
  void starts() throws Exception {
    int port = Peers.freePorts(1).getFirst();
    Launched server =
        Launched.start(
            folder, "server", List.of(Peers.require("grpc-interop-server"), "-port=" + port));
    started.add(server);
    Awaitility.await()
        .atMost(PATIENCE)
        .failFast("the server ended", () -> !server.isAlive())
        .until(() -> listens(port));
    mesh = new LoopbackMesh(folder);
    started.add(mesh);
    caller = Sidecar.beside("caller-1", "caller", 1);
    words = Sidecar.beside("words-1", "words", port);
    mesh.write(
        "mesh.yaml",
        LoopbackMesh.settings("STRICT")
            // The client's authority is where it connects to.
            + LoopbackMesh.service("words", "grpc")
                .replace("selector:", "clusterIP: 127.0.0.1\n  selector:")
            + caller.yaml("http")
            + words.yaml("grpc"));
    mesh.startControlPlane();
    mesh.startProxy(caller, Map.of());
    mesh.startProxy(words, Map.of());
    mesh.awaitReady(caller);
    mesh.awaitReady(words);
  }

  @AfterAll
  void ends() throws Exception {
    for (AutoCloseable one : started.reversed()) {
      one.close();
    }
  }

  private static boolean listens(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private String run(String testCase, int port) throws Exception {
    try (Launched client =
        Launched.start(
            folder,
            "client-" + ++runs,
            List.of(
                Peers.require("grpc-interop-client"),
                "-server_host=127.0.0.1",
                "-server_port=" + port,
                "-test_case=" + testCase))) {
      int code = client.exit(PATIENCE);
      return code == 0 ? "passed" : "failed with " + code + ":\n" + client.said();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "empty_unary",
        "large_unary",
        "client_streaming",
        "server_streaming",
        "ping_pong",
        "empty_stream",
        "timeout_on_sleeping_server",
        "cancel_after_begin",
        "cancel_after_first_response",
        "status_code_and_message",
        "special_status_message",
        "custom_metadata",
        "unimplemented_method",
        "unimplemented_service"
      })
  void passesThroughTwoSidecarsAsItDoesDirectly(String testCase) throws Exception {
    assertThat(run(testCase, words.appPort())).as("directly").isEqualTo("passed");
    assertThat(run(testCase, caller.outbound()))
        .as(() -> "through the mesh\n" + mesh.logs())
        .isEqualTo("passed");
    // As requests, with the caller's identity, and not as bytes.
    assertThat(LoopbackMesh.admin(words, "/metrics").text())
        .containsPattern(
            "outrigger_requests_total\\{[^}]*source_principal=\"" + caller.identity() + "\"");
  }
}
