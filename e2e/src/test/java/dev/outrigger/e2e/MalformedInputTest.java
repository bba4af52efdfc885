package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.EchoServer;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever comes: a clear error, and everything goes on. */
class MalformedInputTest {
  private static final Duration PATIENCE = Duration.ofSeconds(40);
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  private static final Map<String, String> PARANOID =
      Map.of("OUTRIGGER_JVM_OPTS", "-Dio.netty.leakDetection.level=paranoid");

  @TempDir private Path folder;

  private record Ended(int exit, String said) {}

  private Ended run(String name, String... arguments) throws Exception {
    try (Launched run = Launched.start(folder, name, Peers.outrigger(arguments))) {
      return new Ended(run.exit(PATIENCE), run.said());
    }
  }

  @Test
  void badBootstrapsAreRefusedInOneLineWithTheirPlace() throws Exception {
    Map<String, String> said = new LinkedHashMap<>();
    said.put("# nothing\n", ":1:1: the document is empty");
    said.put("admin: [1, 2\n", ":2:1: no valid YAML");
    said.put("admin:\n  adress: {}\n", "did you mean 'address'?");
    said.put("static_resources: {clusters: [{name: a, type: STRICT}]}\n", ":1:");
    said.put("\0\1\2\3", "no valid YAML");
    said.put(
        "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 70000}}}\n",
        "expected 0 to 65535");
    said.put("a: &a [*a]\n".repeat(2), ":");
    said.put("static_resources: {listeners: [{name: l}]}\n", "listeners[0]");
    int number = 0;
    for (Map.Entry<String, String> one : said.entrySet()) {
      Path file = folder.resolve("bad-" + number + ".yaml");
      Files.writeString(file, one.getKey());
      Ended ended = run("validate-" + number++, "proxy", "-c", "" + file, "--mode", "validate");
      assertThat(ended.exit()).as(one.getKey()).isNotZero();
      assertThat(ended.said())
          .contains(one.getValue())
          .contains(file + ":")
          .doesNotContain("\tat ")
          .doesNotContain("Exception");
    }
  }

