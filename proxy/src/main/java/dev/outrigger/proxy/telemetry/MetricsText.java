package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.telemetry.WorkerCounters.Duration;
import dev.outrigger.proxy.telemetry.WorkerCounters.Refusal;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Numbers as Prometheus text, exposition format 0.0.4. */
final class MetricsText {
  private static final Comparator<Map.Entry<LabelSet, long[]>> BY_LABELS =
      Comparator.comparing((Map.Entry<LabelSet, long[]> e) -> e.getKey().reporter)
          .thenComparing(e -> e.getKey().listener)
          .thenComparing(e -> e.getKey().service)
          .thenComparing(e -> e.getKey().status)
          .thenComparing(e -> e.getKey().flags)
          .thenComparing(e -> e.getKey().code)
          .thenComparing(e -> e.getKey().fault)
          .thenComparing(e -> e.getKey().principal);

  private final StringBuilder out = new StringBuilder(16 * 1024);

  private MetricsText() {}

  /** The metrics of the data path. */
  static String of(WorkerCounters all, long logLinesDropped) {
    MetricsText text = new MetricsText();
    text.requests(all.requests);
    text.durations(all.durations);
    text.connections(all.connections);
    text.family("outrigger_tcp_connections_closed_total", "counter", "Relayed connections closed.");
    sorted(all.closed)
        .forEach(e -> text.ended("outrigger_tcp_connections_closed_total", e.getKey(), e, false));
    text.named(
        "outrigger_downstream_connections_opened_total",
        "counter",
        "Client connections accepted.",
        "listener",
        all.downstreamOpened);
    text.named(
        "outrigger_downstream_connections_closed_total",
        "counter",
        "Client connections closed.",
        "listener",
        all.downstreamClosed);
    text.named(
        "outrigger_protocol_detection_timeouts_total",
        "counter",
        "Connections whose first bytes did not come in time.",
        "listener",
        all.detectionTimeouts);
    text.refused(all.refused);
    text.named(
        "outrigger_upstream_connections_opened_total",
        "counter",
        "Connections to endpoints opened.",
        "cluster",
        all.upstreamOpened);
    text.named(
        "outrigger_upstream_connections",
        "gauge",
        "Connections to endpoints that are open.",
        "cluster",
        all.upstreamOpen);
    text.named(
        "outrigger_upstream_retries_total",
        "counter",
        "Attempts after the first of an exchange.",
        "cluster",
        all.retries);
    text.named("outrigger_bug_total", "counter", "Broken invariants by place.", "where", all.bugs);
    text.single(
        "outrigger_series_folded_total",
        "counter",
        "Observations counted as other because there are too many series.",
        all.folded());
    text.single(
        "outrigger_access_log_dropped_lines_total",
        "counter",
        "Access log lines dropped because the writer could not keep up.",
        logLinesDropped);
    return text.out.toString();
  }

