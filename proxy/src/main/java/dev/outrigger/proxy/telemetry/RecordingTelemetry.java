package dev.outrigger.proxy.telemetry;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.ConnectionCodes;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ErrorReply;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All telemetry of one worker. Confined to its worker's event loop. */
@WorkerConfined
final class RecordingTelemetry implements WorkerTelemetry {
  private static final String UNKNOWN = "unknown";

  final Worker worker;
  final InstantSource clock;
  final Sampling sampling;
  final @Nullable SpanSink spans;
  final WorkerCounters counters = new WorkerCounters();
  final LabelSet probe = new LabelSet();
  final TraceContext reading = new TraceContext();
  final byte[] scratch = new byte[80];
  final AccessLogs logs;
  final FaultMeter meter = new FaultMeter();
  final FaultSightings sightings = new FaultSightings();
  private final Explanations explanations;
  private Explanations.Tokens tokens = new Explanations.Tokens(List.of());

  private final IdentityCache<ConnectionFacts, ClientText> clients =
      new IdentityCache<>(ClientText::of);
  private final IdentityCache<ClusterConfig, String> services =
      new IdentityCache<>(RecordingTelemetry::serviceOf);
  private final byte[] idBytes = new byte[36];

  RecordingTelemetry(
      Worker worker,
      InstantSource clock,
      Sampling sampling,
      @Nullable SpanSink spans,
      LogWriter writer,
      Explanations explanations) {
    this.worker = worker;
    this.clock = clock;
    this.sampling = sampling;
    this.spans = spans;
    this.logs = new AccessLogs(worker, writer);
    this.explanations = explanations;
    explanations.watch(next -> worker.loop().execute(() -> tokens = next));
  }

  @Override
  public ExchangeRecord startExchange(
      RequestHead head, ConnectionFacts facts, HttpProxyConfig config) {
    assert worker.isCurrent();
    String id = head.headers().get(HeaderName.X_REQUEST_ID);
    HttpProxyConfig.RequestIds policy = config.requestIds();
    boolean outsiders = config.forwarding().useRemoteAddress() && !policy.preserveExternal();
    if (id == null || id.isEmpty() || (outsiders && policy.generate())) {
      id = newRequestId();
      if (policy.generate()) {
        head.headers().set(HeaderName.X_REQUEST_ID, idBytes, idBytes.length);
      }
    }
    return new RecordedExchange(this, head, id, facts, config);
  }

  @Override
  public @Nullable Explanation explain(RequestHead head, ConnectionFacts facts) {
    if (tokens.none()) {
      return null;
    }
    String asked = head.headers().get(HeaderName.OUTRIGGER_EXPLAIN);
    if (asked == null) {
      return null;
    }
    boolean allowed = tokens.allow(asked.getBytes(StandardCharsets.UTF_8), explanations.now());
    if (facts.inbound()) {
      head.headers().remove(HeaderName.OUTRIGGER_EXPLAIN);
    }
    return allowed ? new Explanation(worker) : null;
  }

  @Override
  public void explained(
      Explanation explanation,
      RequestHead head,
      ConnectionFacts facts,
      String id,
      Outcome outcome) {
    String code = "";
    int status = 0;
    switch (outcome) {
      case Outcome.Answered answered -> status = answered.status();
      case Outcome.AnsweredLocally answered -> status = answered.status();
      case Outcome.Failed failed -> {
        ErrorReply reply = ErrorReplies.replyFor(failed.error());
        status = reply.status();
        code = reply.code().toString();
      }
    }
    explanations.keep(
        new Explanations.Decision(
            id,
            explanations.now(),
            facts.inbound() ? "inbound" : "outbound",
            head.method(),
            head.authority(),
            head.path(),
            status,
            code,
            explanation.steps()));
  }

  @Override
  public ConnectionRecord startConnection(ConnectionFacts facts, NetworkFilter.Tcp config) {
    assert worker.isCurrent();
    return new RecordedConnection(this, facts, config);
  }

  @Override
  public void connectionOpened(String listener) {
    assert worker.isCurrent();
    WorkerCounters.add(counters.downstreamOpened, listener, 1);
  }

  @Override
  public void connectionClosed(String listener) {
    assert worker.isCurrent();
    WorkerCounters.add(counters.downstreamClosed, listener, 1);
  }

  @Override
  public void detectionTimedOut(String listener) {
    assert worker.isCurrent();
    WorkerCounters.add(counters.detectionTimeouts, listener, 1);
  }

