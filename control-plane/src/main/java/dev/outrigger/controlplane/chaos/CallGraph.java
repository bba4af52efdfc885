package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.fault.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who calls whom, as proxies saw it, in a file of the state folder. What was not seen for a month
 * is forgotten. Not thread-safe.
 */
final class CallGraph {
  private static final Logger LOG = LoggerFactory.getLogger(CallGraph.class);
  private static final Duration KNOWN = Duration.ofDays(30);
  private static final int MAX_EDGES = 5000;
  private static final String REQUESTS = "requests";
  private static final String CONNECTIONS = "connections";

  private final Path file;
  private final StateDisk disk;
  private final SortedMap<CallEdge, Seen> edges = new TreeMap<>();

  /**
   * What passed when it was looked at last.
   *
   * @param perSecond requests; zero where only connections were seen
   * @param p99Millis zero where it was not measured
   */
  record Seen(Instant at, double perSecond, long connections, double p99Millis) {}

  private CallGraph(Path file, StateDisk disk) {
    this.file = file;
    this.disk = disk;
  }

  /** A file that cannot be read is an empty graph. */
  static CallGraph open(Path file, StateDisk disk) {
    CallGraph graph = new CallGraph(file, disk);
    if (Files.exists(file)) {
      try {
        for (JsonElement one : JsonParser.parseString(Files.readString(file)).getAsJsonArray()) {
          JsonObject edge = one.getAsJsonObject();
          graph.edges.put(
              new CallEdge(edge.get("from").getAsString(), edge.get("to").getAsString()),
              new Seen(
                  Instant.parse(edge.get("at").getAsString()),
                  edge.get("perSecond").getAsDouble(),
                  edge.get("connections").getAsLong(),
                  edge.get("p99Millis").getAsDouble()));
        }
      } catch (IOException
          | JsonParseException
          | IllegalStateException
          | NullPointerException
          | UnsupportedOperationException
          | NumberFormatException
          | DateTimeException e) {
        LOG.warn("{} cannot be read; who calls whom must be seen again", file, e);
      }
    }
    return graph;
  }

  SortedMap<CallEdge, Seen> edges() {
    return edges;
  }

  /** What lets proxies see all calls, and touches none. No experiment has a name like it. */
  static Experiment looker() {
    Experiment.Match all =
        new Experiment.Match(
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            Map.of(),
            Map.of(),
            Experiment.Share.ALL);
    return new Experiment(
        new ObjectMeta("outrigger/graph", "outrigger", Map.of(), Map.of()),
        "",
        "",
        List.of(
            new Experiment.Fault(
                REQUESTS, Experiment.Place.REQUEST, new Fault.Reset(), all, 0, 0, 0, 0, false),
            new Experiment.Fault(
                CONNECTIONS,
                Experiment.Place.CONNECTION,
                new Fault.Refuse(),
                all,
                0,
                0,
                0,
                0,
                false)),
        Shadows.MAX_LENGTH,
        Duration.ofSeconds(5),
        OptionalLong.empty(),
        Experiment.Start.MANUAL,
        new Experiment.Watch(List.of(), Duration.ZERO, null),
        new Experiment.Course(List.of(), List.of(), null));
  }

  /** Takes what proxies saw, and writes it down. */
  void saw(DesiredState state, Shadow shadow, Instant now) {
    ShadowReading reading = shadow.reading(now);
    double seconds =
        Math.max(1, Duration.between(reading.began(), reading.ends()).toMillis() / 1000.0);
    Map<CallEdge, long[]> counts = new TreeMap<>();
    Map<CallEdge, Traffic> traffic = new TreeMap<>();
    for (ShadowReading.Row row : reading.rows()) {
      @Nullable CallEdge edge = edge(state, row.workload(), row.service());
      if (edge == null) {
        continue;
      }
      long[] sum = counts.computeIfAbsent(edge, _ -> new long[2]);
      if (row.fault().equals(REQUESTS)) {
        traffic.computeIfAbsent(edge, _ -> new Traffic());
        sum[0] += row.seen();
      } else {
        sum[1] += row.seen();
      }
    }
    shared(state, counts);
    for (String workload : reading.heard()) {
      traffic.forEach(
          (edge, of) -> {
            if (edge.equals(edge(state, workload, edge.to()))) {
              of.add(shadow.traffic(workload, edge.to()));
            }
          });
    }
    counts.forEach(
        (edge, sum) -> {
          if (edges.size() < MAX_EDGES || edges.containsKey(edge)) {
            Traffic of = traffic.getOrDefault(edge, new Traffic());
            edges.put(
                edge, new Seen(now, sum[0] / seconds, sum[1], of.quantile(0.99).toNanos() / 1e6));
          }
        });
    edges.values().removeIf(seen -> seen.at().isBefore(now.minus(KNOWN)));
    write();
  }

  /**
   * Counts the connections that requests share for those that were called: they go to where its
   * routes send, which the caller may never have called itself.
   */
  private static void shared(DesiredState state, Map<CallEdge, long[]> counts) {
    Map<CallEdge, List<long[]>> called = new HashMap<>();
    counts.forEach(
        (edge, sum) -> {
          if (sum[0] > 0) {
            state
                .sentTo(ServiceName.parse(edge.to(), "default"))
                .forEach(
                    backend ->
                        called
                            .computeIfAbsent(
                                new CallEdge(edge.from(), backend.toString()),
                                _ -> new ArrayList<>())
                            .add(sum));
          }
        });
    counts
        .entrySet()
        .removeIf(
            one -> {
              List<long[]> through = called.getOrDefault(one.getKey(), List.of());
              if (one.getValue()[0] > 0 || through.isEmpty()) {
                return false;
              }
              through.forEach(sum -> sum[1] += one.getValue()[1]);
              return true;
            });
  }

  /** Null where the service is not known, or the workload is gone. */
  static @Nullable CallEdge edge(DesiredState state, String workload, String service) {
    int slash = workload.indexOf('/');
    @Nullable Workload caller =
        slash < 0
            ? null
            : state.workload(workload.substring(0, slash), workload.substring(slash + 1));
    if (caller == null || service.isEmpty() || service.equals("unknown")) {
      return null;
    }
    List<Service> behind = state.servicesOf(caller);
    String from =
        behind.isEmpty()
            ? caller.identityIn(state.mesh().trustDomain()).toString()
            : behind.getFirst().serviceName().toString();
    return new CallEdge(from, service);
  }

  private void write() {
    JsonArray all = new JsonArray();
    edges.forEach(
        (edge, seen) -> {
          JsonObject one = new JsonObject();
          one.addProperty("from", edge.from());
          one.addProperty("to", edge.to());
          one.addProperty("at", seen.at().toString());
          one.addProperty("perSecond", seen.perSecond());
          one.addProperty("connections", seen.connections());
          one.addProperty("p99Millis", seen.p99Millis());
          all.add(one);
        });
    disk.soon(
        () -> {
          Path fresh = file.resolveSibling(file.getFileName() + ".new");
          Files.writeString(fresh, all + "\n");
          Files.move(
              fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        },
        e -> LOG.error("who calls whom is not written down", e));
  }
}