  /** The metrics of the process. */
  static String ofProcess(String version, long directMemoryBytes) {
    MetricsText text = new MetricsText();
    text.family("outrigger_build_info", "gauge", "What is running.");
    text.out.append("outrigger_build_info{version=\"");
    text.escaped(version);
    text.out.append("\",java_version=\"");
    text.escaped(Runtime.version().toString());
    text.out.append("\"} 1\n");
    var runtime = ManagementFactory.getRuntimeMXBean();
    text.family("process_start_time_seconds", "gauge", "Start time since the epoch.");
    text.out.append("process_start_time_seconds ");
    text.out.append(runtime.getStartTime() / 1000.0).append('\n');
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system) {
      text.family("process_cpu_seconds_total", "counter", "CPU time, user and system.");
      text.out.append("process_cpu_seconds_total ");
      text.out.append(system.getProcessCpuTime() / 1e9).append('\n');
    }
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    MemoryUsage rest = ManagementFactory.getMemoryMXBean().getNonHeapMemoryUsage();
    text.family("jvm_memory_used_bytes", "gauge", "Memory in use.");
    text.sample("jvm_memory_used_bytes", "area", "heap", heap.getUsed());
    text.sample("jvm_memory_used_bytes", "area", "nonheap", rest.getUsed());
    text.sample("jvm_memory_used_bytes", "area", "direct", directMemoryBytes);
    text.single(
        "jvm_threads_current",
        "gauge",
        "Live threads.",
        ManagementFactory.getThreadMXBean().getThreadCount());
    text.family("jvm_gc_collections_total", "counter", "Garbage collections.");
    List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();
    for (GarbageCollectorMXBean collector : collectors) {
      text.sample(
          "jvm_gc_collections_total", "gc", collector.getName(), collector.getCollectionCount());
    }
    text.family("jvm_gc_collection_seconds_total", "counter", "Time in garbage collections.");
    for (GarbageCollectorMXBean collector : collectors) {
      text.out.append("jvm_gc_collection_seconds_total");
      text.labels("gc", collector.getName());
      text.out.append(collector.getCollectionTime() / 1000.0).append('\n');
    }
    return text.out.toString();
  }

  private void requests(SeriesMap requests) {
    family("outrigger_requests_total", "counter", "Exchanges that ended.");
    sorted(requests).forEach(e -> ended("outrigger_requests_total", e.getKey(), e, true));
  }

  private void ended(
      String name, LabelSet labels, Map.Entry<LabelSet, long[]> entry, boolean withStatus) {
    out.append(name).append('{');
    place(labels);
    if (withStatus) {
      out.append(",response_code=\"").append(labels.status).append('"');
    }
    out.append(",response_flags=\"");
    escaped(labels.flags);
    out.append("\",code=\"");
    escaped(labels.code);
    out.append("\",fault=\"");
    escaped(labels.fault);
    out.append("\"} ").append(entry.getValue()[0]).append('\n');
  }

  private void connections(SeriesMap connections) {
    List<Map.Entry<LabelSet, long[]>> all = sorted(connections);
    transferred(
        "outrigger_tcp_connections_opened_total",
        "Relayed connections opened.",
        all,
        WorkerCounters.OPENED);
    transferred(
        "outrigger_tcp_sent_bytes_total",
        "Bytes sent to clients of relayed connections.",
        all,
        WorkerCounters.SENT);
    transferred(
        "outrigger_tcp_received_bytes_total",
        "Bytes received from clients of relayed connections.",
        all,
        WorkerCounters.RECEIVED);
  }

  private void transferred(
      String name, String help, List<Map.Entry<LabelSet, long[]>> all, int which) {
    family(name, "counter", help);
    for (Map.Entry<LabelSet, long[]> entry : all) {
      out.append(name).append('{');
      place(entry.getKey());
      out.append("} ").append(entry.getValue()[which]).append('\n');
    }
  }

  private void durations(Map<Duration, DurationHistogram> durations) {
    String name = "outrigger_request_duration_seconds";
    family(name, "histogram", "Time from a request's head to the end of its exchange.");
    List<Map.Entry<Duration, DurationHistogram>> all = new ArrayList<>(durations.entrySet());
    all.sort(
        Comparator.comparing((Map.Entry<Duration, DurationHistogram> e) -> e.getKey().reporter())
            .thenComparing(e -> e.getKey().service()));
    for (Map.Entry<Duration, DurationHistogram> entry : all) {
      DurationHistogram histogram = entry.getValue();
      long[] below = histogram.cumulative();
      for (int i = 0; i < below.length; i++) {
        out.append(name).append("_bucket{");
        whose(entry.getKey());
        out.append(",le=\"").append(number(DurationHistogram.BOUNDS[i])).append("\"} ");
        out.append(below[i]).append('\n');
      }
      out.append(name).append("_bucket{");
      whose(entry.getKey());
      out.append(",le=\"+Inf\"} ").append(histogram.count()).append('\n');
      out.append(name).append("_sum{");
      whose(entry.getKey());
      out.append("} ").append(histogram.sumSeconds()).append('\n');
      out.append(name).append("_count{");
      whose(entry.getKey());
      out.append("} ").append(histogram.count()).append('\n');
    }
  }

  private void refused(Map<Refusal, long[]> refused) {
    String name = "outrigger_connections_refused_total";
    family(name, "counter", "Clients refused before any exchange.");
    List<Map.Entry<Refusal, long[]>> all = new ArrayList<>(refused.entrySet());
    all.sort(
        Comparator.comparing((Map.Entry<Refusal, long[]> e) -> e.getKey().listener())
            .thenComparing(e -> e.getKey().code()));
    for (Map.Entry<Refusal, long[]> entry : all) {
      out.append(name).append("{listener=\"");
      escaped(entry.getKey().listener());
      out.append("\",code=\"");
      escaped(entry.getKey().code());
      out.append("\"} ").append(entry.getValue()[0]).append('\n');
    }
  }

  private void named(
      String name, String type, String help, String label, Map<String, long[]> values) {
    family(name, type, help);
    new TreeMap<>(values).forEach((key, value) -> sample(name, label, key, value[0]));
  }

  private void single(String name, String type, String help, long value) {
    family(name, type, help);
    out.append(name).append(' ').append(value).append('\n');
  }

  private void family(String name, String type, String help) {
    out.append("# HELP ").append(name).append(' ').append(help).append('\n');
    out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private void sample(String name, String label, String labelValue, long value) {
    out.append(name);
    labels(label, labelValue);
    out.append(value).append('\n');
  }

  private void labels(String label, String value) {
    out.append('{').append(label).append("=\"");
    escaped(value);
    out.append("\"} ");
  }

  private void place(LabelSet labels) {
    out.append("reporter=\"");
    escaped(labels.reporter);
    out.append("\",listener=\"");
    escaped(labels.listener);
    out.append("\",destination_service=\"");
    escaped(labels.service);
    out.append("\",source_principal=\"");
    escaped(labels.principal);
    out.append('"');
  }

  private void whose(Duration key) {
    out.append("reporter=\"").append(key.reporter()).append("\",destination_service=\"");
    escaped(key.service());
    out.append('"');
  }

  private void escaped(String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '\\' -> out.append("\\\\");
        case '"' -> out.append("\\\"");
        case '\n' -> out.append("\\n");
        default -> out.append(c);
      }
    }
  }

  private static String number(double bound) {
    return bound == Math.rint(bound)
        ? Long.toString((long) bound)
        : new java.math.BigDecimal(Double.toString(bound)).toPlainString();
  }

  private static List<Map.Entry<LabelSet, long[]>> sorted(SeriesMap map) {
    List<Map.Entry<LabelSet, long[]>> all = new ArrayList<>(map.all().entrySet());
    Collections.sort(all, BY_LABELS);
    return all;
  }
}
