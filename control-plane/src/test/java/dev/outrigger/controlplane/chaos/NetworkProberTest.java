package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.outrigger.controlplane.chaos.ProbeOutcome.Verdict;
import dev.outrigger.controlplane.model.Probe;
import dev.outrigger.controlplane.model.Probe.Question;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a real server and real programs. */
final class NetworkProberTest {
  private static final String METRICS =
      """
      # TYPE orders_total counter
      orders_total{shop="a",state="ok"} 40
      orders_total{shop="b",state="ok"} 2
      orders_total{shop="a",state="bad"} 1e3
      orders_total_more 7
      queue 0.5
      """;
  private static final Duration LONG = Duration.ofSeconds(20);

  private final NetworkProber prober = new NetworkProber(true);
  private final CountDownLatch never = new CountDownLatch(1);
  private HttpServer server;

  @BeforeEach
  void serve() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    serve("/ok", 200, "all is well");
    serve("/bad", 503, "");
    serve("/metrics", 200, METRICS);
    serve("/away", 302, "");
    server.createContext(
        "/silent",
        exchange -> {
          try {
            never.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          exchange.close();
        });
    server.setExecutor(java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor());
    server.start();
  }

  @AfterEach
  void stop() {
    never.countDown();
    prober.close();
    server.stop(0);
  }

  @Test
  void judgesStatusAndBody() {
    assertThat(http("/ok", 200, 299, "well")).isEqualTo(Verdict.PASSED);
    assertThat(http("/ok", 200, 299, "ill")).isEqualTo(Verdict.FAILED);
    assertThat(http("/bad", 200, 299, "")).isEqualTo(Verdict.FAILED);
    assertThat(http("/bad", 503, 503, "")).isEqualTo(Verdict.PASSED);
    assertThat(http("/away", 302, 302, "")).isEqualTo(Verdict.PASSED);
  }

  @Test
  void silenceIsAFailureWhenTheTimeIsOver() {
    ProbeOutcome outcome =
        ask(new Question.Http("GET", at("/silent"), Map.of(), 200, 200, ""), Duration.ofMillis(50));
    assertThat(outcome.verdict()).isEqualTo(Verdict.FAILED);
    assertThat(outcome.text()).contains("50ms");
  }

  @Test
  void nobodyThereIsAFailureAndLinkLocalAddressesAreNotAsked() {
    server.stop(0);
    assertThat(http("/ok", 200, 299, "")).isEqualTo(Verdict.FAILED);
    ProbeOutcome outcome =
        ask(
            new Question.Http(
                "GET", URI.create("http://169.254.169.254/latest"), Map.of(), 200, 200, ""),
            LONG);
    assertThat(outcome.text()).contains("link-local");
  }

  @Test
  void sumsTheSeriesThatBearTheLabels() {
    assertThat(metric("orders_total", Map.of("state", "ok"), 42, 42)).isEqualTo(Verdict.PASSED);
    assertThat(metric("orders_total", Map.of("shop", "a"), 0, 1039)).isEqualTo(Verdict.FAILED);
    assertThat(metric("queue", Map.of(), 0.4, 0.6)).isEqualTo(Verdict.PASSED);
    assertThat(metric("queue", Map.of(), 0.6, 1)).isEqualTo(Verdict.FAILED);
    assertThat(metric("orders_total", Map.of("state", "?"), 0, 1)).isEqualTo(Verdict.ABSTAINED);
    assertThat(metric("order", Map.of(), 0, 1)).isEqualTo(Verdict.ABSTAINED);
  }

  @Test
  void programsAreJudgedByExitCodeAndOutputAndEndAtTheTimeout() {
    assertThat(command(0, "lo", "echo", "hello")).isEqualTo(Verdict.PASSED);
    assertThat(command(0, "bye", "echo", "hello")).isEqualTo(Verdict.FAILED);
    assertThat(command(3, "", "sh", "-c", "exit 3")).isEqualTo(Verdict.PASSED);
    assertThat(command(0, "", "no-such-program-here")).isEqualTo(Verdict.FAILED);
    ProbeOutcome outcome =
        ask(new Question.Command(List.of("sleep", "60"), 0, ""), Duration.ofMillis(50));
    assertThat(outcome.verdict()).isEqualTo(Verdict.FAILED);
  }

  @Test
  void withoutPermissionNoProgramRuns() {
    try (NetworkProber careful = new NetworkProber(false)) {
      assertThat(careful.allowsCommands()).isFalse();
      assertThat(ask(careful, new Question.Command(List.of("true"), 0, ""), LONG).text())
          .contains("not allowed");
    }
  }

  private Verdict http(String path, int least, int most, String contains) {
    return ask(new Question.Http("GET", at(path), Map.of(), least, most, contains), LONG).verdict();
  }

  private Verdict metric(String name, Map<String, String> labels, double min, double max) {
    return ask(
            new Question.Metric(
                at("/metrics"), name, labels, OptionalDouble.of(min), OptionalDouble.of(max)),
            LONG)
        .verdict();
  }

  private Verdict command(int exit, String contains, String... program) {
    return ask(new Question.Command(List.of(program), exit, contains), LONG).verdict();
  }

  private ProbeOutcome ask(Question question, Duration timeout) {
    return ask(prober, question, timeout);
  }

  private static ProbeOutcome ask(Prober prober, Question question, Duration timeout) {
    CompletableFuture<ProbeOutcome> outcome = new CompletableFuture<>();
    prober.ask(
        new Probe("p", Probe.When.ALL, Duration.ofSeconds(5), timeout, 0, true, question),
        outcome::complete);
    return outcome.orTimeout(30, TimeUnit.SECONDS).join();
  }

  private URI at(String path) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  private void serve(String path, int status, String body) {
    server.createContext(
        path,
        exchange -> {
          byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
          if (status == 302) {
            exchange.getResponseHeaders().set("location", "/bad");
          }
          exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
  }
}
