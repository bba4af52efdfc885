package dev.outrigger.proxy.telemetry;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * All numbers of one worker, plain. Confined to its worker's event loop; a scrape takes a snapshot
 * there and adds the snapshots of all workers elsewhere.
 */
final class WorkerCounters {
  static final int OPENED = 0;
  static final int SENT = 1;
  static final int RECEIVED = 2;

  /** The bound on services with a histogram of their own, and on names in the small families. */
  static final int MAX_NAMES = 500;

  final SeriesMap requests = new SeriesMap(1);
  final SeriesMap connections = new SeriesMap(3);
  final SeriesMap closed = new SeriesMap(1);
  final Map<Duration, DurationHistogram> durations = new HashMap<>();
  final Map<String, long[]> downstreamOpened = new HashMap<>();
  final Map<String, long[]> downstreamClosed = new HashMap<>();
  final Map<String, long[]> detectionTimeouts = new HashMap<>();
  final Map<Refusal, long[]> refused = new HashMap<>();
  final Map<Refusal, long[]> floods = new HashMap<>();
  final Map<Refusal, long[]> upstreamFloods = new HashMap<>();
  final Map<Refusal, long[]> upstreamViolations = new HashMap<>();
  final Map<String, long[]> upstreamOpened = new HashMap<>();
  final Map<String, long[]> upstreamOpen = new HashMap<>();
  final Map<String, long[]> retries = new HashMap<>();
  final Map<String, long[]> bugs = new HashMap<>();

  /** Whose requests a histogram holds. */
  record Duration(String reporter, String service) {}

  /** At which listener, or by which cluster, something wrong was done, and what. */
  record Refusal(String where, String code) {}

  /** The histogram of a service. */
  DurationHistogram duration(String reporter, String service) {
    Duration key = new Duration(reporter, service);
    DurationHistogram found = durations.get(key);
    if (found == null) {
      if (durations.size() >= MAX_NAMES) {
        key = new Duration(reporter, "other");
      }
      found = durations.computeIfAbsent(key, _ -> new DurationHistogram());
    }
    return found;
  }

  static void add(Map<String, long[]> to, String name, long amount) {
    long[] found = to.get(name);
    if (found == null) {
      String key = to.size() >= MAX_NAMES ? "other" : name;
      found = to.computeIfAbsent(key, _ -> new long[1]);
    }
    found[0] += amount;
  }

  void refuse(String listener, String code) {
    count(refused, listener, code);
  }

  void flood(String listener, String kind) {
    count(floods, listener, kind);
  }

  void upstreamFlood(String cluster, String kind) {
    count(upstreamFloods, cluster, kind);
  }

  void upstreamViolation(String cluster, String kind) {
    count(upstreamViolations, cluster, kind);
  }

  private static void count(Map<Refusal, long[]> in, String where, String code) {
    Refusal key = new Refusal(where, code);
    if (in.size() >= MAX_NAMES && !in.containsKey(key)) {
      key = new Refusal("other", code);
    }
    in.computeIfAbsent(key, _ -> new long[1])[0]++;
  }

  private static void merge(Map<Refusal, long[]> to, Map<Refusal, long[]> more) {
    more.forEach((key, value) -> to.computeIfAbsent(key, _ -> new long[1])[0] += value[0]);
  }

  WorkerCounters snapshot() {
    WorkerCounters copy = new WorkerCounters();
    copy.add(this);
    return copy;
  }

  /** Adds all that another one has; what the other holds is not shared. */
  void add(WorkerCounters more) {
    requests.add(more.requests);
    connections.add(more.connections);
    closed.add(more.closed);
    more.durations.forEach(
        (key, histogram) -> duration(key.reporter(), key.service()).add(histogram));
    addAll(downstreamOpened, more.downstreamOpened);
    addAll(downstreamClosed, more.downstreamClosed);
    addAll(detectionTimeouts, more.detectionTimeouts);
    merge(refused, more.refused);
    merge(floods, more.floods);
    merge(upstreamFloods, more.upstreamFloods);
    merge(upstreamViolations, more.upstreamViolations);
    addAll(upstreamOpened, more.upstreamOpened);
    addAll(upstreamOpen, more.upstreamOpen);
    addAll(retries, more.retries);
    addAll(bugs, more.bugs);
  }

  long folded() {
    return requests.folded() + connections.folded() + closed.folded();
  }

  private static void addAll(Map<String, long[]> to, Map<String, long[]> more) {
    new TreeMap<>(more).forEach((name, value) -> add(to, name, value[0]));
  }
}
