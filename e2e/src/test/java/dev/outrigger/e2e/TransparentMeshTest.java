package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.Namespaces;
import dev.outrigger.e2e.harness.Namespaces.Result;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Hosts with real capture rules: applications that know nothing of a proxy speak through two of
 * them, over mutual TLS, IPv4 and IPv6, while the wire between them is recorded.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TransparentMeshTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String UID = "1337";
  private static final String GIB = Long.toString(1L << 30);

  private final List<Launched> running = new ArrayList<>();
  private Path folder;
  private Namespaces hosts;
  private Launched client;
  private Launched server;

  private static String mesh(String mode) {
    StringBuilder yaml = new StringBuilder(LoopbackMesh.settings(mode));
    // A port of its own name and addresses for each, as a cluster gives them.
    service(yaml, "web", 10, 80, 8080, "http");
    service(yaml, "sink", 11, 80, 8081, "http");
    service(yaml, "echo", 12, 80, 9001, "http");
    service(yaml, "db", 13, 5432, 5432, "tcp");
    service(yaml, "cache", 14, 6379, 6379, "");
    service(yaml, "mail", 15, 25, 25, "");
    service(yaml, "opaque", 16, 7000, 7000, "tcp");
    return yaml.append(
            """
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: Workload
            metadata: {name: server, namespace: shop, labels: {app: server}}
            spec:
              addresses: [10.77.0.3, "fd77::3"]
              serviceAccount: server
              ports:
              - {name: web, port: 8080, appProtocol: http}
              - {name: sink, port: 8081, appProtocol: http}
              - {name: echo, port: 9001, appProtocol: http}
              - {name: db, port: 5432, appProtocol: tcp}
              - {name: cache, port: 6379}
              - {name: mail, port: 25}
              - {name: opaque, port: 7000, appProtocol: tcp}
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: Workload
            metadata: {name: client, namespace: shop, labels: {app: client}}
            spec:
              addresses: [10.77.0.2, "fd77::2"]
              serviceAccount: client
              ports: [{name: none, port: 1}]
            """)
        .toString();
  }

  private static void service(
      StringBuilder yaml, String name, int number, int port, int target, String protocol) {
    yaml.append(
        """
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: %s, namespace: shop}
        spec:
          selector: {app: server}
          clusterIPs: [10.96.0.%d, "fd96::%d"]
          ports: [{name: %s, port: %d, targetPort: %d%s}]
        """
            .formatted(
                name,
                number,
                number,
                name,
                port,
                target,
                protocol.isEmpty() ? "" : ", appProtocol: " + protocol));
  }

  @BeforeAll
  void startsHosts(@TempDir Path temporary) throws Exception {
    if (!Peers.isRoot() && !"required".equals(System.getenv("OUTRIGGER_PEERS"))) {
      assumeTrue(false, "network namespaces need root");
    }
    folder = temporary;
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    hosts = new Namespaces(folder);
    hosts.host("client", 2);
    hosts.host("server", 3);
    hosts.host("outsider", 4);
    Files.createDirectories(folder.resolve("mesh"));
    Peers.replace(folder.resolve("mesh/mesh.yaml"), mesh("STRICT"));
    start(
        "control-plane",
        hosts.in(
            "mid",
            Peers.outrigger(
                "control-plane",
                "--dir=" + folder.resolve("mesh"),
                "--state=" + folder.resolve("state"),
                "--bind=10.77.0.1")));
    running.getLast().await(Pattern.compile("control-plane ready"), PATIENCE);
    Path root = folder.resolve("root.pem");
    Files.writeString(root, hosts.run("mid", "curl", "-sS", "http://127.0.0.1:15080/api/v1/root"));
    startApplications();
    server = startProxy("server", root);
    client = startProxy("client", root);
    for (String host : List.of("server", "client")) {
      Awaitility.await()
          .atMost(PATIENCE)
          .until(
              () ->
                  hosts
                      .tryRun(host, PATIENCE, "curl", "-sf", "http://127.0.0.1:15000/ready")
                      .said()
                      .contains("LIVE"));
      hosts.run(host, Peers.outrigger("init").toArray(String[]::new));
    }
  }

  private Launched start(String name, List<String> command) throws IOException {
    Launched started = Launched.start(folder, name, command);
    running.add(started);
    return started;
  }

  private Launched startProxy(String workload, Path root) throws Exception {
    String reply =
        hosts.run(
            "mid",
            "curl",
            "-sS",
            "-d",
            "{\"uses\": 10, \"identity\": \"spiffe://cluster.local/ns/shop/sa/" + workload + "\"}",
            "http://127.0.0.1:15080/api/v1/tokens");
    Path token = folder.resolve(workload + ".token");
    Files.writeString(
        token, JsonParser.parseString(reply).getAsJsonObject().get("token").getAsString());
    Path state = folder.resolve(workload + ".state");
    Files.createDirectory(state);
    Files.setAttribute(state, "unix:uid", Integer.parseInt(UID));
    // The right to read lets it run from a checkout that only its owner may enter.
    List<String> command =
        new ArrayList<>(
            List.of(
                Peers.require("setpriv"),
                "--reuid=" + UID,
                "--regid=" + UID,
                "--clear-groups",
                "--inh-caps=+dac_read_search",
                "--ambient-caps=+dac_read_search"));
    command.addAll(
        Peers.outrigger(
            "proxy",
            "--mesh=10.77.0.1:15012",
            "--join-token-file=" + token,
            "--root-ca=" + root,
            "--workload=" + workload,
            "--namespace=shop",
            "--state-dir=" + state,
            "--concurrency=1",
            "--admin=127.0.0.1:15000"));
    return start(workload + ".proxy", hosts.in(workload, command));
  }

  private void startApplications() throws Exception {
    Path www = Files.createDirectory(folder.resolve("www"));
    Files.writeString(www.resolve("index.html"), "the-body-of-nginx\n");
    try (var big = new java.io.RandomAccessFile(www.resolve("big").toFile(), "rw")) {
      big.setLength(Long.parseLong(GIB));
    }
    Path nginx = folder.resolve("nginx.conf");
    Files.writeString(
        nginx,
        """
        daemon off; user root; worker_processes 1; pid %1$s/nginx.pid;
        error_log stderr warn;
        events { worker_connections 256; }
        http {
          access_log off; client_body_temp_path %1$s; proxy_temp_path %1$s;
          fastcgi_temp_path %1$s; uwsgi_temp_path %1$s; scgi_temp_path %1$s;
          server {
            listen 8080; listen [::]:8080; root %2$s;
            location /port { default_type text/plain; return 200 "$remote_port\\n"; }
            location /who { default_type text/plain; return 200 "$http_x_forwarded_client_cert\\n"; }
          }
        }
        """
            .formatted(folder, www));
    start(
        "nginx",
        hosts.in("server", List.of(Peers.require("nginx"), "-e", "stderr", "-c", "" + nginx)));
    start(
        "redis",
        hosts.in(
            "server",
            List.of(
                Peers.require("redis-server"),
                "--port",
                "6379",
                "--bind",
                "0.0.0.0",
                "::",
                "--protected-mode",
                "no",
                "--save",
                "",
                "--dir",
                folder.toString())));
    Path peer = folder.resolve("peer.py");
    try (var script =
        Objects.requireNonNull(TransparentMeshTest.class.getResourceAsStream("/peer.py"))) {
      Files.copy(script, peer);
    }
    start(
        "peer",
        hosts.in(
            "server", List.of(Peers.require("python3"), "" + peer, "8081", "9001", "25", "7000")));
    running.getLast().await(Pattern.compile("ready"), PATIENCE);
    startPostgres();
  }

  private void startPostgres() throws Exception {
    Path data = folder.resolve("pg");
    Files.createDirectory(data);
    hosts.run("server", "chown", "postgres", data.toString());
    List<String> asPostgres =
        List.of(Peers.require("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups");
    List<String> initdb = new ArrayList<>(asPostgres);
    initdb.addAll(
        List.of(Peers.require("initdb"), "-D", "" + data, "-A", "trust", "-U", "shop", "-N"));
    Result made = hosts.tryRun("server", PATIENCE, initdb.toArray(String[]::new));
    assertThat(made.exit()).as(made.said()).isZero();
    Files.writeString(data.resolve("pg_hba.conf"), "host all all all trust\n");
    List<String> postgres = new ArrayList<>(asPostgres);
    postgres.addAll(
        List.of(
            Peers.require("postgres"),
            "-D",
            "" + data,
            "-c",
            "listen_addresses=*",
            "-c",
            "unix_socket_directories=",
            "-c",
            "fsync=off"));
    start("postgres", hosts.in("server", postgres));
    running.getLast().await(Pattern.compile("ready to accept connections"), PATIENCE);
  }

  @AfterAll
  void ends() throws Exception {
    running.reversed().forEach(Launched::close);
    if (hosts != null) {
      hosts.close();
    }
  }

  private String logs() {
    StringBuilder all = new StringBuilder();
    for (Launched one : List.of(client, server)) {
      all.append("--- ").append(one.name()).append('\n').append(one.said());
    }
    return all.toString();
  }

  private Result curl(String host, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("curl", "-sS", "--max-time", "20"));
    command.addAll(List.of(arguments));
    return hosts.tryRun(host, PATIENCE, command.toArray(String[]::new));
  }

  private static int count(byte[] in, byte[] wanted) {
    int found = 0;
    for (int i = 0; i + wanted.length <= in.length; i++) {
      boolean same = true;
      for (int j = 0; same && j < wanted.length; j++) {
        same = in[i + j] == wanted[j];
      }
      found += same ? 1 : 0;
    }
    return found;
  }

  /** What crosses the bridge while something is done. */
  private byte[] capture(String name, int port, Step step) throws Exception {
    Path file = folder.resolve(name + ".pcap");
    Launched tcpdump =
        start(
            "tcpdump-" + name,
            hosts.in(
                "mid",
                List.of(
                    Peers.require("tcpdump"),
                    "-i",
                    "br0",
                    "-U",
                    "-s",
                    "0",
                    "-Z",
                    "root",
                    "-w",
                    "" + file,
                    "tcp",
                    "port",
                    "" + port)));
    tcpdump.await(Pattern.compile("listening on"), PATIENCE);
    step.run();
    Awaitility.await().atMost(PATIENCE).until(() -> Files.size(file) > 1000);
    tcpdump.terminate();
    tcpdump.exit(PATIENCE);
    return Files.readAllBytes(file);
  }

  @FunctionalInterface
  private interface Step {
    void run() throws Exception;
  }

  @ParameterizedTest
  @Order(1)
  @ValueSource(strings = {"10.96.0.10", "[fd96::10]"})
  void curlReachesNginxOverMutualTls(String address) throws Exception {
    String mark = "/?the-secret-of-the-request";
    byte[] wire =
        capture(
            "nginx-" + address.length(),
            8080,
            () -> {
              Result page = curl("client", "http://" + address + mark);
              assertThat(page.said()).as(this::logs).isEqualTo("the-body-of-nginx\n");
            });
    byte[] tlsRecord = {0x17, 3, 3};
    assertThat(count(wire, tlsRecord)).isGreaterThan(1);
    for (String plain : List.of("the-secret-of-the-request", "the-body-of-nginx", "HTTP/1.1")) {
      assertThat(count(wire, plain.getBytes(StandardCharsets.US_ASCII))).as(plain).isZero();
    }
    assertThat(curl("client", "http://" + address + "/who").said())
        .contains("URI=spiffe://cluster.local/ns/shop/sa/client");
  }

  @ParameterizedTest
  @Order(2)
  @ValueSource(strings = {"10.96.0.13", "fd96::13"})
  void psqlReachesPostgres(String address) throws Exception {
    for (String tls : List.of("disable", "prefer")) {
      Result answer =
          hosts.tryRun(
              "client",
              PATIENCE,
              Peers.require("psql"),
              "host=" + address + " user=shop dbname=postgres sslmode=" + tls,
              "-Atc",
              "select 6 * 7");
      assertThat(answer.said()).as(this::logs).isEqualTo("42\n");
    }
  }

  @ParameterizedTest
  @Order(2)
  @ValueSource(strings = {"10.96.0.14", "fd96::14"})
  void redisReachesRedis(String address) throws Exception {
    assertThat(
            hosts
                .tryRun(
                    "client", PATIENCE, Peers.require("redis-cli"), "-h", address, "set", "a", "b")
                .said())
        .as(this::logs)
        .isEqualTo("OK\n");
    assertThat(
            hosts
                .tryRun("client", PATIENCE, Peers.require("redis-cli"), "-h", address, "get", "a")
                .said())
        .isEqualTo("b\n");
  }

  @ParameterizedTest
  @Order(2)
  @ValueSource(strings = {"10.96.0.15 25", "10.96.0.16 7000", "fd96::15 25", "fd96::16 7000"})
  void serversThatSpeakFirstWaitForNothing(String place) throws Exception {
    String[] parts = place.split(" ", 2);
    Result spoken =
        hosts.tryRun(
            "client",
            PATIENCE,
            Peers.require("python3"),
            "-c",
            """
            import socket, sys, time
            began = time.monotonic()
            s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
            f = s.makefile("rb")
            print(f.readline().decode().strip(), time.monotonic() - began < 0.9)
            s.sendall(b"me\\n")
            print(f.readline().decode().strip())
            """,
            parts[0],
            parts[1]);
    assertThat(spoken.said()).as(this::logs).isEqualTo("220 who is there? True\nME\n");
  }

  @ParameterizedTest
  @Order(2)
  @ValueSource(strings = {"10.96.0.12", "fd96::12"})
  void aWebSocketEchoes(String address) throws Exception {
    Result spoken =
        hosts.tryRun(
            "client",
            PATIENCE,
            Peers.require("python3"),
            "-c",
            """
            import socket, sys
            s = socket.create_connection((sys.argv[1], 80), 10)
            s.sendall(b"GET /chat HTTP/1.1\\r\\nhost: echo.shop\\r\\nupgrade: websocket\\r\\n"
                      b"connection: upgrade\\r\\nsec-websocket-version: 13\\r\\n"
                      b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n")
            f = s.makefile("rb")
            print(f.readline().decode().strip())
            for line in iter(f.readline, b"\\r\\n"):
                if line.lower().startswith(b"sec-websocket-accept"):
                    print(line.decode().split(":")[1].strip())
            for word in (b"hello", b"x" * 300):
                size = bytes([128 | len(word)]) if len(word) < 126 else b"\\xfe\\x01\\x2c"
                s.sendall(b"\\x81" + size + b"\\0\\0\\0\\0" + word)
                head = f.read(2)
                length = head[1] if head[1] < 126 else int.from_bytes(f.read(2), "big")
                print(f.read(length) == word)
            """,
            address);
    assertThat(spoken.said())
        .as(this::logs)
        .isEqualTo("HTTP/1.1 101 Switching Protocols\ns3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nTrue\nTrue\n");
  }

  @Test
  @Order(3)
  void aGibibyteEachWayNeedsLittleMemory() throws Exception {
    long clientBefore = client.memoryKib("VmRSS");
    long serverBefore = server.memoryKib("VmRSS");
    Result down =
        curl(
            "client",
            "--max-time",
            "120",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{size_download}",
            "http://10.96.0.10/big");
    assertThat(down.said()).as(this::logs).isEqualTo("200 " + GIB);
    Result up =
        curl(
            "client",
            "--max-time",
            "120",
            "-T",
            folder.resolve("www/big").toString(),
            "-H",
            "expect:",
            "http://[fd96::11]/big");
    assertThat(up.said()).as(this::logs).isEqualTo(GIB);
    assertThat(client.memoryKib("VmHWM") - clientBefore).isLessThan(96 * 1024);
    assertThat(server.memoryKib("VmHWM") - serverBefore).isLessThan(96 * 1024);
  }

  @Test
  @Order(4)
  void rulesAreCheckedAndMayBeInstalledAgain() throws Exception {
    String[] check = Peers.outrigger("init", "--check").toArray(String[]::new);
    assertThat(hosts.tryRun("client", PATIENCE, check).exit()).isZero();
    hosts.run("client", Peers.outrigger("init").toArray(String[]::new));
    assertThat(hosts.tryRun("client", PATIENCE, check).exit()).isZero();
    assertThat(curl("client", "http://10.96.0.10/").said()).isEqualTo("the-body-of-nginx\n");
    hosts.run("outsider", Peers.outrigger("init").toArray(String[]::new));
    hosts.run("outsider", Peers.outrigger("init", "--remove").toArray(String[]::new));
    assertThat(hosts.tryRun("outsider", PATIENCE, check).exit()).isEqualTo(1);
  }

  @Test
  @Order(4)
  void aProxyRefusesToCallItself() throws Exception {
    for (String own : List.of("10.77.0.3:15006", "[fd77::3]:15006", "10.77.0.3:15001")) {
      Result loop = curl("outsider", "http://" + own + "/");
      assertThat(loop.exit()).as("%s: %s", own, loop.said()).isNotZero();
    }
    assertThat(server.isAlive()).isTrue();
    assertThat(curl("client", "http://10.96.0.10/").said()).isEqualTo("the-body-of-nginx\n");
  }

  @ParameterizedTest
  @Order(4)
  @ValueSource(strings = {"10.96.0", "fd96:"})
  void anApplicationReachesItsOwnService(String network) throws Exception {
    String web = network.equals("fd96:") ? "[fd96::10]" : network + ".10";
    String cache = network.equals("fd96:") ? "fd96::14" : network + ".14";
    assertThat(curl("server", "http://" + web + "/").said())
        .as(this::logs)
        .isEqualTo("the-body-of-nginx\n");
    assertThat(
            hosts
                .tryRun("server", PATIENCE, Peers.require("redis-cli"), "-h", cache, "ping")
                .said())
        .as(this::logs)
        .isEqualTo("PONG\n");
  }

  @Test
  @Order(5)
  void anExcludedPortGoesStraight() throws Exception {
    try {
      hosts.run("client", init("--exclude-outbound-ports", "8080"));
      hosts.run("server", init("--exclude-inbound-ports", "8080"));
      for (String address : List.of("10.77.0.3", "[fd77::3]")) {
        Result ports = curl("client", "-w", "%{local_port}\n", "http://" + address + ":8080/port");
        // The port that the client has is the one that the server sees: nobody is between them.
        assertThat(ports.said().lines().toList()).as(ports.said()).hasSize(2);
        assertThat(ports.said().lines().distinct()).as(ports.said()).hasSize(1);
      }
    } finally {
      hosts.run("client", init());
      hosts.run("server", init());
    }
    assertThat(curl("outsider", "http://10.77.0.3:8080/port").exit()).isIn(52, 56);
  }

  private static String[] init(String... flags) {
    List<String> command = new ArrayList<>(Peers.outrigger("init"));
    command.addAll(List.of(flags));
    return command.toArray(String[]::new);
  }

  @Test
  @Order(9)
  void anOutsiderIsRefusedUnderStrictAndServedUnderPermissive() throws Exception {
    for (String address : List.of("10.77.0.3", "[fd77::3]")) {
      Result refused = curl("outsider", "http://" + address + ":8080/");
      assertThat(refused.exit()).as(refused.said()).isIn(52, 56);
      assertThat(refused.said()).doesNotContain("the-body-of-nginx");
    }
    Peers.replace(folder.resolve("mesh/mesh.yaml"), mesh("PERMISSIVE"));
    for (String address : List.of("10.77.0.3", "[fd77::3]")) {
      Awaitility.await()
          .atMost(PATIENCE)
          .until(
              () ->
                  curl("outsider", "http://" + address + ":8080/")
                      .said()
                      .equals("the-body-of-nginx\n"));
    }
    byte[] wire =
        capture("plain", 8080, () -> curl("outsider", "http://10.77.0.3:8080/?in-plain-text"));
    assertThat(count(wire, "in-plain-text".getBytes(StandardCharsets.US_ASCII))).isPositive();
    assertThat(
            curl("outsider", "-H", "x-forwarded-client-cert: me", "http://10.77.0.3:8080/who")
                .said())
        .isEqualTo("\n");
    assertThat(Map.of("client", client.isAlive(), "server", server.isAlive()))
        .doesNotContainValue(false);
  }
}
