package dev.outrigger.proxy.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import dev.outrigger.fault.Spread;
import dev.outrigger.proxy.http.RecordedTelemetry;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.Worker;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HandshakeFaultsTest {
  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel client = EmbeddedChannel.builder().ticker(ticker).build();
  private final Worker worker = new Worker(0, client.eventLoop(), new Random(1));
  private final FaultView view = new FaultView(worker, 1);
  private final HandshakeFaults faults =
      new HandshakeFaults(worker, view, InstantSource.fixed(Instant.EPOCH));
  private final RecordedTelemetry telemetry = new RecordedTelemetry();

  @AfterEach
  void close() {
    client.finishAndReleaseAll();
  }

  private static FaultRule torn(String... services) {
    return new FaultRule(
        "torn",
        "f",
        Place.INBOUND,
        new FaultMatch(List.of(), Set.of(services), Set.of(), Set.of(), List.of(), List.of()),
        Percentage.ALWAYS,
        0,
        1,
        Instant.EPOCH,
        new HandshakeFault.Upset(Spread.NONE, HandshakeFault.Then.RESET));
  }

  @Test
  void aHandshakeThatFailedAtTheReceiverIsMeasuredForTheServiceThatItWasMeantFor() {
    view.replace(FaultPlan.of(List.of(torn("web.shop"))));
    HandshakeFaults.Spoiled met =
        Objects.requireNonNull(faults.accepted("in", Set.of("api.shop", "web.shop")));
    ticker.advance(30, TimeUnit.MILLISECONDS);
    faults.failed(met, telemetry);
    assertThat(telemetry.handshakesFailed).containsExactly("web.shop [torn] 30 ms");
  }

  @Test
  void whereAFaultNamesNoServiceTheOnlyOneBehindTheListenerIsMeant() {
    view.replace(FaultPlan.of(List.of(torn())));
    faults.failed(Objects.requireNonNull(faults.accepted("in", Set.of("web.shop"))), telemetry);
    faults.failed(
        Objects.requireNonNull(faults.accepted("in", Set.of("api.shop", "web.shop"))), telemetry);
    assertThat(telemetry.handshakesFailed).containsExactly("web.shop [torn] 0 ms", " [torn] 0 ms");
  }
}
