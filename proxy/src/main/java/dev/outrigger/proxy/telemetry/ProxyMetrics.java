package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.telemetry.WorkerCounters.Duration;
import dev.outrigger.proxy.telemetry.WorkerCounters.Refusal;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All metrics there are: the same families and labels wherever they go. */
final class ProxyMetrics {
  private static final Comparator<Map.Entry<LabelSet, long[]>> ORDER =
      Comparator.comparing((Map.Entry<LabelSet, long[]> e) -> e.getKey().reporter)
          .thenComparing(e -> e.getKey().listener)
          .thenComparing(e -> e.getKey().service)
          .thenComparingInt(e -> e.getKey().status)
          .thenComparing(e -> e.getKey().flags)
          .thenComparing(e -> e.getKey().code)
          .thenComparing(e -> e.getKey().fault)
          .thenComparing(e -> e.getKey().principal);

  private final MetricSink out;

  private ProxyMetrics(MetricSink out) {
    this.out = out;
  }

  /** The metrics of the data path. */
  static void tell(MetricSink out, WorkerCounters all, long logLinesDropped) {
    ProxyMetrics metrics = new ProxyMetrics(out);
    metrics.requests(all.requests);
    metrics.durations(all.durations);
    metrics.relayed(all.connections, all.closed);
    metrics.connections(all);
    metrics.named(
        "outrigger_upstream_retries_total",
        MetricSink.Type.COUNTER,
        "Attempts after the first of an exchange.",
        "cluster",
        all.retries);
    metrics.named(
        "outrigger_bug_total",
        MetricSink.Type.COUNTER,
        "Broken invariants by place.",
        "where",
        all.bugs);
    out.family(
        "outrigger_series_folded_total",
        MetricSink.Type.COUNTER,
        "Observations counted as other because there are too many series.");
    out.value(all.folded());
    out.family(
        "outrigger_access_log_dropped_lines_total",
        MetricSink.Type.COUNTER,
        "Access log lines dropped because the writer could not keep up.");
    out.value(logLinesDropped);
  }