  @Test
  void anAddressThatSomebodyHasIsSaidInALine() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String address = "127.0.0.1:" + taken.getLocalPort();
      String target = "127.0.0.1:9";
      Ended listener = run("taken", "proxy", "--listen", address, "--to", target);
      Ended admin =
          run("taken-admin", "proxy", "--listen=127.0.0.1:0", "--to", target, "--admin", address);
      for (Ended ended : List.of(listener, admin)) {
        assertThat(ended.exit()).as(ended.said()).isEqualTo(4);
        assertThat(ended.said())
            .contains("cannot bind " + address + ": another program has the address")
            .doesNotContain("\tat ")
            .doesNotContain("draining");
      }
    }
  }

  @Test
  void badDocumentsAreToldByFileLineAndColumn() throws Exception {
    Path mesh = Files.createDirectory(folder.resolve("bad-mesh"));
    Map<String, String> bad = new LinkedHashMap<>();
    bad.put("apiVersion: v1\nkind: Servce\nmetadata: {name: a}\n", "2:7");
    bad.put("apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec:\n  prots: []\n", "5:3");
    bad.put("a: [1, 2\n", "1:9");
    bad.put("\0\1\2", "1:1");
    bad.put("- just\n- a list\n", "1:1");
    bad.put("a: 1\na: 2\n", "2:1");
    bad.put("x: &x [*x, *x]\n", ":");
    bad.put("{".repeat(5000), ":");
    List<String> expected = new ArrayList<>();
    int number = 0;
    for (Map.Entry<String, String> one : bad.entrySet()) {
      Path file = mesh.resolve("bad-" + number++ + ".yaml");
      Files.writeString(file, one.getKey());
      expected.add(one.getValue().equals(":") ? file + ":" : file + ":" + one.getValue());
    }
    Ended ended = run("analyze", "analyze", "" + mesh);
    assertThat(ended.exit()).isEqualTo(1);
    assertThat(ended.said()).contains(expected).doesNotContain("\tat ");
  }

  /** What nobody should send: of every kind, cut short at every place, and by chance. */
  private static List<byte[]> garbage() {
    List<byte[]> all = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(20261121);
    for (int length : new int[] {1, 2, 5, 16, 100, 1000, 20_000}) {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      all.add(bytes);
      byte[] tls = bytes.clone();
      byte[] record = {0x16, 3, 1};
      System.arraycopy(record, 0, tls, 0, Math.min(3, length));
      all.add(tls);
    }
    String request =
        "POST /a HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for (int i = 1; i < request.length(); i += 7) {
      all.add(request.substring(0, i).getBytes(StandardCharsets.US_ASCII));
    }
    for (String text :
        List.of(
            "GET / HTTP/1.1\r\n" + "x: y\r\n".repeat(10_000),
            "GET /" + "a".repeat(100_000),
            "\r\n".repeat(1000),
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            PREFACE,
            PREFACE + "\0\0\0\4\0\0\0\0\0" + "garbage".repeat(50),
            PREFACE + "\0\0\0\4\0\0\0\0\0" + "\0\0\4\10\0\0\0\0\0\0\0\0\0")) {
      all.add(text.getBytes(StandardCharsets.ISO_8859_1));
    }
    // A ClientHello that begins well, cut short and then bent.
    byte[] hello =
        HexFormat.of()
            .parseHex(
                "16030100650100006103030102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
                    + "1e1f20000002130101000036000a00040002001d000d0006000404030804002b000302030400"
                    + "330026");
    for (int i = 1; i <= hello.length; i += 11) {
      all.add(Arrays.copyOf(hello, i));
    }
    for (int i = 0; i < 20; i++) {
      byte[] bent = hello.clone();
      bent[random.nextInt(bent.length)] ^= (byte) (1 << random.nextInt(8));
      all.add(bent);
    }
    return all;
  }

  /** Sends it, says that nothing more comes, and takes what there is until the server closes. */
  private static void throwAt(int port, byte[] bytes, boolean half) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), 5000);
      socket.setSoTimeout(3000);
      OutputStream out = socket.getOutputStream();
      out.write(bytes);
      out.flush();
      if (half) {
        socket.shutdownOutput();
        InputStream in = socket.getInputStream();
        byte[] buffer = new byte[8192];
        while (in.read(buffer) > 0) {
          // Whatever it says.
        }
      }
    } catch (IOException e) {
      // Reset, or silent for too long: both are answers.
    }
  }

  private static void throwAll(List<Integer> ports) throws Exception {
    List<byte[]> garbage = garbage();
    try (ExecutorService threads = Executors.newFixedThreadPool(32)) {
      List<Future<?>> all = new ArrayList<>();
      for (int port : ports) {
        for (byte[] bytes : garbage) {
          all.add(threads.submit(() -> throwAt(port, bytes, true)));
          all.add(threads.submit(() -> throwAt(port, bytes, false)));
        }
      }
      for (Future<?> one : all) {
        one.get(2, TimeUnit.MINUTES);
      }
    }
  }

  private static void assertUnharmed(Launched process) {
    assertThat(process.isAlive()).as(process.name()).isTrue();
    assertThat(process.said())
        .as(process.name())
        .doesNotContain("LEAK")
        .doesNotContain("OutOfMemory")
        .doesNotContain("NullPointerException")
        .doesNotContain("\tat dev.outrigger");
  }

  private static long open(int admin) throws IOException {
    try (PlainClient client = new PlainClient(admin)) {
      long open = 0;
      for (String line : client.get("localhost", "/metrics").text().lines().toList()) {
        long value =
            line.startsWith("#") ? 0 : (long) Double.parseDouble(line.replaceAll(".* ", ""));
        if (line.startsWith("outrigger_downstream_connections_opened_total")) {
          open += value;
        } else if (line.startsWith("outrigger_downstream_connections_closed_total")) {
          open -= value;
        }
      }
      return open;
    }
  }

  @Test
  void garbageOnEveryListenerOfAMeshHarmsNobody() throws Exception {
    try (EchoServer app = new EchoServer();
        LoopbackMesh mesh = new LoopbackMesh(folder, PARANOID)) {
      Sidecar caller = Sidecar.beside("caller-1", "caller", 1);
      Sidecar web = Sidecar.beside("web-1", "web", app.port());
      mesh.write(
          "mesh.yaml",
          LoopbackMesh.settings("PERMISSIVE")
              + "  accessLog: none\n"
              + LoopbackMesh.service("web", "http")
              + caller.yaml("http")
              + web.yaml("http"));
      mesh.startControlPlane();
      mesh.startProxy(caller, PARANOID);
      mesh.startProxy(web, PARANOID);
      mesh.awaitReady(caller);
      mesh.awaitReady(web);
      Awaitility.await()
          .atMost(PATIENCE)
          .ignoreExceptions()
          .until(() -> get(caller.outbound(), "web.shop") == 200);
      throwAll(
          List.of(
              caller.outbound(),
              web.inbound(),
              web.admin(),
              mesh.xdsPort(),
              mesh.xdsTlsPort(),
              mesh.apiPort()));
      for (Sidecar sidecar : List.of(caller, web)) {
        Awaitility.await().atMost(PATIENCE).until(() -> open(sidecar.admin()) <= 4);
        assertThat(LoopbackMesh.admin(sidecar, "/ready").status()).isEqualTo(200);
        assertThat(mesh.proxy(sidecar).memoryKib("VmHWM")).isLessThan(400 * 1024);
        assertUnharmed(mesh.proxy(sidecar));
      }
      assertThat(get(caller.outbound(), "web.shop")).isEqualTo(200);
      assertThat(mesh.status().toString()).contains("caller-1.shop").contains("web-1.shop");
      assertUnharmed(mesh.controlPlane());
      // A bad document changes nothing of what runs.
      mesh.write("mesh.yaml", "kind: [");
      Awaitility.await()
          .atMost(PATIENCE)
          .until(() -> mesh.call("/api/v1/status", null).contains("OR1002"));
      assertThat(get(caller.outbound(), "web.shop")).isEqualTo(200);
    }
  }

  private static int get(int port, String host) throws IOException {
    try (PlainClient client = new PlainClient(port)) {
      return client.get(host, "/").status();
    }
  }

  @Test
  void garbageOnListenersOfEveryKindHarmsNobody() throws Exception {
    List<Integer> ports = Peers.freePorts(4);
    for (String protocol : List.of("http", "tcp", "auto")) {
      try (EchoServer app = new EchoServer();
          Launched proxy =
              Launched.start(
                  folder,
                  protocol,
                  Peers.outrigger(
                      "proxy",
                      "--listen=127.0.0.1:" + ports.get(0),
                      "--to=127.0.0.1:" + app.port(),
                      "--protocol=" + protocol,
                      "--concurrency=1",
                      "--admin=127.0.0.1:" + ports.get(1)),
                  PARANOID)) {
        Awaitility.await()
            .atMost(PATIENCE)
            .ignoreExceptions()
            .until(() -> get(ports.get(0), "any") == 200);
        throwAll(List.of(ports.get(0)));
        Awaitility.await().atMost(PATIENCE).until(() -> open(ports.get(1)) <= 1);
        assertThat(get(ports.get(0), "any")).isEqualTo(200);
        assertUnharmed(proxy);
      }
    }
  }
}
