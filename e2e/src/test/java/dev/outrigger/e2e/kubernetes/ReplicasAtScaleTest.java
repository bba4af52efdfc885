package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.kubernetes.SimulatedProxies.Tally;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three control planes that proxies are spread over: what is lost with one of them, with the one
 * that leads, killed or frozen, and with the API server.
 *
 * <p>{@code -Doutrigger.full=true} takes 500 proxies and 200 services, and an API server that is
 * away for a minute.
 */
@Tag("measured")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ReplicasAtScaleTest {
  private static final int SERVICES = Measurements.sized(10, 200);
  private static final int PROXIES = Measurements.sized(30, 500);
  private static final Duration AWAY = Duration.ofSeconds(Measurements.sized(4, 60));

  private ScaledMesh mesh;
  private long whole;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    mesh = new ScaledMesh(folder, SERVICES, 3);
    mesh.join(PROXIES);
    Tally tally = mesh.proxies.tally();
    whole = tally.total();
    assertThat(whole).isGreaterThanOrEqualTo(3L * SERVICES * PROXIES);
    assertThat(tally.resets()).isEmpty();
  }

  @AfterAll
  void end() throws Exception {
    if (mesh != null) {
      mesh.close();
    }
  }

  private int connected() {
    return mesh.replicas.stream()
        .filter(one -> one.process().isAlive())
        .mapToInt(one -> mesh.proxies.connectedTo(one.xdsTls()))
        .sum();
  }

  /** One that proxies are connected to; of those that do not lead, the busiest. */
  private Replica follower(Replica leader) {
    return mesh.replicas.stream()
        .filter(one -> one != leader)
        .max(Comparator.comparingInt(one -> mesh.proxies.connectedTo(one.xdsTls())))
        .orElseThrow();
  }

  @Test
  void proxiesOfALostReplicaMoveWithoutBeingSentWhatTheyHaveAndOthersDoNotNotice()
      throws Exception {
    lose(follower(mesh.awaitLeaderOtherThan(null)), "another");
  }

  @Test
  void soDoThoseOfTheLeaderAndAnotherOneLeads() throws Exception {
    Replica leader = mesh.awaitLeaderOtherThan(null);
    lose(leader, "the leader");
    mesh.awaitLeaderOtherThan(leader);
  }

  private void lose(Replica lost, String what) throws Exception {
    mesh.await("all are connected", () -> connected() == PROXIES);
    int moving = mesh.proxies.connectedTo(lost.xdsTls());
    mesh.proxies.tally();
    lost.process().kill();
    try {
      mesh.await("all have moved", () -> connected() == PROXIES);
      // Whoever leads next has taken over what all share by now.
      mesh.awaitLeaderOtherThan(lost);
      Tally tally = mesh.proxies.tally();
      System.out.printf(
          "replicas: %s killed: %d of %d proxies moved, %d of %d resources sent again, resets %s%n",
          what, moving, PROXIES, tally.total(), whole, tally.resets());
      if (moving == 0) {
        assertThat(tally.resets()).isEmpty();
      } else {
        assertThat(tally.resets()).containsOnlyKeys(lost.xdsTls());
      }
      assertThat(tally.total()).isLessThan(whole / 100);
      mesh.change(0, 0, false);
      mesh.change(0, 0, true);
    } finally {
      lost.restart();
      mesh.await("it is back", lost::isReady);
    }
  }

  /** Something that the leader writes about and no proxy hears of. */
  private void freeze(String name, String reason) throws Exception {
    mesh.kube.apply(
        """
        apiVersion: chaos.outrigger.dev/v1alpha1
        kind: Freeze
        metadata: {name: %s, namespace: default}
        spec: {reason: %s, owner: tests}
        """
            .formatted(name, reason));
  }

  private void awaitStatus(String freeze) {
    mesh.await(
        "the status of " + freeze,
        () -> {
          try {
            String[] generations =
                mesh.kube
                    .must(
                        "-n",
                        "default",
                        "get",
                        "freeze",
                        freeze,
                        "-o",
                        "jsonpath={.metadata.generation} {.status.conditions[0].observedGeneration}")
                    .strip()
                    .split(" ", -1);
            return generations.length == 2 && generations[0].equals(generations[1]);
          } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void aLeaderThatIsFrozenIsDeposedAndWritesNothingAndProxiesDoNotNotice() throws Exception {
    mesh.await("all are connected", () -> connected() == PROXIES);
    freeze("frozen", "one");
    awaitStatus("frozen");
    Replica frozen = mesh.awaitLeaderOtherThan(null);
    long before = frozen.resigned();
    int held = mesh.proxies.connectedTo(frozen.xdsTls());
    mesh.proxies.tally();
    Instant resumed;
    long stopped = System.nanoTime();
    frozen.signal("STOP");
    try {
      mesh.awaitLeaderOtherThan(frozen);
      // The one about which it would have written is told of; of the other it hears afterwards.
      freeze("frozen", "two");
      awaitStatus("frozen");
      freeze("meanwhile", "one");
      resumed = Instant.now();
    } finally {
      frozen.signal("CONT");
    }
    long seconds = Duration.ofNanos(System.nanoTime() - stopped).toSeconds();
    mesh.await("it knows", () -> frozen.resigned() > before);
    mesh.await("it serves", frozen::isReady);
    freeze("frozen", "three");
    awaitStatus("frozen");
    awaitStatus("meanwhile");
    mesh.await("all are connected", () -> connected() == PROXIES);
    Tally tally = mesh.proxies.tally();
    List<String> written = frozen.writes(mesh.kube, resumed);
    System.out.printf(
        "replicas: the leader frozen for %d s with %d of %d proxies: resets %s, %d of %d resources"
            + " sent again, %d writes by the deposed%n",
        seconds, held, PROXIES, tally.resets(), tally.total(), whole, written.size());
    assertThat(written).as(frozen.name()).isEmpty();
    assertThat(mesh.awaitLeaderOtherThan(frozen).writes(mesh.kube, resumed)).isNotEmpty();
    assertThat(tally.resets().keySet()).isSubsetOf(frozen.xdsTls());
    assertThat(tally.total()).isLessThan(whole / 100);
    // Those that it serves hear of what changes, too.
    mesh.change(2, 0, false);
    mesh.change(2, 0, true);
  }

  @Test
  void anApiServerThatIsAwayIsNotNoticedByProxies() throws Exception {
    mesh.await("all are connected", () -> connected() == PROXIES);
    mesh.proxies.tally();
    mesh.kube.lose();
    Awaitility.await().pollDelay(AWAY).atMost(AWAY.plusSeconds(60)).until(() -> true);
    Tally away = mesh.proxies.tally();
    mesh.kube.restore();
    Duration change = mesh.change(1, 0, false);
    Tally after = mesh.proxies.tally();
    System.out.printf(
        "replicas: away for %d s: resets %s, %d resources sent; then a change came after %d ms with"
            + " %d resources%n",
        AWAY.toSeconds(), away.resets(), away.total(), change.toMillis(), after.total());
    assertThat(away.resets()).isEmpty();
    assertThat(away.total()).isZero();
    assertThat(after.resets()).isEmpty();
    assertThat(after.resources()).isEqualTo(Map.of(SimulatedProxies.ENDPOINT, (long) PROXIES));
    mesh.change(1, 0, true);
  }
}
