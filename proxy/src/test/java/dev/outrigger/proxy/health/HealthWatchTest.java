package dev.outrigger.proxy.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.HealthCheckPolicy.Schedule;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.worker.ConfigLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class HealthWatchTest {
  private static final HealthCheckPolicy POLICY =
      new HealthCheckPolicy.Tcp(
          new Schedule(Duration.ofSeconds(10), 50, Duration.ofSeconds(1), 2, 2));

  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final Set<Endpoint> down = new HashSet<>();
  private final Map<Endpoint, Integer> probes = new HashMap<>();
  private final List<HealthView> views = new ArrayList<>();
  private final HealthWatch watch =
      new HealthWatch(
          new ConfigLoop(channel.eventLoop()),
          (_, _) ->
              (endpoint, _, done) -> {
                probes.merge(endpoint, 1, Integer::sum);
                done.accept(
                    down.contains(endpoint)
                        ? new ProbeResult.Unanswered("refused")
                        : new ProbeResult.Passed());
              },
          new SplittableRandom(3),
          views::add);

  @AfterEach
  void close() {
    watch.stop();
    channel.close();
  }

  @Test
  void whoAnswersTheFirstProbeIsHealthyAtOnce() {
    down.add(Endpoints.number(2));
    watch.watch(List.of(cluster(2)));
    assertThat(healthy(1)).isFalse();
    advance(0);
    assertThat(healthy(1)).isTrue();
    assertThat(healthy(2)).isFalse();
    assertThat(watch.view().healthy("not checked", Endpoints.number(2))).isTrue();
  }

  @Test
  void thresholdsDecideAndEachChangeIsPublishedOnce() {
    watch.watch(List.of(cluster(1)));
    advance(0);
    int before = views.size();
    down.add(Endpoints.number(1));
    advance(15);
    assertThat(healthy(1)).isTrue();
    advance(15);
    assertThat(healthy(1)).isFalse();
    assertThat(views).hasSize(before + 1);
    assertThat(views.getLast().changedSince(views.get(before - 1))).containsExactly("c");
  }

  @Test
  void probesComeWithinIntervalAndJitter() {
    watch.watch(List.of(cluster(1)));
    advance(0);
    advance(9);
    assertThat(probes.get(Endpoints.number(1))).isEqualTo(1);
    advance(6);
    assertThat(probes.get(Endpoints.number(1))).isEqualTo(2);
  }

  @Test
  void anUpdateKeepsWhatIsKnownAndForgetsWhoLeft() {
    watch.watch(List.of(cluster(2)));
    advance(0);
    watch.watch(List.of(cluster(3)));
    assertThat(healthy(1)).isTrue();
    assertThat(healthy(3)).isFalse();
    watch.watch(List.of(cluster(1)));
    assertThat(healthy(2)).isFalse();
    int seen = probes.get(Endpoints.number(2));
    advance(100);
    assertThat(probes.get(Endpoints.number(2))).isEqualTo(seen);
  }

  @Test
  void aClusterThatIsGoneIsNoLongerChecked() {
    watch.watch(List.of(cluster(1)));
    advance(0);
    watch.watch(List.of());
    assertThat(watch.view()).isEqualTo(HealthView.EMPTY);
  }

  private boolean healthy(int number) {
    return watch.view().healthy("c", Endpoints.number(number));
  }

  private static ClusterConfig cluster(int endpoints) {
    EndpointSet set = Endpoints.numbers(endpoints);
    return Endpoints.cluster("c", set, POLICY, new UpstreamTls.Plain());
  }

  private void advance(int seconds) {
    ticker.advance(seconds, TimeUnit.SECONDS);
    channel.runPendingTasks();
    channel.runScheduledPendingTasks();
    channel.runScheduledPendingTasks();
  }
}
