package dev.outrigger.e2e.harness;

import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * One mesh of two sidecars for all tests that measure faults: a caller, and a far side with several
 * services. Experiments are defined by name and run one at a time.
 *
 * <p>Services of namespace {@code shop}: {@code web}, {@code other} (nginx, HTTP/1.1), {@code h2}
 * (nginx, HTTP/2 all the way), {@code words} (gRPC's interoperability server), {@code raw} ({@link
 * ByteServer}), and those that {@link #startStores} brings: {@code db} (PostgreSQL), {@code cache}
 * (Redis) and {@code ws} (an echo of WebSocket messages).
 */
public final class ChaosMesh implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final String ECHO =
      """
      import asyncio
      from websockets.asyncio.server import serve

      async def echo(socket):
          async for message in socket:
              await socket.send(message)

      async def main():
          async with serve(echo, "127.0.0.1", %d, ping_interval=None, compression=None):
              print("ready", flush=True)
              await asyncio.get_running_loop().create_future()

      asyncio.run(main())
      """;

  /** How long is the body at {@code /big}. */
  public static final int BIG = 1 << 20;

  /** How long is the body at {@code /huge}: longer than a test waits. */
  private static final long HUGE = 1L << 30;

  private final Path folder;
  private final List<AutoCloseable> started = new ArrayList<>();
  private final Map<String, Integer> tcpPorts = new LinkedHashMap<>();
  private final Map<String, Integer> appPorts = new LinkedHashMap<>();
  private final ByteServer bytes;
  private final Sidecar caller;
  private final Sidecar far;
  private final LoopbackMesh mesh;
  private boolean stores;

  /** Gives a test class the one mesh, which ends after the last of them. */
  public static final class Shared implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == ChaosMesh.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return context
          .getRoot()
          .getStore(ExtensionContext.Namespace.create(ChaosMesh.class))
          .computeIfAbsent(
              ChaosMesh.class,
              _ -> {
                try {
                  return new ChaosMesh();
                } catch (Exception e) {
                  throw new IllegalStateException("no mesh to measure", e);
                }
              },
              ChaosMesh.class);
    }
  }

  /** A running experiment; closing it waits until no proxy holds anything of it. */
  public final class Run implements AutoCloseable {
    private final String name;

    private Run(String name) {
      this.name = name;
    }

    /** Ends it; a second time does nothing. */
    @Override
    public void close() {
      try {
        mesh.call("/api/v1/experiments/shop/" + name + "/stop", "{\"who\": \"test\"}");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      patience()
          .until(() -> faults(caller).startsWith("no fault") && faults(far).startsWith("no fault"));
    }
  }

  /** Another one, beside the one that all share, for who closes it. */
  public static ChaosMesh another() throws Exception {
    return new ChaosMesh();
  }

  private ChaosMesh() throws Exception {
    // Owned by root and yet open: PostgreSQL does not run as root.
    folder = Files.createTempDirectory("outrigger-chaos");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    bytes = new ByteServer();
    started.add(bytes);
    try {
      List<Integer> ports = Peers.freePorts(10);
      for (String service : List.of("web", "other", "h2", "words", "ws", "db", "cache")) {
        appPorts.put(service, ports.removeFirst());
      }
      appPorts.put("raw", bytes.port());
      for (String service : List.of("raw", "db", "cache")) {
        tcpPorts.put(service, ports.removeFirst());
      }
      caller = Sidecar.beside("caller-1", "caller", 1);
      far = Sidecar.beside("far-1", "far", 1);
      startNginx();
      int words = appPort("words");
      start("words", List.of(Peers.require("grpc-interop-server"), "-port=" + words));
      mesh = new LoopbackMesh(folder);
      started.add(mesh);
      mesh.write("mesh.yaml", document());
      mesh.startControlPlane();
      mesh.startProxy(caller, Map.of(), "--drain-time=1s");
      mesh.startProxy(far, Map.of(), "--drain-time=1s");
      mesh.awaitReady(caller);
      mesh.awaitReady(far);
      for (String service : List.of("web", "other", "h2")) {
        patience()
            .ignoreExceptionsInstanceOf(IOException.class)
            .until(
                () -> {
                  try (PlainClient client = new PlainClient(outbound())) {
                    return client.get(service + ".shop", "/").status() == 200;
                  }
                });
      }
    } catch (Exception | Error e) {
      closeStarted();
      throw e;
    }
  }

  private static ConditionFactory patience() {
    return Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10));
  }

  private Launched start(String name, List<String> command) throws IOException {
    Launched launched = Launched.start(folder, name, command);
    started.add(launched);
    return launched;
  }

  private void startNginx() throws Exception {
    Path www = Files.createDirectory(folder.resolve("www"));
    byte[] big = new byte[BIG];
    KnownBytes.fill(0, big, big.length);
    Files.write(www.resolve("big"), big);
    try (RandomAccessFile huge = new RandomAccessFile(www.resolve("huge").toFile(), "rw")) {
      huge.setLength(HUGE); // takes no space
    }
    Path config = folder.resolve("nginx.conf");
    Files.writeString(
        config,
        """
        daemon off; worker_processes 1; pid %1$s/nginx.pid; error_log stderr crit;
        %5$s
        events { worker_connections 512; }
        http {
          access_log off; client_body_temp_path %1$s; proxy_temp_path %1$s;
          fastcgi_temp_path %1$s; uwsgi_temp_path %1$s; scgi_temp_path %1$s;
          keepalive_requests 10000000; root %1$s/www;
          server {
            listen 127.0.0.1:%2$d backlog=512; listen 127.0.0.1:%3$d backlog=512;
            listen 127.0.0.1:%4$d http2 backlog=512; http2_max_requests 10000000;
            location / { default_type text/plain; return 200 "fine $http_x_tenant\\n"; }
            location /big { default_type text/plain; }
            location /huge { default_type text/plain; }
          }
        }
        """
            .formatted(
                folder,
                appPort("web"),
                appPort("other"),
                appPort("h2"),
                Peers.isRoot() ? "user root;" : ""));
    start("nginx", List.of(Peers.require("nginx"), "-e", "stderr", "-c", config.toString()));
  }

  private String document() throws IOException {
    StringBuilder yaml =
        new StringBuilder(LoopbackMesh.settings("STRICT"))
            .append("  chaos: {haltCooldown: 0s}\n  accessLog: none\n");
    Map<String, String> protocols = new LinkedHashMap<>();
    protocols.put("web", "http");
    protocols.put("other", "http");
    protocols.put("h2", "http2");
    protocols.put("ws", "http");
    protocols.put("words", "grpc");
    tcpPorts.keySet().forEach(service -> protocols.put(service, "tcp"));
    List<Integer> inbound = Peers.freePorts(protocols.size());
    StringBuilder farPorts = new StringBuilder();
    protocols.forEach(
        (service, protocol) -> {
          yaml.append(
              """
              ---
              apiVersion: v1
              kind: Service
              metadata: {name: %1$s, namespace: shop}
              spec:
                selector: {app: far}
                ports: [{name: %1$s, port: 80, targetPort: %1$s, appProtocol: %2$s}]
              """
                  .formatted(service, protocol));
          farPorts.append(
              "  - {name: %s, port: %d, appPort: %d, appProtocol: %s}\n"
                  .formatted(service, inbound.removeFirst(), appPort(service), protocol));
          if (!protocol.equals("tcp")) {
            // A fault at an attempt is to be seen, not to be hidden by the next one.
            yaml.append(
                """
                ---
                apiVersion: mesh.outrigger.dev/v1alpha1
                kind: TrafficPolicy
                metadata: {name: %1$s, namespace: shop}
                spec:
                  targetRefs: [{kind: Service, name: %1$s}]
                  retries: {attempts: 0}
                """
                    .formatted(service));
          }
        });
    StringBuilder outbound = new StringBuilder();
    tcpPorts.forEach(
        (service, port) ->
            outbound.append(
                "    - {service: %s, port: 80, listen: \"127.0.0.1:%d\"}\n"
                    .formatted(service, port)));
    return yaml.append(
            """
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: Workload
            metadata: {name: far-1, namespace: shop, labels: {app: far}}
            spec:
              address: 127.0.0.1
              serviceAccount: far
              ports:
            %s  sidecar: {mode: explicit, outbound: "127.0.0.1:%d"}
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: Workload
            metadata: {name: caller-1, namespace: shop, labels: {app: caller}}
            spec:
              address: 127.0.0.1
              serviceAccount: caller
              ports: [{name: main, port: %d, appPort: 1, appProtocol: http}]
              sidecar:
                mode: explicit
                outbound: "127.0.0.1:%d"
                outboundTcp:
            %s"""
                .formatted(farPorts, far.outbound(), caller.inbound(), caller.outbound(), outbound))
        .toString();
  }

  /** Starts PostgreSQL, Redis and a WebSocket server once; further calls do nothing. */
  public synchronized void startStores() throws Exception {
    if (stores) {
      return;
    }
    stores = true;
    start(
        "redis",
        List.of(
            Peers.require("redis-server"),
            "--port",
            Integer.toString(appPort("cache")),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            folder.toString()));
    start("ws", List.of(Peers.require("websockets-python"), "-c", ECHO.formatted(appPort("ws"))))
        .await(Pattern.compile("ready"), PATIENCE);
    Path data = Files.createDirectory(folder.resolve("pg"));
    List<String> other = new ArrayList<>();
    if (Peers.isRoot()) {
      run(List.of("chown", "postgres", data.toString()));
      other.addAll(
          List.of(
              Peers.require("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups"));
    }
    List<String> initdb = new ArrayList<>(other);
    initdb.addAll(
        List.of(Peers.require("initdb"), "-D", "" + data, "-A", "trust", "-U", "shop", "-N"));
    run(initdb);
    List<String> postgres = new ArrayList<>(other);
    postgres.addAll(
        List.of(
            Peers.require("postgres"),
            "-D",
            "" + data,
            "-p",
            Integer.toString(appPort("db")),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "fsync=off"));
    start("postgres", postgres).await(Pattern.compile("ready to accept connections"), PATIENCE);
  }

  /** Runs a program to its end, which is success, and gives what it said on both streams. */
  public String run(List<String> command) throws Exception {
    Said said = tryRun(command);
    if (said.exit() != 0) {
      throw new AssertionError(command + " ended with " + said.exit() + ":\n" + said.text());
    }
    return said.text();
  }

  /** What came of a program. */
  public record Said(int exit, String text) {}

  /** Runs a program to its end, or for a minute. */
  public Said tryRun(List<String> command) throws Exception {
    Path output = Files.createTempFile(folder, "said", "");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(new java.io.File("/dev/null"))
            .redirectOutput(output.toFile())
            .start();
    if (!process.waitFor(10 * PATIENCE.toSeconds(), java.util.concurrent.TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
    }
    String text = Files.readString(output);
    Files.delete(output);
    return new Said(process.exitValue(), text);
  }

  /**
   * Puts this process and all that it started on one core, but for the control planes, which go to
   * another. Who answers one call after another is woken on the same core then, instead of on
   * whichever is idle at that moment, which may cost more than the call.
   *
   * @param others that are there as well
   */
  public void shareOneCore(ChaosMesh... others) throws Exception {
    Set<Long> control = new HashSet<>(Set.of(mesh.controlPlane().pid()));
    for (ChaosMesh other : others) {
      control.add(other.mesh.controlPlane().pid());
    }
    pin(ProcessHandle.current().pid(), "0");
    for (ProcessHandle one : ProcessHandle.current().descendants().toList()) {
      pin(one.pid(), control.contains(one.pid()) ? "1" : "0");
    }
  }

  /** Lets all run where they like again, on so many cores. */
  public void shareAllCores(int cores) throws Exception {
    String all = "0-" + (cores - 1);
    pin(ProcessHandle.current().pid(), all);
    for (ProcessHandle one : ProcessHandle.current().descendants().toList()) {
      pin(one.pid(), all);
    }
  }

  private void pin(long pid, String cores) throws Exception {
    tryRun(List.of(Peers.require("taskset"), "-acp", cores, Long.toString(pid)));
  }

  /** Where the caller sends HTTP; the service is in the authority, such as {@code web.shop}. */
  public int outbound() {
    return caller.outbound();
  }

  /** Where the caller sends bytes for a service. */
  public int tcp(String service) {
    Integer port = tcpPorts.get(service);
    if (port == null) {
      throw new IllegalArgumentException(service);
    }
    return port;
  }

  /** Where an application listens itself. */
  public int appPort(String service) {
    Integer port = appPorts.get(service);
    if (port == null) {
      throw new IllegalArgumentException(service);
    }
    return port;
  }

  /** The application behind {@code raw}. */
  public ByteServer bytes() {
    return bytes;
  }

  /**
   * Defines experiments of one fault each, by name; those of the same file are replaced. Each is to
   * be run once: a second time would have to wait until every lease of the first is over.
   *
   * @param faults a fault without its name, in lines of YAML
   */
  public void define(String file, Map<String, String> faults) throws IOException {
    StringBuilder yaml = new StringBuilder();
    faults.forEach(
        (name, fault) ->
            yaml.append(
                """
                apiVersion: chaos.outrigger.dev/v1alpha1
                kind: Experiment
                metadata: {name: %s, namespace: shop}
                spec:
                  hypothesis: the caller meets what was written
                  owner: tests
                  duration: 2h
                  lease: 30s
                  start: manual
                  faults:
                  - name: f
                %s---
                """
                    .formatted(name, fault.strip().indent(4))));
    mesh.write(file + ".yaml", yaml.toString());
  }

  /** Defines as many of each, with {@code -0}, {@code -1}... behind their names. */
  public void define(String file, int copies, Map<String, String> faults) throws IOException {
    Map<String, String> all = new LinkedHashMap<>();
    faults.forEach(
        (name, fault) -> {
          for (int i = 0; i < copies; i++) {
            all.put(name + "-" + i, fault);
          }
        });
    define(file, all);
  }

  /** Starts an experiment and waits until the proxy of its place goes by it. */
  public Run run(String name) {
    @Nullable String[] said = new String[1];
    try {
      patience()
          .until(
              () -> {
                said[0] =
                    mesh.call("/api/v1/experiments/shop/" + name + "/start", "{\"who\": \"test\"}");
                return said[0].contains("Running");
              });
      patience()
          .until(() -> faults(caller).contains(name + "/f ") || faults(far).contains(name + "/f "));
    } catch (RuntimeException e) {
      throw new AssertionError(name + " does not run: " + said[0] + "\n" + mesh.logs(), e);
    }
    return new Run(name);
  }

  private static String faults(Sidecar sidecar) throws IOException {
    return LoopbackMesh.admin(sidecar, "/faults").text();
  }

  /** How many connections the caller's proxy has opened to a service since it began. */
  public long connectionsOpened(String service) throws IOException {
    return Pattern.compile(
            "outrigger_upstream_connections_opened_total\\{[^}]*" + service + "[^}]*} (\\d+)")
        .matcher(LoopbackMesh.admin(caller, "/metrics").text())
        .results()
        .mapToLong(found -> Long.parseLong(found.group(1)))
        .sum();
  }

  public String logs() {
    return mesh.logs();
  }

  private void closeStarted() {
    for (AutoCloseable one : started.reversed()) {
      try {
        one.close();
      } catch (Exception e) {
        // The others are to end, too.
      }
    }
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException | UncheckedIOException e) {
      // What is left is in the folder of temporary files.
    }
  }

  @Override
  public void close() {
    Measurements.print();
    closeStarted();
  }
}
