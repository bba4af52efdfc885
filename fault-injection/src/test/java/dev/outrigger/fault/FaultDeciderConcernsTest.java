package dev.outrigger.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is asked of every request says the same as the match that people read. */
class FaultDeciderConcernsTest {
  private static final int TRIES = 20_000;

  private record Request(
      @Nullable String sourceIdentity,
      @Nullable String destinationService,
      @Nullable String calledService,
      @Nullable String route,
      @Nullable String method,
      @Nullable String path,
      @Nullable String user)
      implements FaultSubject {
    @Override
    public @Nullable String header(String name) {
      return name.equals("x-user") ? user : null;
    }
  }

  private static @Nullable String oneOf(Random random, String... values) {
    int which = random.nextInt(values.length + 1);
    return which == values.length ? null : values[which];
  }

  private static Set<String> someOf(Random random, String value) {
    return random.nextBoolean() ? Set.of() : Set.of(value, "other");
  }

  private static FaultMatch match(Random random) {
    List<TextMatch> paths = new ArrayList<>();
    if (random.nextBoolean()) {
      paths.add(new TextMatch.Exact("/a"));
    }
    if (random.nextInt(4) == 0) {
      paths.add(new TextMatch.Prefix("/b/"));
    }
    if (random.nextInt(4) == 0) {
      paths.add(new TextMatch.Regex("/c[0-9]+"));
    }
    List<FaultMatch.HeaderCondition> headers = new ArrayList<>();
    if (random.nextBoolean()) {
      headers.add(
          new FaultMatch.HeaderCondition(
              "x-user", random.nextBoolean() ? null : new TextMatch.Exact("alice")));
    }
    if (random.nextInt(8) == 0) {
      headers.add(new FaultMatch.HeaderCondition("x-none", null));
    }
    return new FaultMatch(
        random.nextBoolean() ? List.of() : List.of("spiffe://td/ns/a/*"),
        someOf(random, "far.shop"),
        random.nextInt(4) == 0 ? Set.of("near.shop") : Set.of(),
        someOf(random, "checkout"),
        someOf(random, "GET"),
        paths,
        headers);
  }

  @Test
  void whatThePlanGivesConcernsExactlyWhatItsMatchMeans() {
    Random random = new Random(7);
    int concerned = 0;
    for (int i = 0; i < TRIES; i++) {
      FaultMatch match = match(random);
      Request request =
          new Request(
              oneOf(random, "spiffe://td/ns/a/sa/x", "spiffe://td/ns/b/sa/x"),
              oneOf(random, "far.shop", "near.shop", "db.shop"),
              oneOf(random, "far.shop", "near.shop", "db.shop"),
              oneOf(random, "checkout", "cart"),
              oneOf(random, "GET", "PUT"),
              oneOf(random, "/a", "/b/x", "/c12", "/d"),
              oneOf(random, "alice", "bob"));
      FaultRule rule =
          new FaultRule(
              "e",
              "f",
              Place.REQUEST,
              match,
              Percentage.ALWAYS,
              0,
              1,
              Instant.EPOCH,
              new Fault.Reset());
      boolean means = match.matches(request);
      assertThat(
              FaultPlan.of(List.of(rule))
                  .at(Place.REQUEST, request.calledService(), request.destinationService())
                  .stream()
                  .anyMatch(decider -> decider.concerns(request)))
          .as("%s and %s", match, request)
          .isEqualTo(means);
      concerned += means ? 1 : 0;
    }
    assertThat(concerned).isBetween(TRIES / 100, TRIES / 2);
  }
}
