package dev.outrigger.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class FaultDeciderTest {
  private static final int REQUESTS = 10_000;
  private static final long GOLDEN_ROLL = -1722129032260961922L;
  private static final Fault ABORT = new Fault.Abort(503, OptionalInt.empty());
  private static final Fault DELAY = new Fault.Delay(Duration.ofMillis(100), Duration.ofMillis(40));

  @Test
  void hitsTheShareAskedForWhateverTheIdsLookLike() {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
    List<String> random128 =
        random.longs(REQUESTS).mapToObj(id -> "%016x%016x".formatted(id, ~id * 31)).toList();
    for (int percent : new int[] {1, 20, 50, 99}) {
      double wanted = percent / 100.0;
      for (long seed = 0; seed < 5; seed++) {
        FaultDecider decider = decider("abort", percent, seed, ABORT);
        assertThat(share(hits(decider, 0))).isBetween(wanted - 0.015, wanted + 0.015);
        long hit = random128.stream().filter(id -> isHit(decider, id, 0)).count();
        assertThat(hit / (double) REQUESTS).isBetween(wanted - 0.015, wanted + 0.015);
      }
    }
  }

  @Test
  void sameSeedAndIdsRepeatARunAndAnotherSeedDoesNot() {
    BitSet first = hits(decider("abort", 20, 42, ABORT), 0);
    assertThat(hits(decider("abort", 20, 42, ABORT), 0)).isEqualTo(first);
    assertThat(overlap(first, hits(decider("abort", 20, 43, ABORT), 0))).isBetween(0.03, 0.05);
  }

  @Test
  void hitsAreTheSameInEveryReleaseOfTheProxy() {
    assertThat(((FaultDecision.Hit) decider("abort", 100, 1, ABORT).decide("request-1", 0)).roll())
        .isEqualTo(GOLDEN_ROLL);
  }

  @Test
  void delayAndAbortOfOneExperimentHaveIndependentDice() {
    BitSet delayed = hits(decider("delay", 50, 42, DELAY), 0);
    BitSet aborted = hits(decider("abort", 50, 42, ABORT), 0);
    assertThat(overlap(delayed, aborted)).isBetween(0.235, 0.265);
  }

  @Test
  void eachAttemptRollsAnew() {
    FaultDecider decider = decider("abort", 50, 42, ABORT);
    assertThat(overlap(hits(decider, 1), hits(decider, 2))).isBetween(0.235, 0.265);
  }

  @Test
  void raisingThePercentageKeepsThoseWhoWereHit() {
    BitSet few = hits(decider("abort", 10, 42, ABORT), 0);
    BitSet many = hits(decider("abort", 30, 42, ABORT), 0);
    few.andNot(many);
    assertThat(few.isEmpty()).isTrue();
  }

  @Test
  void jitterFollowsFromTheIdAndFillsItsRange() {
    FaultDecider decider = decider("delay", 100, 42, DELAY);
    double sum = 0;
    for (int id = 0; id < REQUESTS; id++) {
      Duration wait = ((FaultDecision.Hit) decider.decide("r" + id, 0)).pause();
      assertThat(wait).isBetween(Duration.ofMillis(60), Duration.ofMillis(140));
      sum += wait.toNanos() / 1e6;
    }
    assertThat(sum / REQUESTS).isBetween(98.0, 102.0);
    assertThat(decider.decide("r1", 0)).isEqualTo(decider.decide("r1", 0));
  }

  @Test
  void planPutsDelaysBeforeAbortsAndKeepsOtherServicesOut() {
    FaultRule abort = rule("a", 100, 1, ABORT, Set.of("catalog.shop"));
    FaultRule delay = rule("z", 100, 1, DELAY, Set.of("catalog.shop"));
    FaultRule all = rule("m", 100, 1, DELAY, Set.of());
    FaultPlan plan = FaultPlan.of(List.of(abort, delay, all));
    assertThat(plan.at(Place.REQUEST, null, "catalog.shop"))
        .extracting(FaultDecider::rule)
        .containsExactly(all, delay, abort);
    assertThat(plan.at(Place.REQUEST, null, "cart.shop"))
        .extracting(FaultDecider::rule)
        .containsExactly(all);
    assertThat(plan.at(Place.ATTEMPT, null, "catalog.shop")).isEmpty();
    assertThat(plan).isEqualTo(FaultPlan.of(List.of(all, delay, abort)));
    assertThat(FaultPlan.of(List.of())).isSameAs(FaultPlan.NONE);
  }

  @Test
  void aServiceIsMeantThatIsCalledOrSentTo() {
    FaultRule called = rule("called", 100, 1, ABORT, Set.of("catalog.shop"));
    FaultRule sentTo = rule("sent-to", 100, 1, ABORT, Set.of("catalog-v1.shop"));
    FaultRule either = rule("either", 100, 1, ABORT, Set.of("catalog-v1.shop", "catalog.shop"));
    FaultRule all = rule("all", 100, 1, ABORT, Set.of());
    FaultPlan plan = FaultPlan.of(List.of(called, sentTo, either, all));

    assertThat(names(plan, "catalog.shop", "catalog-v1.shop"))
        .containsExactly("all", "called", "either", "sent-to");
    assertThat(names(plan, "catalog.shop", "catalog-v2.shop"))
        .containsExactly("all", "called", "either");
    assertThat(names(plan, "catalog-v1.shop", "catalog-v1.shop"))
        .containsExactly("all", "either", "sent-to");
    assertThat(names(plan, null, "catalog-v1.shop")).containsExactly("all", "either", "sent-to");
    assertThat(names(plan, "catalog.shop", null)).containsExactly("all", "called", "either");
    assertThat(names(plan, "cart.shop", "db.shop")).containsExactly("all");
    assertThat(names(plan, null, null)).containsExactly("all");
    assertThat(plan.at(Place.REQUEST, "catalog.shop", "catalog-v1.shop"))
        .as("found once")
        .isSameAs(plan.at(Place.REQUEST, "catalog.shop", "catalog-v1.shop"));
  }

  @Test
  void whatIsSparedIsNotHitWhicheverWayItIsReached() {
    FaultRule fault =
        new FaultRule(
            "e",
            "f",
            Place.REQUEST,
            new FaultMatch(
                List.of(),
                Set.of("catalog.shop"),
                Set.of("pay.shop"),
                Set.of(),
                Set.of(),
                List.of(),
                List.of()),
            Percentage.ofPercent(100),
            0,
            1,
            Instant.MAX,
            ABORT);
    FaultPlan plan = FaultPlan.of(List.of(fault, rule("all", 100, 1, ABORT, Set.of())));

    assertThat(names(plan, "catalog.shop", "catalog.shop")).containsExactly("all", "f");
    assertThat(names(plan, "catalog.shop", "cart.shop")).containsExactly("all", "f");
    assertThat(names(plan, "catalog.shop", "pay.shop")).containsExactly("all");
    assertThat(names(plan, "pay.shop", "catalog.shop")).containsExactly("all");
  }

  private static List<String> names(
      FaultPlan plan, @Nullable String called, @Nullable String destination) {
    return plan.at(Place.REQUEST, called, destination).stream()
        .map(decider -> decider.rule().name())
        .toList();
  }

  @Test
  void activeFaultsGiveSlotsBackOneByOne() {
    FaultRule rule = rule("a", 100, 1, ABORT, Set.of());
    FaultRule two =
        new FaultRule(
            "e", "a", Place.REQUEST, rule.match(), rule.chance(), 2, 1, Instant.MAX, DELAY);
    ActiveFaults active = new ActiveFaults();
    assertThat(active.enter(two)).isTrue();
    assertThat(active.enter(two)).isTrue();
    assertThat(active.enter(two)).isFalse();
    active.leave(two);
    assertThat(active.enter(two)).isTrue();
    assertThat(active.active(two)).isEqualTo(2);
  }

  @Test
  void sharersOfALimitKeepToItTogether() {
    FaultRule five =
        new FaultRule(
            "e", "a", Place.REQUEST, FaultMatch.ALL, Percentage.ALWAYS, 5, 1, Instant.MAX, DELAY);
    int entered = 0;
    for (int index = 0; index < 3; index++) {
      ActiveFaults share = new ActiveFaults(index, 3, new FirstHits());
      while (share.enter(five)) {
        entered++;
      }
    }
    assertThat(entered).isEqualTo(5);
  }

  @Test
  void valuesRefuseWhatCannotBe() {
    assertThatThrownBy(() -> new Percentage(1_000_001)).hasMessageContaining("1000000");
    assertThatThrownBy(() -> new Fault.Abort(99, OptionalInt.empty()))
        .hasMessageContaining("200 to 599");
    assertThatThrownBy(() -> new Fault.Delay(Duration.ofMillis(1), Duration.ofMillis(2)))
        .hasMessageContaining("jitter");
    assertThatThrownBy(() -> rule("a", 1, 1, new Fault.ResetPeer(Duration.ZERO), Set.of()))
        .hasMessageContaining("connections");
    assertThat(new Percentage(5_000)).hasToString("0.5%");
  }

  private static BitSet hits(FaultDecider decider, int attempt) {
    BitSet hits = new BitSet();
    for (int id = 0; id < REQUESTS; id++) {
      hits.set(id, isHit(decider, "r" + id, attempt));
    }
    return hits;
  }

  private static boolean isHit(FaultDecider decider, String id, int attempt) {
    return decider.decide(id, attempt) instanceof FaultDecision.Hit;
  }

  private static double share(BitSet hits) {
    return hits.cardinality() / (double) REQUESTS;
  }

  private static double overlap(BitSet one, BitSet other) {
    BitSet both = (BitSet) one.clone();
    both.and(other);
    return share(both);
  }

  private static FaultDecider decider(String name, int percent, long seed, Fault fault) {
    return new FaultDecider(rule(name, percent, seed, fault, Set.of()));
  }

  private static FaultRule rule(
      String name, int percent, long seed, Fault fault, Set<String> services) {
    return new FaultRule(
        "e",
        name,
        Place.REQUEST,
        new FaultMatch(List.of(), services, Set.of(), Set.of(), List.of(), List.of()),
        Percentage.ofPercent(percent),
        0,
        seed,
        Instant.MAX,
        fault);
  }
}
