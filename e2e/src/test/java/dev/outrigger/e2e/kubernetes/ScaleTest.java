package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.kubernetes.SimulatedProxies.Tally;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * One control plane on one core, and many proxies that all hear of all services.
 *
 * <p>{@code -Doutrigger.full=true} takes 1,000 services, 5,000 slices of 10,000 endpoints and 1,000
 * proxies, and judges times and memory; the small size judges what does not depend on the machine.
 */
@Tag("measured")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class ScaleTest {
  private static final int SERVICES = Measurements.sized(20, 1000);
  private static final int PROXIES = Measurements.sized(40, 1000);
  private static final int CHANGES = Measurements.sized(6, 200);
  private static final Duration IDLE = Duration.ofSeconds(Measurements.sized(1, 30));
  private static final int MEMORY_MIB = 512;

  /** What is right once may have been luck. */
  private static final int RESTARTS = 5;

  private ScaledMesh mesh;
  private Replica replica;
  private long whole;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    long begun = System.nanoTime();
    mesh = new ScaledMesh(folder, SERVICES, 1);
    replica = mesh.replicas.getFirst();
    say("made in %.1f s".formatted(seconds(begun)));
    begun = System.nanoTime();
    double cpu = replica.process().cpuSeconds();
    mesh.join(PROXIES);
    Tally tally = mesh.proxies.tally();
    whole = tally.total();
    say(
        "%d proxies have all after %.1f s, %.1f s of CPU: %d resources, %d MB; %s"
            .formatted(
                PROXIES,
                seconds(begun),
                replica.process().cpuSeconds() - cpu,
                whole,
                tally.bytes() >> 20,
                memory()));
  }

  @AfterAll
  void end() throws Exception {
    if (mesh != null) {
      mesh.close();
    }
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  private static void say(String text) {
    System.out.println("scale: " + text);
  }

  private String memory() {
    return "resident %d MiB, at most %d"
        .formatted(
            replica.process().memoryKib("VmRSS") >> 10, replica.process().memoryKib("VmHWM") >> 10);
  }

  @Test
  @Order(1)
  void anEndpointThatChangesReachesAllProxiesAndNothingElseIsSent() throws Exception {
    List<Duration> times = new ArrayList<>();
    double cpu = replica.process().cpuSeconds();
    mesh.proxies.tally();
    for (int i = 0; i < CHANGES; i++) {
      int service = i / 2 * 7 % SERVICES;
      times.add(mesh.change(service, i / 2 % BigCluster.SLICES, i % 2 == 1));
    }
    Tally tally = mesh.proxies.tally();
    Collections.sort(times);
    say(
        "%d changes, ms: half %d, p99 %d, longest %d; %.0f ms of CPU each; %s"
            .formatted(
                CHANGES,
                times.get(CHANGES / 2).toMillis(),
                times.get((int) (CHANGES * 0.99)).toMillis(),
                times.getLast().toMillis(),
                1000 * (replica.process().cpuSeconds() - cpu) / CHANGES,
                memory()));
    assertThat(tally.resources())
        .containsOnlyKeys(SimulatedProxies.ENDPOINT)
        .containsEntry(SimulatedProxies.ENDPOINT, (long) CHANGES * PROXIES);
    assertThat(tally.resets()).isEmpty();
    if (Measurements.full()) {
      assertThat(times.get((int) (CHANGES * 0.99))).isLessThan(Duration.ofSeconds(1));
    }
  }

  @Test
  @Order(2)
  void whereNothingChangesLittleIsDone() throws Exception {
    mesh.proxies.tally();
    double cpu = replica.process().cpuSeconds();
    long begun = System.nanoTime();
    Awaitility.await().pollDelay(IDLE).atMost(IDLE.plusSeconds(60)).until(() -> true);
    double share = (replica.process().cpuSeconds() - cpu) / seconds(begun);
    say("idle: %.2f %% of a core; %s".formatted(100 * share, memory()));
    assertThat(mesh.proxies.tally().total()).isZero();
    if (Measurements.full()) {
      assertThat(share).isLessThan(0.03);
    }
  }

  @RepeatedTest(RESTARTS)
  @Order(3)
  void aRestartServesSoonAndSendsNothingAgain() throws Exception {
    say("before the restart: " + memory());
    if (Measurements.full()) {
      assertThat(replica.process().memoryKib("VmHWM") >> 10).isLessThan(MEMORY_MIB);
    }
    mesh.proxies.tally();
    replica.process().kill();
    long begun = System.nanoTime();
    replica.restart();
    mesh.await("it serves", () -> replica.process().said().contains("control-plane ready"));
    double serving = seconds(begun);
    mesh.await("proxies are back", () -> connected() > 0);
    double first = seconds(begun);
    mesh.await("all proxies are back", () -> connected() == PROXIES);
    double all = seconds(begun);
    mesh.change(1, 0, false);
    mesh.change(1, 0, true);
    Tally tally = mesh.proxies.tally();
    say(
        "restart: serves after %.1f s, the first proxy is served after %.1f s, all after %.1f s;"
                .formatted(serving, first, all)
            + " %d of %d resources sent again; %s"
                .formatted(tally.total() - 2L * PROXIES, whole, memory()));
    assertThat(tally.total() - 2L * PROXIES).isLessThan(whole / 100);
    if (Measurements.full()) {
      assertThat(serving).isLessThan(5);
      assertThat(replica.process().memoryKib("VmHWM") >> 10).isLessThan(MEMORY_MIB);
    }
  }

  private int connected() {
    return mesh.proxies.connectedTo(replica.xdsTls());
  }
}
