package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class FaultMeterTest {
  private final FaultMeter meter = new FaultMeter();

  private static FaultRule rule(String name, Place place, String... services) {
    return new FaultRule(
        "e",
        name,
        place,
        new FaultMatch(List.of(), Set.of(services), Set.of(), Set.of(), List.of(), List.of()),
        new Percentage(1_000_000),
        0,
        1,
        Instant.EPOCH,
        place == Place.CONNECTION ? new Fault.Refuse() : new Fault.Reset());
  }

  private static FaultMeter.Ended ended(boolean failed) {
    return new FaultMeter.Ended(1_000_000, failed, 0, false);
  }

  @Test
  void tellsTouchedFromUntouchedOnTheEdgesOfTheFaultsOnly() {
    meter.follow(FaultPlan.of(List.of(rule("f", Place.REQUEST, "catalog.shop"))), FaultPlan.NONE);
    meter.ended(false, null, "catalog.shop", ended(true), List.of("e"));
    meter.ended(false, null, "catalog.shop", ended(false), List.of("another"));
    meter.ended(false, null, "catalog.shop", ended(false), null);
    meter.ended(false, null, "db.shop", ended(true), null);
    meter.ended(true, null, "catalog.shop", ended(true), null);

    Map<FaultReading.Edge, FaultReading> taken = meter.take();
    assertThat(taken).hasSize(1);
    FaultReading reading = taken.values().iterator().next();
    assertThat(reading.edge())
        .isEqualTo(new FaultReading.Edge("e", "", false, "catalog.shop", false));
    assertThat(reading.affected().requests()).isEqualTo(1);
    assertThat(reading.affected().errors()).isEqualTo(1);
    assertThat(reading.unaffected().requests()).isEqualTo(2);
    assertThat(reading.unaffected().errors()).isZero();
    assertThat(meter.take()).isEmpty();
  }

  @Test
  void whatIsCalledIsTheEdgeUnlessOnlyWhereItIsSentIsNamed() {
    meter.follow(
        FaultPlan.of(List.of(rule("f", Place.ATTEMPT, "catalog.shop", "cart-v2.shop"))),
        FaultPlan.NONE);
    meter.ended(false, "catalog.shop", "catalog-v1.shop", ended(false), List.of("e"));
    meter.ended(false, "cart.shop", "cart-v2.shop", ended(false), List.of("e"));
    meter.ended(false, "cart.shop", "cart-v1.shop", ended(false), null);

    assertThat(meter.take().keySet())
        .extracting(FaultReading.Edge::service)
        .containsExactlyInAnyOrder("catalog.shop", "cart-v2.shop");
  }

  @Test
  void aFaultOnConnectionsIsNotMetByWhatIsCalled() {
    meter.follow(
        FaultPlan.of(List.of(rule("f", Place.CONNECTION, "catalog.shop"))), FaultPlan.NONE);
    meter.ended(false, "catalog.shop", "catalog-v1.shop", ended(false), null);
    assertThat(meter.take()).isEmpty();

    meter.ended(false, "shop.shop", "catalog.shop", ended(false), null);
    assertThat(meter.take().keySet())
        .extracting(FaultReading.Edge::service)
        .containsExactly("catalog.shop");
  }

  @Test
  void theNextOfTheSameWayCountsAnewAfterAReading() {
    meter.follow(FaultPlan.of(List.of(rule("f", Place.REQUEST, "catalog.shop"))), FaultPlan.NONE);
    for (int reading = 1; reading <= 3; reading++) {
      for (int i = 0; i < reading; i++) {
        meter.ended(false, "catalog.shop", "catalog-v1.shop", ended(false), null);
        meter.ended(false, "db.shop", "catalog-v1.shop", ended(false), null);
      }
      assertThat(meter.take().values())
          .singleElement()
          .satisfies(one -> assertThat(one.edge().service()).isEqualTo("catalog.shop"))
          .extracting(one -> one.unaffected().requests())
          .isEqualTo((long) reading);
    }
  }

  @Test
  void measuresForAGuardApartFromTheFaults() {
    meter.follow(
        FaultPlan.of(List.of(rule("f", Place.INBOUND))),
        FaultPlan.of(List.of(rule("guard.g", Place.INBOUND, "catalog.shop"))));
    meter.ended(true, null, "catalog.shop", ended(false), null);
    assertThat(meter.take().keySet())
        .containsExactlyInAnyOrder(
            new FaultReading.Edge("e", "", true, "catalog.shop", false),
            new FaultReading.Edge("e", "g", true, "catalog.shop", true));
  }

  @Test
  void aFaultOfConnectionsThatRestsTouchesNothingOnItsEdges() {
    for (Percentage chance : List.of(Percentage.ALWAYS, Percentage.NEVER)) {
      FaultRule usual = rule("f", Place.REQUEST, "catalog.shop");
      FaultRule refuse =
          new FaultRule(
              "e",
              "f",
              Place.CONNECTION,
              usual.match(),
              chance,
              0,
              1,
              Instant.EPOCH,
              new Fault.Refuse());
      meter.follow(FaultPlan.NONE, FaultPlan.of(List.of(refuse)));
      meter.ended(false, null, "catalog.shop", ended(false), null);
      FaultReading reading = meter.take().values().iterator().next();
      assertThat(reading.affected().requests()).isEqualTo(chance.equals(Percentage.ALWAYS) ? 1 : 0);
      assertThat(reading.affected().requests() + reading.unaffected().requests()).isEqualTo(1);
    }
  }

  @Test
  void ejectionsAreCountedByServiceWhileAnyFaultIsHeld() {
    meter.ejected("catalog.shop");
    assertThat(meter.takeEjections()).isEmpty();
    meter.follow(FaultPlan.of(List.of(rule("f", Place.REQUEST, "catalog.shop"))), FaultPlan.NONE);
    meter.ejected("catalog.shop");
    meter.ejected("catalog.shop");
    meter.ejected("db.shop");
    assertThat(meter.takeEjections()).isEqualTo(Map.of("catalog.shop", 2L, "db.shop", 1L));
    assertThat(meter.takeEjections()).isEmpty();
    meter.follow(FaultPlan.NONE, FaultPlan.NONE);
    meter.ejected("catalog.shop");
    assertThat(meter.takeEjections()).isEmpty();
  }

  @Test
  void countsGoOnWhenThePlanChangesForOthers() {
    FaultRule mine = rule("f", Place.REQUEST, "catalog.shop");
    meter.follow(FaultPlan.of(List.of(mine)), FaultPlan.NONE);
    meter.ended(false, null, "catalog.shop", ended(false), null);
    meter.follow(FaultPlan.of(List.of(mine, rule("g", Place.INBOUND, "db.shop"))), FaultPlan.NONE);
    meter.ended(false, null, "catalog.shop", ended(false), null);
    assertThat(meter.take().values())
        .singleElement()
        .satisfies(one -> assertThat(one.unaffected().requests()).isEqualTo(2));
  }

  @Test
  void whatWasMeasuredBeforeFaultsActedIsToldApartToTheExchange() {
    FaultPlan plan = FaultPlan.of(List.of(rule("f", Place.REQUEST, "catalog.shop")));
    meter.follow(FaultPlan.NONE, plan);
    meter.ended(false, null, "catalog.shop", ended(false), List.of("e"));
    meter.follow(plan, FaultPlan.NONE);
    meter.ended(false, null, "catalog.shop", ended(true), List.of("e"));
    Map<FaultReading.Edge, FaultReading> taken = meter.take();
    assertThat(taken).hasSize(2);
    FaultReading before = taken.get(new FaultReading.Edge("e", "", false, "catalog.shop", true));
    assertThat(before.affected().requests()).isOne();
    assertThat(before.affected().errors()).isZero();
    FaultReading since = taken.get(new FaultReading.Edge("e", "", false, "catalog.shop", false));
    assertThat(since.affected().errors()).isOne();
    assertThat(meter.take()).isEmpty();
  }
}
