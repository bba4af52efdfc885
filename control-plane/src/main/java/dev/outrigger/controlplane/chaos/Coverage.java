package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which of the calls that are made were ever tested, and what to test next. Thread-safe.
 *
 * <p>Coverage is the share of known edges that a run which passed or failed has hit. Edges are
 * known that proxies saw within a month, and those that were tested.
 */
public final class Coverage {
  /** Of the look at all calls, which is nobody's experiment. */
  private static final String GRAPH = "*";

  private final InstantSource clock;
  private final ExperimentRunner experiments;
  private final Shadows shadows;
  private final TestHistory history;
  private final CallGraph graph;
  private @Nullable Shadow counted;

  /**
   * @param file keeps who calls whom
   * @param disk writes it
   */
  public Coverage(
      InstantSource clock,
      ExperimentRunner experiments,
      Shadows shadows,
      TestHistory history,
      Path file,
      StateDisk disk) {
    this.clock = clock;
    this.experiments = experiments;
    this.shadows = shadows;
    this.history = history;
    this.graph = CallGraph.open(file, disk);
  }

  /** Lets proxies see for a while who calls whom, or goes on if that is under way. */
  public ShadowReading look(Duration length) {
    return shadows.begin(GRAPH, CallGraph.looker(), length);
  }

  /** Takes what was seen once it is complete. To be called now and then. */
  @SuppressWarnings("ReferenceEquality") // Each look is taken once.
  public synchronized void tick() {
    @Nullable Shadow shadow = shadows.find(GRAPH);
    Instant now = clock.instant();
    if (shadow != null && shadow != counted && shadow.isComplete(now)) {
      counted = shadow;
      graph.saw(experiments.state(), shadow, now);
    }
  }

  /** What is covered, edge by edge, with an experiment for each that never was tested. */
  public synchronized JsonObject toJson() {
    tick();
    DesiredState state = experiments.state();
    Set<CallEdge> tested = history.tested();
    Set<CallEdge> known = new TreeSet<>(graph.edges().keySet());
    known.addAll(tested);
    JsonObject json = new JsonObject();
    @Nullable Shadow shadow = shadows.find(GRAPH);
    json.addProperty("complete", shadow == null || shadow.isComplete(clock.instant()));
    json.addProperty("edges", known.size());
    json.addProperty("tested", tested.size());
    json.addProperty(
        "percent", known.isEmpty() ? 0 : Math.round(1000.0 * tested.size() / known.size()) / 10.0);
    JsonArray list = new JsonArray();
    known.forEach(edge -> list.add(edge(edge)));
    json.add("calls", list);
    JsonArray suggestions = new JsonArray();
    graph.edges().entrySet().stream()
        .filter(one -> !tested.contains(one.getKey()))
        .filter(one -> !isLeftAlone(state, one.getKey(), one.getValue()))
        .sorted(
            Map.Entry.comparingByValue(
                Comparator.comparingDouble(CallGraph.Seen::perSecond).reversed()))
        .map(one -> Suggestion.of(one.getKey(), one.getValue(), state.mesh().chaos()))
        .forEach(
            suggestion -> {
              JsonObject one = new JsonObject();
              one.addProperty("from", suggestion.edge().from());
              one.addProperty("to", suggestion.edge().to());
              one.addProperty("why", suggestion.why());
              one.addProperty("document", suggestion.document());
              suggestions.add(one);
            });
    json.add("suggestions", suggestions);
    return json;
  }

  /** A suggestion for it would be refused. */
  private static boolean isLeftAlone(DesiredState state, CallEdge edge, CallGraph.Seen seen) {
    return FaultTargets.isLeftAlone(
            state, Suggestion.place(seen), ServiceName.parse(edge.to(), "default"))
        || !edge.from().startsWith("spiffe://")
            && state.isProtected(ServiceName.parse(edge.from(), "default"));
  }

  private JsonObject edge(CallEdge edge) {
    JsonObject json = new JsonObject();
    json.addProperty("from", edge.from());
    json.addProperty("to", edge.to());
    CallGraph.@Nullable Seen seen = graph.edges().get(edge);
    if (seen != null) {
      json.addProperty("seenAt", seen.at().toString());
      json.addProperty("perSecond", seen.perSecond());
      json.addProperty("connections", seen.connections());
      json.addProperty("p99Millis", seen.p99Millis());
    }
    List<TestHistory.Test> tests =
        history.tests().stream().filter(one -> one.edge().equals(edge)).toList();
    JsonArray kinds = new JsonArray();
    tests.stream()
        .filter(TestHistory.Test::conclusive)
        .map(TestHistory.Test::kind)
        .collect(Collectors.toCollection(TreeSet::new))
        .forEach(kinds::add);
    json.add("kinds", kinds);
    if (!tests.isEmpty()) {
      TestHistory.Test last = tests.getLast();
      json.addProperty("lastExperiment", last.experiment());
      json.addProperty("lastAt", last.startedAt().toString());
      json.addProperty("lastVerdict", last.verdict());
    }
    return json;
  }
}
