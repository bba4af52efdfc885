package dev.outrigger.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.Place;
import dev.outrigger.fault.MeshFault;
import dev.outrigger.proxy.xds.FaultLeases;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class MeshFaultsTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration LEASE = Duration.ofSeconds(5);

  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final List<Set<MeshFault>> streams = new ArrayList<>();
  private final List<String> authorities = new ArrayList<>();
  private final MeshFaults faults =
      new MeshFaults("proxy-1", streams::add, why -> authorities.add(String.valueOf(why)));
  private final FaultLeases leases =
      new FaultLeases(
          channel.eventLoop(),
          () -> START.plusNanos(ticker.nanoTime()),
          (plan, _) -> faults.follow(plan),
          _ -> {},
          _ -> {});

  private static FaultRule rule(dev.outrigger.api.chaos.v1.MeshFault fault, int seconds) {
    return FaultRule.newBuilder()
        .setExperiment("e")
        .setFault("f")
        .setPlace(Place.MESH)
        .setChancePpm(1_000_000)
        .setNotAfter(Timestamp.newBuilder().setSeconds(START.plusSeconds(seconds).getEpochSecond()))
        .setMeshFault(fault)
        .build();
  }

  private void pass(long millis) {
    ticker.advance(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
  }

  @Test
  void aLostStreamComesBackWhenItsLeaseLapsesThoughNobodySaysSo() throws Exception {
    leases.onFault("e/f", rule(dev.outrigger.api.chaos.v1.MeshFault.LOST_STREAM, 3600), LEASE);
    pass(4_999);
    assertThat(streams).containsExactly(Set.of(MeshFault.LOST_STREAM));
    pass(1);
    assertThat(streams.getLast()).isEmpty();
  }

  @Test
  void aLostStreamComesBackAtTheAbsoluteEndHoweverOftenItIsRenewed() throws Exception {
    leases.onFault("e/f", rule(dev.outrigger.api.chaos.v1.MeshFault.LOST_STREAM, 7), LEASE);
    for (int i = 0; i < 6; i++) {
      pass(1_000);
      leases.onHeartbeat("e/f", LEASE);
    }
    assertThat(streams).containsExactly(Set.of(MeshFault.LOST_STREAM));
    pass(1_000);
    assertThat(streams.getLast()).isEmpty();
  }

  @Test
  void theProxysOwnGuardEndsItToo() throws Exception {
    leases.onFault(
        "e/f", rule(dev.outrigger.api.chaos.v1.MeshFault.STALE_CONFIGURATION, 3600), LEASE);
    assertThat(streams.getLast()).containsExactly(MeshFault.STALE_CONFIGURATION);
    leases.giveUp("e");
    assertThat(streams.getLast()).isEmpty();
  }

  @Test
  void aFailingAuthoritySaysByWhichFaultAndWorksAgainAfterIt() throws Exception {
    leases.onFault(
        "e/f", rule(dev.outrigger.api.chaos.v1.MeshFault.FAILING_AUTHORITY, 3600), LEASE);
    leases.onRemoved("e/f");
    assertThat(authorities).containsExactly("by the fault e/f", "null");
  }
}
