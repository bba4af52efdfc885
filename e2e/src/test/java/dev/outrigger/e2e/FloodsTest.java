package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.e2e.Http2Floods.Flood;
import dev.outrigger.e2e.harness.Canary;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.RawHttp2;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.SoftAssertions;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Attacks on a proxy, with an innocent client beside each: the attacker is sent away and counted,
 * it costs next to nothing, and the innocent one never notices.
 */
class FloodsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final double MAX_CPU_SECONDS = 0.5;
  private static final long MAX_GROWTH_KIB = 32 * 1024;

  @TempDir private Path folder;
  private AttackedProxy proxy;
  private int port;

  @BeforeEach
  void start() throws Exception {
    proxy = AttackedProxy.start(folder);
    port = proxy.port();
  }

  @AfterEach
  void end() throws Exception {
    proxy.close();
  }

  private static boolean becomes(java.util.concurrent.Callable<Boolean> condition) {
    try {
      Awaitility.await().atMost(PATIENCE).until(condition);
      return true;
    } catch (ConditionTimeoutException e) {
      return false;
    }
  }

  private static boolean refuses(RawHttp2 attacker) {
    try {
      attacker.frame(RawHttp2.PING, 1, 0, new byte[8]).flush();
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  private record Ended(int goAway, boolean closed, double cpuSeconds) {}

  private Ended run(Flood flood) throws IOException {
    double before = proxy.cpuSeconds();
    try (RawHttp2 attacker = flood.reads() ? RawHttp2.reading(port) : RawHttp2.unread(port)) {
      try {
        flood.driver().run(attacker);
      } catch (IOException e) {
        // Sent away in the middle of it.
      }
      boolean closed = becomes(flood.reads() ? attacker::closed : () -> refuses(attacker));
      return new Ended(attacker.goAway(), closed, proxy.cpuSeconds() - before);
    }
  }

  @Test
  void floodsOfHttp2EndTheirConnectionAndHarmNobody() throws Exception {
    for (int i = 0; i < 2; i++) {
      for (Flood flood : Http2Floods.all()) {
        run(flood); // a warm JVM
      }
    }
    SoftAssertions all = new SoftAssertions();
    long allowed = proxy.allowedMillis();
    long memory = proxy.memoryKib();
    for (Flood flood : Http2Floods.all()) {
      long counted = proxy.counted(flood.kind());
      Canary canary = new Canary(port);
      Ended ended;
      try (canary) {
        Awaitility.await().atMost(PATIENCE).until(() -> canary.answered() > 1);
        ended = run(flood);
        int answered = canary.answered();
        Awaitility.await().atMost(PATIENCE).until(() -> canary.answered() > answered + 2);
      }
      long growth = proxy.memoryKib() - memory;
      AttackedProxy.print(flood.name(), ended.cpuSeconds(), canary, growth);
      all.assertThat(ended.closed()).as(flood.name()).isTrue();
      if (flood.reads()) {
        all.assertThat(ended.goAway()).as(flood.name()).isEqualTo(flood.goAway());
      }
      all.assertThat(proxy.counted(flood.kind())).as(flood.name()).isEqualTo(counted + 1);
      all.assertThat(ended.cpuSeconds()).as(flood.name()).isLessThan(MAX_CPU_SECONDS);
      all.assertThat(growth).as(flood.name()).isLessThan(MAX_GROWTH_KIB);
      all.assertThat(canary.failures()).as(flood.name()).isEmpty();
      all.assertThat(canary.worstMillis()).as(flood.name()).isLessThanOrEqualTo(allowed);
    }
    all.assertAll();
    assertThat(proxy.said()).doesNotContain("\tat ", "LEAK", "Exception");
  }

  /** Runs slowhttptest with 300 clients; returns all that it said. */
  private String slow(String... how) throws Exception {
    List<String> command = new ArrayList<>(List.of(Peers.require("slowhttptest")));
    command.addAll(List.of("-c", "300", "-r", "200", "-i", "10", "-p", "5", "-l", "40"));
    command.addAll(List.of(how));
    command.addAll(List.of("-u", "http://127.0.0.1:" + port + "/slow"));
    try (Launched tester = Launched.start(folder, "slow" + how[0], command)) {
      tester.exit(Duration.ofSeconds(60));
      return tester.said().replaceAll("\u001b\\[[0-9;]*m", "");
    }
  }

  private void assertAllDropped(String said) {
    Matcher end = Pattern.compile("Test ended on (\\d+)th second").matcher(said);
    assertThat(end.find()).as(said).isTrue();
    assertThat(said).contains("Exit status: No open connections left");
    System.out.println("slowhttptest: all dropped after " + end.group(1) + " s");
    assertThat(Integer.parseInt(end.group(1))).isLessThanOrEqualTo(15);
  }

  @Test
  void slowHeadersAndSlowBodiesAreDroppedAndNobodyElseNotices() throws Exception {
    proxy.warm();
    for (int i = 0; i < 2; i++) {
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        Future<String> heads = threads.submit(() -> slow("-H"));
        assertAllDropped(slow("-B"));
        assertAllDropped(heads.get());
      }
    }
    long allowed = proxy.allowedMillis();
    long memory = proxy.memoryKib();
    for (String how : new String[] {"-H", "-B"}) {
      double cpu = proxy.cpuSeconds();
      Canary canary = new Canary(port);
      try (canary) {
        assertAllDropped(slow(how));
      }
      double used = proxy.cpuSecondsSince(cpu, canary);
      long growth = proxy.memoryKib() - memory;
      AttackedProxy.print("slowhttptest " + how, used, canary, growth);
      assertThat(used).isLessThan(MAX_CPU_SECONDS);
      assertThat(growth).isLessThan(MAX_GROWTH_KIB);
      assertThat(canary.failures()).isEmpty();
      assertThat(canary.worstMillis()).isLessThanOrEqualTo(allowed);
    }
    assertThat(proxy.counted("slow_headers")).isEqualTo(900);
    assertThat(proxy.counted("slow_body")).isEqualTo(900);
  }

  /** Sends a million requests on one connection and reads nothing, while others ask. */
  private void pipelineUnread(long allowedMillis) throws Exception {
    byte[] many =
        "GET /a HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1000).getBytes(StandardCharsets.ISO_8859_1);
    long counted = proxy.counted("unread_answers");
    double cpu = proxy.cpuSeconds();
    Canary canary = new Canary(port);
    try (canary;
        Socket flood = new Socket()) {
      flood.setReceiveBufferSize(4096);
      flood.connect(new InetSocketAddress("127.0.0.1", proxy.impatientPort()));
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 1000; i++) {
                  flood.getOutputStream().write(many);
                }
              })
          .as("it is sent away")
          .isInstanceOf(IOException.class);
      assertThat(proxy.counted("unread_answers")).isEqualTo(counted + 1);
      int answered = canary.answered();
      Awaitility.await().atMost(PATIENCE).until(() -> canary.answered() > answered + 2);
    }
    double used = proxy.cpuSecondsSince(cpu, canary);
    AttackedProxy.print("pipelining, unread", used, canary, 0);
    if (allowedMillis < Long.MAX_VALUE) {
      assertThat(used).isLessThan(MAX_CPU_SECONDS);
    }
    assertThat(canary.failures()).isEmpty();
    assertThat(canary.worstMillis()).isLessThanOrEqualTo(allowedMillis);
  }

  @Test
  void pipelinedRequestsThatNobodyReadsHoldNoMemory() throws Exception {
    pipelineUnread(Long.MAX_VALUE); // a warm JVM
    pipelineUnread(Long.MAX_VALUE);
    long allowed = proxy.allowedMillis();
    long before = proxy.memoryKib();
    pipelineUnread(allowed);
    assertThat(proxy.memoryKib() - before).isLessThan(MAX_GROWTH_KIB);
  }
}