  @Override
  public void connectionRefused(String listener, String code) {
    assert worker.isCurrent();
    assert ConnectionCodes.known(code) : code + " has no page";
    counters.refuse(listener, code);
  }

  @Override
  public void handshakeFailed(
      FaultPlan acting, FaultPlan observed, String service, List<String> experiments, long nanos) {
    assert worker.isCurrent();
    meter.follow(acting, observed);
    meter.ended(true, null, service, new FaultMeter.Ended(nanos, true, 0, false), experiments);
  }

  @Override
  public void requestRefused(ConnectionFacts facts, HttpProxyConfig config, ProxyError error) {
    assert worker.isCurrent();
    ErrorReply reply = ErrorReplies.replyFor(error);
    String code = reply.code().toString();
    counters.refuse(facts.listener(), code);
    ClientText client = client(facts);
    String flags = reply.flag().toString();
    counters
        .requests
        .of(
            probe
                .fill(client.reporter(), facts.listener(), UNKNOWN, client.principal())
                .ended(reply.status(), flags, code, ""))[0]++;
    if (AccessLogs.any(config.accessLog())) {
      LogEntry entry = logs.begin();
      entry.facts = facts;
      entry.client = client;
      entry.startMillis = clock.millis();
      entry.status = reply.status();
      entry.flags = flags;
      entry.cause = reply.flag();
      entry.error = error;
      entry.code = code;
      entry.details = reply.code().details(false);
      entry.termination = error.detail();
      logs.write(config.accessLog());
    }
  }

  @Override
  public void flooded(String listener, String kind) {
    assert worker.isCurrent();
    counters.flood(listener, kind);
  }

  @Override
  public void upstreamFlooded(String cluster, String kind) {
    assert worker.isCurrent();
    counters.upstreamFlood(cluster, kind);
  }

  @Override
  public void upstreamViolated(String cluster, String kind) {
    assert worker.isCurrent();
    counters.upstreamViolation(cluster, kind);
  }

  @Override
  public void upstreamConnectionOpened(String cluster) {
    assert worker.isCurrent();
    WorkerCounters.add(counters.upstreamOpened, cluster, 1);
    WorkerCounters.add(counters.upstreamOpen, cluster, 1);
  }

  @Override
  public void upstreamConnectionClosed(String cluster) {
    assert worker.isCurrent();
    WorkerCounters.add(counters.upstreamOpen, cluster, -1);
  }

  @Override
  public void upstreamEjected(String service) {
    assert worker.isCurrent();
    meter.ejected(service);
  }

  @Override
  public void bug(String where) {
    assert worker.isCurrent();
    WorkerCounters.add(counters.bugs, where, 1);
  }

  @Override
  public void sighted(
      FaultRule rule,
      @Nullable String service,
      @Nullable String source,
      ExchangeRecord.Sight sight) {
    assert worker.isCurrent();
    sightings.count(rule, service, source, null, sight);
  }

  @Override
  public FaultReadings.Taken takeFaultReadings() {
    assert worker.isCurrent();
    return new FaultReadings.Taken(meter.take(), sightings.take(), meter.takeEjections());
  }

  ClientText client(ConnectionFacts facts) {
    return clients.of(facts);
  }

  String service(@Nullable ClusterConfig cluster) {
    return cluster == null ? UNKNOWN : services.of(cluster);
  }

  /** Gives the writer all lines there are. */
  void handOverLogs() {
    assert worker.isCurrent();
    logs.handOver();
  }

  long newId() {
    long id;
    do {
      id = worker.random().nextLong();
    } while (id == 0);
    return id;
  }

  // A UUID of version 4 (RFC 9562), as others in the field make them.
  private String newRequestId() {
    TraceContext.putHex(idBytes, 0, worker.random().nextLong());
    System.arraycopy(idBytes, 12, idBytes, 15, 3);
    System.arraycopy(idBytes, 8, idBytes, 9, 4);
    idBytes[8] = '-';
    idBytes[13] = '-';
    idBytes[14] = '4';
    idBytes[18] = '-';
    long low = worker.random().nextLong() & 0x3fffffffffffffffL | 0x8000000000000000L;
    TraceContext.putHex(idBytes, 19, low);
    System.arraycopy(idBytes, 23, idBytes, 24, 12);
    idBytes[23] = '-';
    return new String(idBytes, StandardCharsets.ISO_8859_1);
  }

  private static String serviceOf(ClusterConfig cluster) {
    String service = cluster.service();
    return service == null ? cluster.name() : service;
  }
}
