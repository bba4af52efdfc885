package dev.outrigger.proxy.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import dev.outrigger.fault.Spread;
import dev.outrigger.proxy.ProxyServer;
import dev.outrigger.proxy.bootstrap.BootstrapLoader;
import dev.outrigger.proxy.bootstrap.ProxyOptions;
import dev.outrigger.proxy.telemetry.FaultReadings;
import dev.outrigger.proxy.telemetry.ProxyTelemetry;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.worker.Transport;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What real sockets on both sides of a whole proxy see of toxics, opened before or after them. */
final class ToxicsOnSocketsTest {
  private final List<Socket> sockets = new ArrayList<>();
  private final FaultReadings readings = new FaultReadings();
  private ProxyTelemetry telemetry;
  private ServerSocket server;
  private @Nullable ProxyServer proxy;
  private InetSocketAddress listening;

  @BeforeEach
  void startServer() throws Exception {
    telemetry = ProxyTelemetry.start(Map.of(), "test", "toxics", InstantSource.system());
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    server.setSoTimeout(20_000);
  }

  @AfterEach
  void stop() throws Exception {
    for (Socket socket : sockets) {
      socket.close();
    }
    if (proxy != null) {
      proxy.close();
    }
    server.close();
    telemetry.close();
  }

  private void startProxy(String protocol) throws Exception {
    ProxyServer started =
        ProxyServer.start(
            BootstrapLoader.load(
                ProxyOptions.parse(
                    List.of(
                        "--listen",
                        "127.0.0.1:0",
                        "--concurrency",
                        "1",
                        "--to",
                        "127.0.0.1:" + server.getLocalPort(),
                        "--protocol",
                        protocol),
                    Map.of())),
            Transport.NIO,
            new ProxyServer.Surroundings(
                InstantSource.system(), new SplittableRandom(1), new SecureRandom()),
            worker -> {
              WorkerTelemetry records = telemetry.forWorker(worker);
              readings.add(worker, records);
              return records;
            });
    proxy = started;
    started.started().get(20, TimeUnit.SECONDS);
    listening = started.addresses().join().values().iterator().next().getFirst();
  }

  private void faults(Fault... faults) {
    List<FaultRule> rules = new ArrayList<>();
    for (Fault fault : faults) {
      rules.add(
          new FaultRule(
              "e",
              "f" + rules.size(),
              Place.CONNECTION,
              FaultMatch.ALL,
              Percentage.ALWAYS,
              0,
              1,
              Instant.MAX,
              fault));
    }
    if (proxy != null) {
      proxy.useFaults(FaultPlan.of(rules)).join();
    }
  }

  private Socket client() throws IOException {
    Socket socket = new Socket();
    socket.setSoTimeout(20_000);
    socket.setTcpNoDelay(true);
    socket.connect(listening, 20_000);
    sockets.add(socket);
    return socket;
  }