  /** The metrics of the process. */
  static void tellProcess(MetricSink out, String version, long directMemoryBytes) {
    out.family("outrigger_build_info", MetricSink.Type.GAUGE, "What is running.");
    out.value(1, "version", version, "java_version", Runtime.version().toString());
    out.family("process_start_time_seconds", MetricSink.Type.GAUGE, "Start time since the epoch.");
    out.decimal(ManagementFactory.getRuntimeMXBean().getStartTime() / 1000.0);
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system) {
      out.family(
          "process_cpu_seconds_total", MetricSink.Type.COUNTER, "CPU time, user and system.");
      out.decimal(system.getProcessCpuTime() / 1e9);
    }
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    MemoryUsage rest = ManagementFactory.getMemoryMXBean().getNonHeapMemoryUsage();
    out.family("jvm_memory_used_bytes", MetricSink.Type.GAUGE, "Memory in use.");
    out.value(heap.getUsed(), "area", "heap");
    out.value(rest.getUsed(), "area", "nonheap");
    out.value(directMemoryBytes, "area", "direct");
    out.family("jvm_threads_current", MetricSink.Type.GAUGE, "Live threads.");
    out.value(ManagementFactory.getThreadMXBean().getThreadCount());
    out.family("jvm_gc_collections_total", MetricSink.Type.COUNTER, "Garbage collections.");
    List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();
    for (GarbageCollectorMXBean collector : collectors) {
      out.value(collector.getCollectionCount(), "gc", collector.getName());
    }
    out.family(
        "jvm_gc_collection_seconds_total", MetricSink.Type.COUNTER, "Time in garbage collections.");
    for (GarbageCollectorMXBean collector : collectors) {
      out.decimal(collector.getCollectionTime() / 1000.0, "gc", collector.getName());
    }
  }

  private void requests(SeriesMap requests) {
    out.family("outrigger_requests_total", MetricSink.Type.COUNTER, "Exchanges that ended.");
    for (Map.Entry<LabelSet, long[]> entry : sorted(requests)) {
      LabelSet labels = entry.getKey();
      String[] common = {
        "reporter",
        labels.reporter,
        "listener",
        labels.listener,
        "destination_service",
        labels.service,
        "source_principal",
        labels.principal,
        "response_code",
        Integer.toString(labels.status),
        "response_flags",
        labels.flags,
        "code",
        labels.code,
        "fault",
        labels.fault
      };
      out.value(entry.getValue()[0], labels.grpc < 0 ? common : withGrpc(common, labels.grpc));
    }
  }

  private static String[] withGrpc(String[] labels, int status) {
    String[] more = Arrays.copyOf(labels, labels.length + 2);
    more[labels.length] = "grpc_response_status";
    more[labels.length + 1] = Integer.toString(status);
    return more;
  }

  private void durations(Map<Duration, DurationHistogram> durations) {
    out.family(
        "outrigger_request_duration_seconds",
        MetricSink.Type.HISTOGRAM,
        "Time from a request's head to the end of its exchange.");
    List<Map.Entry<Duration, DurationHistogram>> all = new ArrayList<>(durations.entrySet());
    all.sort(
        Comparator.comparing((Map.Entry<Duration, DurationHistogram> e) -> e.getKey().reporter())
            .thenComparing(e -> e.getKey().service()));
    for (Map.Entry<Duration, DurationHistogram> entry : all) {
      out.histogram(
          entry.getValue(),
          "reporter",
          entry.getKey().reporter(),
          "destination_service",
          entry.getKey().service());
    }
  }

  private void relayed(SeriesMap connections, SeriesMap closed) {
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
    out.family(
        "outrigger_tcp_connections_closed_total",
        MetricSink.Type.COUNTER,
        "Relayed connections closed.");
    for (Map.Entry<LabelSet, long[]> entry : sorted(closed)) {
      LabelSet labels = entry.getKey();
      out.value(
          entry.getValue()[0],
          "reporter",
          labels.reporter,
          "listener",
          labels.listener,
          "destination_service",
          labels.service,
          "source_principal",
          labels.principal,
          "response_flags",
          labels.flags,
          "code",
          labels.code,
          "fault",
          labels.fault);
    }
  }

  private void transferred(
      String name, String help, List<Map.Entry<LabelSet, long[]>> all, int which) {
    out.family(name, MetricSink.Type.COUNTER, help);
    for (Map.Entry<LabelSet, long[]> entry : all) {
      LabelSet labels = entry.getKey();
      out.value(
          entry.getValue()[which],
          "reporter",
          labels.reporter,
          "listener",
          labels.listener,
          "destination_service",
          labels.service,
          "source_principal",
          labels.principal);
    }
  }

  private void connections(WorkerCounters all) {
    named(
        "outrigger_downstream_connections_opened_total",
        MetricSink.Type.COUNTER,
        "Client connections accepted.",
        "listener",
        all.downstreamOpened);
    named(
        "outrigger_downstream_connections_closed_total",
        MetricSink.Type.COUNTER,
        "Client connections closed.",
        "listener",
        all.downstreamClosed);
    named(
        "outrigger_protocol_detection_timeouts_total",
        MetricSink.Type.COUNTER,
        "Connections whose first bytes did not come in time.",
        "listener",
        all.detectionTimeouts);
    refusals(
        "outrigger_connections_refused_total",
        "Clients refused before any exchange.",
        "listener",
        "code",
        all.refused);
    refusals(
        "outrigger_downstream_floods_total",
        "Clients that did too much of something, or too slowly, and were sent away.",
        "listener",
        "kind",
        all.floods);
    refusals(
        "outrigger_upstream_floods_total",
        "Connections to endpoints that were ended because these did too much of something.",
        "cluster",
        "kind",
        all.upstreamFloods);
    refusals(
        "outrigger_upstream_protocol_errors_total",
        "Answers and connections of endpoints that broke the protocol.",
        "cluster",
        "kind",
        all.upstreamViolations);
    named(
        "outrigger_upstream_connections_opened_total",
        MetricSink.Type.COUNTER,
        "Connections to endpoints opened.",
        "cluster",
        all.upstreamOpened);
    named(
        "outrigger_upstream_connections",
        MetricSink.Type.GAUGE,
        "Connections to endpoints that are open.",
        "cluster",
        all.upstreamOpen);
  }

  private void refusals(
      String name, String help, String where, String what, Map<Refusal, long[]> values) {
    out.family(name, MetricSink.Type.COUNTER, help);
    List<Map.Entry<Refusal, long[]>> sorted = new ArrayList<>(values.entrySet());
    sorted.sort(
        Comparator.comparing((Map.Entry<Refusal, long[]> e) -> e.getKey().where())
            .thenComparing(e -> e.getKey().code()));
    for (Map.Entry<Refusal, long[]> entry : sorted) {
      out.value(entry.getValue()[0], where, entry.getKey().where(), what, entry.getKey().code());
    }
  }

  private void named(
      String name, MetricSink.Type type, String help, String label, Map<String, long[]> values) {
    out.family(name, type, help);
    new TreeMap<>(values).forEach((key, value) -> out.value(value[0], label, key));
  }

  private static List<Map.Entry<LabelSet, long[]>> sorted(SeriesMap series) {
    List<Map.Entry<LabelSet, long[]>> all = new ArrayList<>(series.all().entrySet());
    all.sort(ORDER);
    return all;
  }
}
