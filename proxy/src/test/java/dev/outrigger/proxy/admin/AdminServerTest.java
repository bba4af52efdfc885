package dev.outrigger.proxy.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.Struct;
import com.google.protobuf.util.JsonFormat;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.health.HealthView;
import dev.outrigger.proxy.telemetry.Explanations;
import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.Transport;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class AdminServerTest {
  private static final Instant START = Instant.parse("2026-11-21T03:00:00Z");

  private final ConfigLoop loop = ConfigLoop.start(Transport.NIO);
  private final Readiness readiness = new Readiness(Map.of("discovery", "no answer yet"));
  private final AtomicInteger drains = new AtomicInteger();
  private final AtomicInteger quits = new AtomicInteger();
  private final AdminServer server =
      new AdminServer(
          loop,
          Transport.NIO,
          new AdminSources(
              readiness,
              () ->
                  CompletableFuture.supplyAsync(
                      () -> "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"),
              () -> new RuntimeSnapshot(3, new RuntimeConfig(List.of(), Map.of("c", cluster()))),
              () -> new HealthView(Map.of("c", Set.of(new SocketAddressConfig("10.0.0.1", 80)))),
              () -> this.faults,
              () -> null,
              new AdminSources.ServerFacts("1.2", "node-1", "shop", "nio", 2, START),
              InstantSource.fixed(START.plusSeconds(90)),
              new Explanations(InstantSource.fixed(START)),
              drains::incrementAndGet,
              quits::incrementAndGet));
  private FaultPlan faults = FaultPlan.NONE;
  private InetSocketAddress address = new InetSocketAddress(0);

  @BeforeEach
  void start() throws Exception {
    address = server.start(new SocketAddressConfig("127.0.0.1", 0));
  }

  @AfterEach
  void stop() {
    server.close();
    loop.stop();
  }

  @Test
  void faultsThatAreInForceAreShownAndThatThereIsNone() throws Exception {
    assertThat(get("/faults")).endsWith("\r\n\r\n" + "no fault is in force\n");
    faults =
        FaultPlan.of(
            List.of(
                new FaultRule(
                    "slow",
                    "f",
                    Place.REQUEST,
                    FaultMatch.ALL,
                    Percentage.ofPercent(20),
                    0,
                    1,
                    START,
                    new Fault.Reset())));
    assertThat(get("/faults"))
        .endsWith("slow/f at request, 20%: Reset[], at the latest until " + START + "\n");
  }

  @Test
  void readyOnceEveryConditionHolds() throws Exception {
    assertThat(get("/ready")).startsWith("HTTP/1.1 503").endsWith("discovery: no answer yet\n");
    readiness.met("discovery");
    assertThat(get("/ready")).startsWith("HTTP/1.1 200").endsWith("\r\n\r\nLIVE\n");
    readiness.unmet("drain", "draining");
    assertThat(get("/ready")).startsWith("HTTP/1.1 503").endsWith("drain: draining\n");
  }

  @Test
  void metricsAreServedAsTheyAreAndStatsWithoutComments() throws Exception {
    for (String path : List.of("/metrics", "/stats/prometheus")) {
      assertThat(get(path)).contains("version=0.0.4").endsWith("counter\na_total 1\n");
    }
    assertThat(get("/stats?filter=a_")).endsWith("\r\n\r\na_total 1\n");
  }

  @Test
  void clustersShowWhatDiscoveryAndChecksSay() throws Exception {
    assertThat(get("/clusters"))
        .contains("c::10.0.0.1:80::health::healthy\n")
        .contains("c::10.0.0.2:80::health::unhealthy (active check)\n");
    assertThat(json("/clusters?format=json").getFieldsMap()).containsKey("c");
  }

  @Test
  void aTokenForExplanationsIsGivenByPostOnlyAndForABoundedTime() throws Exception {
    assertThat(get("/explain")).startsWith("HTTP/1.1 200").contains("nothing was explained yet");
    assertThat(posted("/explain?minutes=5")).contains("\"token\"").contains("\"minutes\": 5");
    assertThat(posted("/explain?minutes=100000")).startsWith("HTTP/1.1 400");
    assertThat(posted("/explain?off=1")).startsWith("HTTP/1.1 200");
  }

  @Test
  void theDumpIsJsonWithItsSequence() throws Exception {
    Struct dump = json("/config_dump");
    assertThat(dump.getFieldsOrThrow("sequence").getNumberValue()).isEqualTo(3);
    Struct c = dump.getFieldsOrThrow("clusters").getStructValue();
    assertThat(
            c.getFieldsOrThrow("c")
                .getStructValue()
                .getFieldsOrThrow("balancing")
                .getStructValue()
                .getFieldsOrThrow("kind")
                .getStringValue())
        .isEqualTo("RoundRobin");
    assertThat(json("/server_info").getFieldsOrThrow("uptime_seconds").getNumberValue())
        .isEqualTo(90);
  }

  @Test
  void changesArePostOnly() throws Exception {
    assertThat(get("/drain")).startsWith("HTTP/1.1 405").contains("allow: POST");
    assertThat(drains).hasValue(0);
    assertThat(send("POST", "/drain", "localhost", "")).startsWith("HTTP/1.1 200");
    assertThat(drains).hasValue(1);
    assertThat(send("POST", "/ready", "localhost", "")).startsWith("HTTP/1.1 405");
    assertThat(send("POST", "/logging?level=loud", "localhost", "")).startsWith("HTTP/1.1 400");
    assertThat(send("POST", "/logging?level=debug&logger=some.logger", "[::1]:15000", ""))
        .startsWith("HTTP/1.1 200");
    assertThat(send("POST", "/quitquitquit", "127.0.0.1", "")).startsWith("HTTP/1.1 200");
    await().until(() -> quits.get() == 1);
  }

  @Test
  void otherSitesPagesGetNothing() throws Exception {
    assertThat(send("GET", "/config_dump", "evil.example", "")).startsWith("HTTP/1.1 403");
    assertThat(send("POST", "/drain", "evil.example", "")).startsWith("HTTP/1.1 403");
    assertThat(send("POST", "/drain", "localhost", "Origin: http://evil.example\r\n"))
        .startsWith("HTTP/1.1 403");
    assertThat(send("POST", "/drain", "localhost", "Origin: null\r\n")).startsWith("HTTP/1.1 403");
    assertThat(drains).hasValue(0);
  }

  @Test
  void pipelinedRequestsAreAnsweredInOrder() throws Exception {
    String one = "GET /%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n";
    String answers =
        raw(
            one.formatted("metrics", "")
                + one.formatted("nowhere", "")
                + one.formatted("stats", "Connection: close\r\n"));
    assertThat(answers.split("HTTP/1.1 ", -1))
        .satisfiesExactly(
            none -> assertThat(none).isEmpty(),
            first -> assertThat(first).startsWith("200").contains("# HELP"),
            second -> assertThat(second).startsWith("404"),
            third -> assertThat(third).startsWith("200").endsWith("\r\n\r\na_total 1\n"));
  }

  private String get(String path) throws Exception {
    return send("GET", path, "localhost:" + address.getPort(), "");
  }

  private Struct json(String path) throws Exception {
    String answer = get(path);
    Struct.Builder builder = Struct.newBuilder();
    JsonFormat.parser().merge(answer.substring(answer.indexOf("\r\n\r\n") + 4), builder);
    return builder.build();
  }

  private String posted(String path) throws Exception {
    return send("POST", path, "localhost:" + address.getPort(), "");
  }

  private String send(String method, String path, String host, String more) throws Exception {
    return raw(
        "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n"
            .formatted(method, path, host, more));
  }

  private String raw(String request) throws Exception {
    try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static ClusterConfig cluster() {
    return new ClusterConfig(
        "c",
        new ClusterConfig.Discovery.Listed(
            new EndpointSet(List.of(endpoint("10.0.0.1"), endpoint("10.0.0.2")))),
        new LbPolicy.RoundRobin(),
        Duration.ofSeconds(1),
        ClusterConfig.PoolConfig.DEFAULT,
        ClusterConfig.BreakerConfig.DEFAULT,
        null,
        null,
        List.of(),
        Map.of());
  }

  private static Endpoint endpoint(String host) {
    return new Endpoint(
        new SocketAddressConfig(host, 80),
        "",
        1,
        0,
        Endpoint.Health.HEALTHY,
        Endpoint.Locality.NONE,
        Map.of(),
        null,
        "");
  }
}