  private Socket accepted() throws IOException {
    Socket socket = server.accept();
    socket.setSoTimeout(20_000);
    socket.setTcpNoDelay(true);
    sockets.add(socket);
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static String read(Socket socket, int length) throws IOException {
    return new String(socket.getInputStream().readNBytes(length), StandardCharsets.US_ASCII);
  }

  /** Says something each way, so that all that came before is through. */
  private static void settle(Socket client, Socket served) throws IOException {
    send(client, "?");
    assertThat(read(served, 1)).isEqualTo("?");
    send(served, "!");
    assertThat(read(client, 1)).isEqualTo("!");
  }

  private static void assertNothingComes(Socket socket) throws IOException {
    socket.setSoTimeout(300);
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(SocketTimeoutException.class);
    socket.setSoTimeout(20_000);
  }

  private static Fault latency(long millis, Direction direction) {
    return new Fault.Latency(Spread.always(Duration.ofMillis(millis)), direction);
  }

  private static Duration timed(Step step) throws IOException {
    long began = System.nanoTime();
    step.run();
    return Duration.ofNanos(System.nanoTime() - began);
  }

  private interface Step {
    void run() throws IOException;
  }

  @Test
  void latencyComesAndGoesOnALiveConnectionEachWayByItself() throws Exception {
    startProxy("tcp");
    Socket client = client();
    Socket served = accepted();
    settle(client, served);
    faults(latency(200, Direction.UPSTREAM), latency(50, Direction.DOWNSTREAM));
    assertThat(timed(() -> settle(client, served))).isGreaterThan(Duration.ofMillis(249));
    faults();
    assertThat(timed(() -> settle(client, served))).isLessThan(Duration.ofMillis(200));
  }

  @Test
  void toxicsThatComeAndGoWhileBytesFlowLoseNone() throws Exception {
    startProxy("tcp");
    Socket client = client();
    Socket served = accepted();
    byte[] sent = new byte[3 << 20];
    SplittableRandom random = new SplittableRandom(7);
    random.nextBytes(sent);
    CompletableFuture<byte[]> echoed = reading(client, sent.length);
    CompletableFuture<byte[]> arrived = reading(served, sent.length);
    CompletableFuture<Void> writing =
        CompletableFuture.runAsync(
            () -> {
              try {
                for (int at = 0; at < sent.length; at += 16_384) {
                  int length = Math.min(16_384, sent.length - at);
                  client.getOutputStream().write(sent, at, length);
                  served.getOutputStream().write(sent, at, length);
                }
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            },
            task -> Thread.ofVirtual().start(task));
    List<Fault> all =
        List.of(
            latency(5, Direction.BOTH),
            new Fault.Bandwidth(4 << 20, Direction.UPSTREAM),
            new Fault.Slicer(700, 300, Duration.ofNanos(100_000), Direction.DOWNSTREAM),
            new Fault.Partition(Direction.BOTH),
            new Fault.SlowClose(Duration.ofMillis(5), Direction.BOTH));
    for (int round = 0; round < 200 && !(echoed.isDone() && arrived.isDone()); round++) {
      faults(all.stream().filter(_ -> random.nextBoolean()).toArray(Fault[]::new));
      // A little of the clock's time, by waiting for what does not come.
      try {
        echoed.get(2, TimeUnit.MILLISECONDS);
      } catch (java.util.concurrent.TimeoutException _) {
        continue;
      }
    }
    faults();
    writing.get(20, TimeUnit.SECONDS);
    assertThat(Arrays.equals(arrived.get(20, TimeUnit.SECONDS), sent)).isTrue();
    assertThat(Arrays.equals(echoed.get(20, TimeUnit.SECONDS), sent)).isTrue();
  }

  private static CompletableFuture<byte[]> reading(Socket socket, int length) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return socket.getInputStream().readNBytes(length);
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        },
        task -> Thread.ofVirtual().start(task));
  }

  @Test
  void anIdleConnectionOpenedBeforeIsResetOnBothSides() throws Exception {
    startProxy("tcp");
    Socket client = client();
    Socket served = accepted();
    settle(client, served);
    faults(new Fault.ResetPeer(Duration.ZERO));
    assertThatThrownBy(() -> client.getInputStream().read())
        .isInstanceOf(SocketException.class)
        .hasMessageContaining("reset");
    assertThatThrownBy(() -> served.getInputStream().read())
        .isInstanceOf(SocketException.class)
        .hasMessageContaining("reset");
  }

  @Test
  void aLimitPassesExactlySoManyBytesAndThenTheEnd() throws Exception {
    startProxy("tcp");
    faults(new Fault.Limit(1_000, Direction.DOWNSTREAM));
    Socket client = client();
    Socket served = accepted();
    send(served, "0123456789".repeat(500));
    assertThat(client.getInputStream().readAllBytes()).hasSize(1_000);

    faults(new Fault.Limit(1_234, Direction.UPSTREAM));
    Socket other = client();
    Socket otherServed = accepted();
    send(other, "0123456789".repeat(500));
    assertThat(otherServed.getInputStream().readAllBytes()).hasSize(1_234);
  }

  @Test
  void aStallSwallowsOneWayAndClosesWhatLostBytesWhenItIsRemoved() throws Exception {
    startProxy("tcp");
    Socket client = client();
    Socket served = accepted();
    Socket quiet = client();
    Socket quietServed = accepted();
    settle(client, served);
    settle(quiet, quietServed);
    faults(new Fault.Stall(Duration.ZERO, Direction.UPSTREAM));
    send(served, "still heard");
    assertThat(read(client, 11)).isEqualTo("still heard");
    send(client, "into the void");
    assertNothingComes(served);
    faults();
    assertThat(served.getInputStream().read()).isEqualTo(-1);
    assertThat(client.getInputStream().read()).isEqualTo(-1);
    settle(quiet, quietServed);
  }

  @Test
  void aStallWithATimeoutClosesByItself() throws Exception {
    startProxy("tcp");
    Socket client = client();
    Socket served = accepted();
    settle(client, served);
    faults(new Fault.Stall(Duration.ofMillis(200), Direction.BOTH));
    assertThat(timed(() -> assertThat(client.getInputStream().read()).isEqualTo(-1)))
        .isGreaterThan(Duration.ofMillis(190));
    assertThat(served.getInputStream().read()).isEqualTo(-1);
  }

  @Test
  void aPartitionHoldsOneWayAndEverythingArrivesAfterwards() throws Exception {
    startProxy("tcp");
    Socket client = client();
    Socket served = accepted();
    settle(client, served);
    faults(new Fault.Partition(Direction.UPSTREAM));
    send(served, "still heard");
    assertThat(read(client, 11)).isEqualTo("still heard");
    send(client, "later");
    client.shutdownOutput();
    assertNothingComes(served);
    faults();
    assertThat(new String(served.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
        .isEqualTo("later");
    send(served, "still here");
    assertThat(read(client, 10)).isEqualTo("still here");
  }

  @Test
  void aConnectionOfAPartitionsTimeComesAboutWhenItIsOver() throws Exception {
    startProxy("tcp");
    settle(client(), accepted());
    faults(new Fault.Partition(Direction.UPSTREAM));
    Socket client = client();
    send(client, "hello?");
    server.setSoTimeout(300);
    assertThatThrownBy(server::accept).isInstanceOf(SocketTimeoutException.class);
    server.setSoTimeout(20_000);
    faults();
    assertThat(read(accepted(), 6)).isEqualTo("hello?");
  }

  @Test
  void aRequestThatWaitsForAPartitionsEndGoesOnThen() throws Exception {
    startProxy("http");
    faults(new Fault.Partition(Direction.UPSTREAM));
    Socket client = client();
    send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    server.setSoTimeout(300);
    assertThatThrownBy(server::accept).isInstanceOf(SocketTimeoutException.class);
    // Well before nobody would wait for a connection any more, which is after 5 s.
    server.setSoTimeout(3_000);
    faults();
    Socket served = accepted();
    assertThat(read(served, 14)).isEqualTo("GET / HTTP/1.1");
    send(served, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assertThat(read(client, 15)).isEqualTo("HTTP/1.1 200 OK");
  }

  @Test
  void newConnectionsAreRefusedAndOldOnesLive() throws Exception {
    startProxy("tcp");
    Socket client = client();
    Socket served = accepted();
    settle(client, served);
    faults(new Fault.Refuse());
    assertThatThrownBy(() -> client().getInputStream().read())
        .isInstanceOf(SocketException.class)
        .hasMessageContaining("reset");
    settle(client, served);
    faults();
    settle(client(), accepted());
  }

  @Test
  void theEndComesLateAndTheBytesDoNot() throws Exception {
    startProxy("tcp");
    Socket client = client();
    Socket served = accepted();
    settle(client, served);
    faults(new Fault.SlowClose(Duration.ofMillis(300), Direction.DOWNSTREAM));
    settle(client, served);
    send(served, "bye");
    served.close();
    assertThat(read(client, 3)).isEqualTo("bye");
    assertThat(timed(() -> assertThat(client.getInputStream().read()).isEqualTo(-1)))
        .isGreaterThan(Duration.ofMillis(250));
  }

  // HTTP: the connections that the proxy keeps to the server.

  private static final String OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

  private static void request(Socket client) throws IOException {
    send(client, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  }

  /** Up to the empty line, and two bytes. */
  private static String answer(Socket socket) throws IOException {
    String head = head(socket);
    return head + (head.contains(" 200 ") ? read(socket, 2) : "");
  }

  private static String head(Socket socket) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    InputStream in = socket.getInputStream();
    while (!head.toString(StandardCharsets.US_ASCII).endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        break;
      }
      head.write(next);
    }
    return head.toString(StandardCharsets.US_ASCII);
  }

  private static void serve(Socket served) throws IOException {
    assertThat(head(served)).startsWith("GET ");
    send(served, OK);
  }

  /** Connections that came about, then all failures, since the last call. */
  private long[] counted() {
    long[] sums = new long[2];
    readings
        .take(Runnable::run)
        .toCompletableFuture()
        .join()
        .readings()
        .values()
        .forEach(
            one -> {
              sums[0] += one.affected().requests() - one.affected().errors();
              sums[1] += one.affected().errors();
            });
    return sums;
  }

  @Test
  void relayedConnectionsCountForGuardsWhenTheyComeAboutAndWhenTheyBreak() throws Exception {
    startProxy("tcp");
    faults(latency(1, Direction.BOTH));
    Socket client = client();
    settle(client, accepted());
    assertThat(counted()).containsExactly(1, 0);
    faults(new Fault.ResetPeer(Duration.ZERO));
    assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
    await().atMost(Duration.ofSeconds(20)).until(() -> counted()[1] == 1);
    faults(new Fault.Refuse());
    // Refused as it connects, or right after.
    assertThatThrownBy(() -> client().getInputStream().read()).isInstanceOf(SocketException.class);
    await().atMost(Duration.ofSeconds(20)).until(() -> counted()[1] == 1);
    // An orderly end is no failure.
    faults(latency(1, Direction.BOTH));
    Socket last = client();
    Socket served = accepted();
    settle(last, served);
    last.close();
    assertThat(served.getInputStream().read()).isEqualTo(-1);
    served.close();
    assertThat(counted()).containsExactly(1, 0);
  }

  @Test
  void keptHttpConnectionGetsLatencyAndLosesItAgain() throws Exception {
    startProxy("http");
    Socket client = client();
    request(client);
    Socket served = accepted();
    serve(served);
    assertThat(answer(client)).endsWith("ok");
    faults(latency(150, Direction.BOTH));
    assertThat(
            timed(
                () -> {
                  request(client);
                  serve(served);
                  assertThat(answer(client)).contains("x-outrigger-fault: e\r\n").endsWith("ok");
                }))
        .isGreaterThan(Duration.ofMillis(299));
    // While an answer is on its way: it comes at once, and whole.
    faults(latency(600_000, Direction.DOWNSTREAM));
    request(client);
    serve(served);
    assertNothingComes(client);
    faults();
    assertThat(answer(client)).contains("x-outrigger-fault: e\r\n").endsWith("ok");
    request(client);
    serve(served);
    assertThat(answer(client)).doesNotContain("x-outrigger-fault").endsWith("ok");
  }

  @Test
  void anAnswerThatEndsWithTheConnectionIsWholeUnderLatency() throws Exception {
    startProxy("http");
    faults(latency(150, Direction.DOWNSTREAM));
    Socket client = client();
    request(client);
    Socket served = accepted();
    assertThat(head(served)).startsWith("GET ");
    send(served, "HTTP/1.1 200 OK\r\n\r\nok");
    served.close();
    assertThat(timed(() -> assertThat(head(client)).contains(" 200 ")))
        .isGreaterThan(Duration.ofMillis(140));
    // Chunked towards the client.
    assertThat(read(client, 12)).isEqualTo("2\r\nok\r\n0\r\n\r\n");
  }

  @Test
  void anAnswerThatEndsWithTheConnectionIsNotTakenForWholeWhenThatIsReset() throws Exception {
    startProxy("http");
    Socket client = client();
    request(client);
    Socket served = accepted();
    assertThat(head(served)).startsWith("GET ");
    send(served, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf of it");
    assertThat(head(client)).contains(" 200 ", "transfer-encoding: chunked");
    faults(new Fault.ResetPeer(Duration.ZERO));
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    try {
      client.getInputStream().transferTo(got);
    } catch (SocketException _) {
      // As good.
    }
    assertThat(got.toString(StandardCharsets.US_ASCII)).doesNotEndWith("0\r\n\r\n");
    assertThatThrownBy(() -> served.getInputStream().read())
        .isInstanceOf(SocketException.class)
        .hasMessageContaining("reset");
  }

  @Test
  void keptIdleHttpConnectionIsResetAndAnotherOneServes() throws Exception {
    startProxy("http");
    Socket client = client();
    request(client);
    Socket served = accepted();
    serve(served);
    assertThat(answer(client)).endsWith("ok");
    faults(new Fault.ResetPeer(Duration.ZERO));
    assertThatThrownBy(() -> served.getInputStream().read())
        .isInstanceOf(SocketException.class)
        .hasMessageContaining("reset");
    faults();
    request(client);
    serve(accepted());
    assertThat(answer(client)).endsWith("ok");
  }

  @Test
  void refusedHttpConnectionIsAnErrorThatNamesItAndNothingArrives() throws Exception {
    startProxy("http");
    faults(new Fault.Refuse());
    Socket client = client();
    request(client);
    assertThat(head(client))
        .startsWith("HTTP/1.1 503 ")
        .contains("connect_refused", "x-outrigger-fault: e\r\n");
    server.setSoTimeout(200);
    assertThatThrownBy(() -> server.accept()).isInstanceOf(SocketTimeoutException.class);
  }

  @Test
  void anHttpAnswerIsCutAfterExactlySoManyBytes() throws Exception {
    startProxy("http");
    String answer = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + "x".repeat(100);
    faults(new Fault.Limit(answer.length() - 40, Direction.DOWNSTREAM));
    Socket client = client();
    request(client);
    Socket served = accepted();
    assertThat(head(served)).startsWith("GET ");
    send(served, answer);
    assertThat(head(client)).contains(" 200 ");
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    try {
      client.getInputStream().transferTo(got);
    } catch (SocketException _) {
      // Cut: how depends on what was still on its way.
    }
    assertThat(got.size()).isEqualTo(60);
  }
}
