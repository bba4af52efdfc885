package dev.outrigger.proxy.telemetry;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ErrorReply;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.LogEntry.Moment;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One relayed connection as metrics and a log line. Confined to its worker's event loop. */
@WorkerConfined
final class RecordedConnection implements ConnectionRecord, AccessLogs.Lasting {
  private final RecordingTelemetry telemetry;
  private final ConnectionFacts facts;
  private final NetworkFilter.Tcp config;
  private final ClientText client;
  private final long startMillis;
  private final long startNanos;
  private final boolean lasting;
  private long dueAt;
  private long @Nullable [] counters;
  private @Nullable ClusterConfig cluster;
  private @Nullable Endpoint endpoint;
  private long connectNanos = -1;
  private long received;
  private long sent;
  private String experiment = "";
  private String fault = "";

  RecordedConnection(
      RecordingTelemetry telemetry, ConnectionFacts facts, NetworkFilter.Tcp config) {
    this.telemetry = telemetry;
    this.facts = facts;
    this.config = config;
    this.client = telemetry.client(facts);
    this.startMillis = telemetry.clock.millis();
    this.startNanos = telemetry.worker.nanoTime();
    AccessLogConfig log = config.accessLog();
    this.lasting = AccessLogs.any(log) && log.interval().isPositive();
    if (lasting) {
      dueAt = startNanos + log.interval().toNanos();
      telemetry.logs.started(this);
    }
  }

  @Override
  public void connected(ClusterConfig cluster, Endpoint endpoint) {
    this.cluster = cluster;
    this.endpoint = endpoint;
    count();
    AccessLogConfig log = config.accessLog();
    if (log.atStart() && AccessLogs.any(log)) {
      LogEntry _ = entry(Moment.TCP_START, telemetry.worker.nanoTime());
      telemetry.logs.write(log);
    }
  }

  @Override
  public void received(int bytes) {
    received += bytes;
    long[] live = counters;
    if (live != null) {
      live[WorkerCounters.RECEIVED] += bytes;
    }
  }

  @Override
  public void sent(int bytes) {
    sent += bytes;
    long[] live = counters;
    if (live != null) {
      live[WorkerCounters.SENT] += bytes;
    }
  }

  @Override
  public void faultApplied(String experiment, String fault) {
    this.experiment = experiment;
    this.fault = fault;
  }

  @Override
  public void counted(
      FaultPlan acting, FaultPlan observed, @Nullable String service, boolean failed) {
    if (connectNanos < 0) {
      connectNanos = telemetry.worker.nanoTime() - startNanos;
    }
    telemetry.meter.follow(acting, observed);
    telemetry.meter.ended(
        facts.inbound(),
        null,
        service == null ? "" : service,
        new FaultMeter.Ended(connectNanos, failed, 0, false),
        experiment.isEmpty() ? null : List.of(experiment));
  }

  @Override
  public void finish(@Nullable ProxyError error) {
    if (counters == null) {
      count();
    }
    ErrorReply reply = error == null ? null : ErrorReplies.replyFor(error);
    String flags = reply == null ? "-" : reply.flag().toString();
    String code = reply == null ? "" : reply.code().toString();
    telemetry.counters.closed.of(labels().ended(0, flags, code, experiment))[0]++;
    if (lasting) {
      telemetry.logs.over(this);
    }
    if (AccessLogs.any(config.accessLog())) {
      LogEntry entry = entry(Moment.TCP_END, telemetry.worker.nanoTime());
      entry.flags = flags;
      if (error != null && reply != null) {
        entry.cause = reply.flag();
        entry.error = error;
        entry.code = code;
        entry.details = reply.code().details(false);
        entry.termination = error.detail();
      }
      telemetry.logs.write(config.accessLog());
    }
  }

  @Override
  public long dueAt() {
    return dueAt;
  }

  @Override
  public void due(long now) {
    dueAt = now + config.accessLog().interval().toNanos();
    LogEntry _ = entry(Moment.TCP_INTERVAL, now);
    telemetry.logs.write(config.accessLog());
  }

  private LogEntry entry(Moment moment, long now) {
    LogEntry entry = telemetry.logs.begin();
    entry.moment = moment;
    entry.facts = facts;
    entry.client = client;
    entry.cluster = cluster;
    entry.endpoint = endpoint;
    entry.experiment = experiment;
    entry.fault = fault;
    entry.startMillis = startMillis;
    entry.bytesReceived = received;
    entry.bytesSent = sent;
    entry.duration = now - startNanos;
    return entry;
  }

  // Bytes that came before the service was known are counted with it.
  private void count() {
    long[] live = telemetry.counters.connections.of(labels());
    if (counters == null) {
      live[WorkerCounters.OPENED]++;
      live[WorkerCounters.RECEIVED] += received;
      live[WorkerCounters.SENT] += sent;
    }
    counters = live;
  }

  private LabelSet labels() {
    return telemetry.probe.fill(
        client.reporter(), facts.listener(), telemetry.service(cluster), client.principal());
  }
}
