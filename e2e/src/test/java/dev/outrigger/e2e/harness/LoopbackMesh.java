package dev.outrigger.e2e.harness;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A mesh of real processes on loopback: one control plane with ports that stay over its restarts,
 * and sidecars in explicit mode. The applications are the test's own.
 */
public final class LoopbackMesh implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path folder;
  private final Map<String, String> environment;
  private final List<String> source;
  private final int xds;
  private final int xdsTls;
  private int api;
  private final SequencedMap<String, Launched> proxies = new LinkedHashMap<>();
  private @Nullable Launched controlPlane;
  private int starts;
  private String reached;
  private final List<Launched> replicas = new ArrayList<>();

  /** A mesh that has not started; its mesh folder is there, and empty. */
  public LoopbackMesh(Path folder) throws IOException {
    this(folder, Map.of());
  }

  /**
   * The same.
   *
   * @param environment of the control plane
   */
  public LoopbackMesh(Path folder, Map<String, String> environment) throws IOException {
    this(folder, environment, List.of("--dir=" + folder.resolve("mesh")));
  }

  /**
   * The same.
   *
   * @param source the control plane's flags that say where the desired state is
   */
  public LoopbackMesh(Path folder, Map<String, String> environment, List<String> source)
      throws IOException {
    this.folder = folder;
    this.source = List.copyOf(source);
    this.environment = Map.copyOf(environment);
    Files.createDirectories(folder.resolve("mesh"));
    List<Integer> ports = Peers.freePorts(3);
    xds = ports.get(0);
    xdsTls = ports.get(1);
    api = ports.get(2);
    reached = "127.0.0.1:" + xdsTls;
  }

  /** Proxies that start from now on reach the control plane over this port, which leads to it. */
  public void reachOver(int port) {
    reached = "127.0.0.1:" + port;
  }

  /**
   * A control plane beside the first, with the same folders.
   *
   * @param xds its port without TLS
   * @param api its API's port
   */
  public record Replica(Launched process, int xds, int api) {}

  /** Starts another control plane, which proxies that start from now on reach too. */
  public Replica startReplica() throws IOException {
    List<Integer> ports = Peers.freePorts(3);
    Launched started =
        Launched.start(
            folder,
            "control-plane-" + ++starts,
            Peers.outrigger(
                "control-plane",
                "--dir=" + folder.resolve("mesh"),
                "--state=" + folder.resolve("state"),
                "--bind=127.0.0.1",
                "--xds-port=" + ports.get(0),
                "--xds-tls-port=" + ports.get(1),
                "--api-port=" + ports.get(2)),
            environment);
    replicas.add(started);
    reached += ",127.0.0.1:" + ports.get(1);
    return new Replica(started, ports.get(0), ports.get(2));
  }

  /** From now on calls go to the API there. */
  public void call(Replica replica) {
    api = replica.api();
  }

  /**
   * A workload's ports.
   *
   * @param inbound where its sidecar takes what is for it
   * @param app where the application listens
   * @param outbound where its sidecar takes what it sends
   */
  public record Sidecar(
      String workload, String app, int inbound, int appPort, int outbound, int admin) {
    /** One with free ports beside an application. */
    public static Sidecar beside(String workload, String app, int appPort) throws IOException {
      List<Integer> ports = Peers.freePorts(3);
      return new Sidecar(workload, app, ports.get(0), appPort, ports.get(1), ports.get(2));
    }

    /** Its identity in namespace {@code shop}; the service account is the app. */
    public String identity() {
      return "spiffe://cluster.local/ns/shop/sa/" + app;
    }

    /** It as a document, with its app's label, one port and an explicit sidecar. */
    public String yaml(String appProtocol) {
      return """
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: %s, namespace: shop, labels: {app: %s}}
      spec:
        address: 127.0.0.1
        serviceAccount: %s
        ports: [{name: main, port: %d, appPort: %d, appProtocol: %s}]
        sidecar: {mode: explicit, outbound: "127.0.0.1:%d"}
      """
          .formatted(workload, app, app, inbound, appPort, appProtocol, outbound);
    }
  }

  /** A service of an app on port 80, as a document. */
  public static String service(String app, String appProtocol) {
    return """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: shop}
    spec:
      selector: {app: %s}
      ports: [{name: main, port: 80, targetPort: main, appProtocol: %s}]
    """
        .formatted(app, app, appProtocol);
  }

  /** The mesh's settings, as the first document of a file. */
  public static String settings(String mode) {
    return """
    apiVersion: mesh.outrigger.dev/v1alpha1
    kind: MeshConfig
    metadata: {name: mesh}
    spec:
      trustDomain: cluster.local
      mtls: {mode: %s}
    """
        .formatted(mode);
  }

  /** Writes or replaces a file of the mesh in one step. */
  public void write(String file, String yaml) throws IOException {
    Peers.replace(folder.resolve("mesh").resolve(file), yaml);
  }

  /** Starts the control plane, or starts it again, and waits until it answers. */
  public Launched startControlPlane(String... flags) throws IOException {
    List<String> command =
        new ArrayList<>(
            Peers.outrigger(
                "control-plane",
                "--state=" + folder.resolve("state"),
                "--bind=127.0.0.1",
                "--xds-port=" + xds,
                "--xds-tls-port=" + xdsTls,
                "--api-port=" + api));
    command.addAll(source);
    command.addAll(List.of(flags));
    Launched started = Launched.start(folder, "control-plane-" + ++starts, command, environment);
    controlPlane = started;
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreExceptions()
        .failFast(started.name() + " ended", () -> !started.isAlive())
        .until(() -> call("/api/v1/root", null).contains("BEGIN CERTIFICATE"));
    Files.writeString(folder.resolve("root.pem"), call("/api/v1/root", null));
    return started;
  }

  public Launched controlPlane() {
    if (controlPlane == null) {
      throw new IllegalStateException("not started");
    }
    return controlPlane;
  }

  public int xdsPort() {
    return xds;
  }

  public int xdsTlsPort() {
    return xdsTls;
  }

  public int apiPort() {
    return api;
  }

  /** The trust root's file. */
  public Path root() {
    return folder.resolve("root.pem");
  }

  /** Asks the control plane's API: GET without a body, POST with one. */
  public String call(String path, @Nullable String body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api + path))
            .timeout(Duration.ofSeconds(10));
    if (body != null) {
      request.POST(HttpRequest.BodyPublishers.ofString(body));
    }
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  public JsonObject status() throws IOException {
    return JsonParser.parseString(call("/api/v1/status", null)).getAsJsonObject();
  }

  /** A join token's file for an identity. */
  public Path token(String identity) throws IOException {
    String token =
        JsonParser.parseString(
                call("/api/v1/tokens", "{\"identity\": \"" + identity + "\", \"uses\": 100}"))
            .getAsJsonObject()
            .get("token")
            .getAsString();
    Path file = Files.createTempFile(folder, "token", "");
    Files.writeString(file, token);
    return file;
  }

  /** Starts a workload's sidecar with further flags, and does not wait. */
  public Launched startProxy(Sidecar sidecar, Map<String, String> environment, String... flags)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            Peers.outrigger(
                "proxy",
                "--mesh=" + reached,
                "--join-token-file=" + token(sidecar.identity()),
                "--root-ca=" + root(),
                "--workload=" + sidecar.workload(),
                "--namespace=shop",
                "--concurrency=1",
                "--admin=127.0.0.1:" + sidecar.admin()));
    command.addAll(List.of(flags));
    Launched old = proxies.get(sidecar.workload());
    if (old != null && old.isAlive()) {
      throw new IllegalStateException(sidecar.workload() + " still runs");
    }
    Launched proxy =
        Launched.start(folder, sidecar.workload() + "-" + ++starts, command, environment);
    proxies.put(sidecar.workload(), proxy);
    return proxy;
  }

  /** Waits until a sidecar's {@code /ready} says yes. */
  public void awaitReady(Sidecar sidecar) {
    Launched proxy = proxy(sidecar);
    try {
      Awaitility.await()
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(50))
          .ignoreExceptionsInstanceOf(IOException.class)
          .failFast(proxy.name() + " ended", () -> !proxy.isAlive())
          .until(() -> admin(sidecar, "/ready").status() == 200);
    } catch (RuntimeException e) {
      throw new AssertionError(proxy.name() + " is not ready:\n" + proxy.said(), e);
    }
  }

  /** Asks a sidecar's admin server. */
  public static PlainClient.Answer admin(Sidecar sidecar, String path) throws IOException {
    try (PlainClient client = new PlainClient(sidecar.admin())) {
      return client.get("localhost", path);
    }
  }

  public Launched proxy(Sidecar sidecar) {
    Launched proxy = proxies.get(sidecar.workload());
    if (proxy == null) {
      throw new IllegalStateException(sidecar.workload() + " was not started");
    }
    return proxy;
  }

  /** What everyone has said, for a failed test. */
  public String logs() {
    StringBuilder all = new StringBuilder();
    if (controlPlane != null) {
      all.append("--- control plane\n").append(controlPlane.said());
    }
    proxies
        .values()
        .forEach(p -> all.append("--- ").append(p.name()).append('\n').append(p.said()));
    return all.toString();
  }

  @Override
  public void close() {
    proxies.values().forEach(Launched::terminate);
    proxies.values().forEach(Launched::close);
    if (controlPlane != null) {
      controlPlane.close();
    }
    replicas.forEach(Launched::close);
  }
}
