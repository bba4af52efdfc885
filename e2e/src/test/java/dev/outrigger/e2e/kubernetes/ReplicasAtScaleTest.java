package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Measurements;
import dev.outrigger.e2e.kubernetes.SimulatedProxies.Tally;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three control planes that proxies are spread over: what is lost with one of them, and with the
 * API server.
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

  @Test
  void proxiesOfALostReplicaMoveWithoutBeingSentWhatTheyHaveAndOthersDoNotNotice()
      throws Exception {
    Replica lost = mesh.replicas.getLast();
    int moving = mesh.proxies.connectedTo(lost.xdsTls());
    assertThat(moving).isPositive();
    mesh.proxies.tally();
    lost.process().kill();
    try {
      mesh.await("all have moved", () -> connected() == PROXIES);
      Tally tally = mesh.proxies.tally();
      System.out.printf(
          "replicas: %d of %d proxies moved, %d of %d resources sent again, resets %s%n",
          moving, PROXIES, tally.total(), whole, tally.resets());
      assertThat(tally.resets()).containsOnlyKeys(lost.xdsTls());
      assertThat(tally.total()).isLessThan(whole / 100);
      mesh.change(0, 0, false);
      mesh.change(0, 0, true);
    } finally {
      lost.restart();
      mesh.await("it is back", lost::isReady);
    }
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
