package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.telemetry.ExchangeRecord.Sight;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class FaultSightingsTest {
  private final FaultSightings sightings = new FaultSightings();

  private static FaultRule rule(String name) {
    return new FaultRule(
        "e",
        name,
        Place.REQUEST,
        FaultMatch.ALL,
        new Percentage(1_000_000),
        0,
        1,
        Instant.EPOCH,
        new Fault.Reset());
  }

  @Test
  void countsByCallerAndRouteWhatIsSeenMatchesAndIsHit() {
    sightings.count(rule("f"), "catalog.shop", "spiffe://a/b", "items", Sight.PASSED);
    sightings.count(rule("f"), "catalog.shop", "spiffe://a/b", "items", Sight.MATCHED);
    sightings.count(rule("f"), "catalog.shop", "spiffe://a/b", "items", Sight.HIT);
    sightings.count(rule("f"), "catalog.shop", null, null, Sight.HIT);
    sightings.count(rule("guard.g"), "catalog.shop", null, null, Sight.HIT);

    Map<FaultSighting.Key, FaultSighting> taken = sightings.take();
    assertThat(taken).hasSize(2);
    FaultSighting items =
        taken.get(new FaultSighting.Key("e", "f", "catalog.shop", "spiffe://a/b", "items"));
    assertThat(items.seen()).isEqualTo(3);
    assertThat(items.matched()).isEqualTo(2);
    assertThat(items.hit()).isEqualTo(1);
    assertThat(taken.get(new FaultSighting.Key("e", "f", "catalog.shop", "", "")).hit()).isOne();
    assertThat(sightings.take()).isEmpty();
  }

  @Test
  void tooManyRoutesAreCountedAsOneAndNoneIsLost() {
    int all = FaultSightings.MAX_KEYS + 10;
    for (int i = 0; i < all; i++) {
      sightings.count(rule("f"), "catalog.shop", null, "route-" + i, Sight.MATCHED);
    }
    Map<FaultSighting.Key, FaultSighting> taken = sightings.take();
    assertThat(taken).hasSize(FaultSightings.MAX_KEYS + 1);
    assertThat(taken.get(new FaultSighting.Key("e", "f", "", "", "")).seen()).isEqualTo(10);
    assertThat(taken.values().stream().mapToLong(FaultSighting::matched).sum()).isEqualTo(all);
  }
}
