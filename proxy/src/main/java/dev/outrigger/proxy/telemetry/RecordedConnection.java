package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ErrorReply;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.worker.WorkerConfined;
import org.jspecify.annotations.Nullable;

/** One relayed connection as metrics and a log line. Confined to its worker's event loop. */
@WorkerConfined
final class RecordedConnection implements ConnectionRecord {
  private final RecordingTelemetry telemetry;
  private final ConnectionFacts facts;
  private final NetworkFilter.Tcp config;
  private final ClientText client;
  private final long startMillis;
  private final long startNanos;
  private long @Nullable [] counters;
  private @Nullable ClusterConfig cluster;
  private @Nullable Endpoint endpoint;
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
  }

  @Override
  public void connected(ClusterConfig cluster, Endpoint endpoint) {
    this.cluster = cluster;
    this.endpoint = endpoint;
    count();
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
  public void finish(@Nullable ProxyError error) {
    if (counters == null) {
      count();
    }
    ErrorReply reply = error == null ? null : ErrorReplies.replyFor(error);
    String flags = reply == null ? "-" : reply.flag().toString();
    String code = reply == null ? "" : reply.code().toString();
    telemetry.counters.closed.of(labels().ended(0, flags, code, experiment))[0]++;
    AccessLog log = telemetry.log(config.accessLog());
    if (log == null) {
      return;
    }
    JsonLine line = log.begin();
    line.time(LogFields.TIME, startMillis);
    line.text(LogFields.PROTOCOL, "TCP");
    line.text(LogFields.RESPONSE_FLAGS, flags);
    if (error != null) {
      line.text(LogFields.CODE, code);
      line.text(LogFields.DETAILS, error.detail());
    }
    line.millis(LogFields.DURATION, telemetry.worker.nanoTime() - startNanos);
    line.number(LogFields.BYTES_RECEIVED, received);
    line.number(LogFields.BYTES_SENT, sent);
    LogFields.upstream(line, cluster, endpoint);
    line.text(LogFields.FAULT_EXPERIMENT, experiment);
    line.text(LogFields.FAULT, fault);
    line.text(LogFields.SERVER_NAME, facts.serverName());
    LogFields.client(line, facts, client);
    log.end();
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
