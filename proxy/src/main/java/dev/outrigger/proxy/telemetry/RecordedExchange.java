package dev.outrigger.proxy.telemetry;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Grpc;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ErrorReply;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ResponseFlag;
import dev.outrigger.proxy.telemetry.LogEntry.Moment;
import dev.outrigger.proxy.telemetry.TraceContext.Decision;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One exchange as metric, log line and spans. Confined to its worker's event loop.
 *
 * <p>A trace that the caller did not want recorded goes on with the caller's own headers; otherwise
 * each attempt gets an identity of its own under that of the exchange.
 */
@WorkerConfined
final class RecordedExchange implements ExchangeRecord, AccessLogs.Lasting {
  private final RecordingTelemetry telemetry;
  private final String requestId;
  private final ConnectionFacts facts;
  private final HttpProxyConfig config;
  private final ClientText client;
  private final RequestHead head;
  private final String method;
  private final String path;
  private final String authority;
  private final long startMillis;
  private final long startNanos;
  private final boolean logged;

  private boolean traced;
  private boolean sampled;
  private boolean untouched;
  private boolean b3Single;
  private boolean b3Multi;
  private boolean w3c;
  private long traceHigh;
  private long traceLow;
  private long callerSpan;
  private long span;
  private long startEpochNanos;
  private @Nullable String traceState;

  private String route = "";
  private @Nullable ClusterConfig cluster;
  private @Nullable Endpoint endpoint;
  private int attempts;
  private boolean attemptOpen;
  private boolean retriesUsedUp;
  private boolean delayed;
  private @Nullable Headers response;
  private @Nullable Headers trailers;
  private @Nullable InetSocketAddress upstreamLocal;
  private @Nullable String transportFailure;
  private long requestEndedNanos = -1;
  private long answeredNanos = -1;
  private boolean lasting;
  private long dueAt;
  private long attemptSpan;
  private long attemptStartNanos;
  private int attemptStatus;
  private int status;
  private int grpcStatus = Grpc.NO_STATUS;
  private long requestBytes;
  private long responseBytes;
  private String experiment = "";
  private String fault = "";
  private @Nullable FaultKind faultKind;
  private @Nullable String called;
  private @Nullable String destination;
  private @Nullable List<String> touched;

  RecordedExchange(
      RecordingTelemetry telemetry,
      RequestHead head,
      String requestId,
      ConnectionFacts facts,
      HttpProxyConfig config) {
    this.telemetry = telemetry;
    this.requestId = requestId;
    this.facts = facts;
    this.config = config;
    this.client = telemetry.client(facts);
    this.head = head;
    this.method = head.method();
    this.path = head.path();
    this.authority = head.authority();
    this.startMillis = telemetry.clock.millis();
    this.startNanos = telemetry.worker.nanoTime();
    if (config.tracing().enabled()) {
      trace(head.headers(), config.tracing());
    }
    AccessLogConfig log = config.accessLog();
    this.logged = AccessLogs.any(log);
    if (logged && log.atStart()) {
      LogEntry _ = entry(Moment.HTTP_START, -1);
      telemetry.logs.write(log);
    }
    if (logged && log.interval().isPositive()) {
      lasting = true;
      dueAt = startNanos + log.interval().toNanos();
      telemetry.logs.started(this);
    }
  }

  private static @Nullable String transportFailure(ProxyError error) {
    if (error instanceof ProxyError.TlsRejected tls) {
      return tls.reason();
    }
    return error instanceof ProxyError.ConnectRefused refused ? refused.reason() : null;
  }

  private void trace(Headers headers, TracingConfig tracing) {
    TraceContext caller = telemetry.reading;
    caller.read(headers);
    traced = true;
    b3Single = caller.b3Single;
    b3Multi = caller.b3Multi;
    w3c = caller.w3c();
    if (caller.hasParent()) {
      traceHigh = caller.traceHigh;
      traceLow = caller.traceLow;
      callerSpan = caller.parentSpan;
    } else {
      traceHigh = telemetry.newId();
      traceLow = telemetry.newId();
    }
    sampled = telemetry.sampling.decide(caller.decision, traceLow, tracing.samplePercent());
    untouched = !sampled && caller.hasParent() && caller.decision == Decision.NOT_SAMPLED;
    if (!untouched) {
      span = telemetry.newId();
    }
    if (sampled && telemetry.spans != null) {
      Instant now = telemetry.clock.instant();
      startEpochNanos = now.getEpochSecond() * 1_000_000_000L + now.getNano();
      traceState = w3c ? headers.get(HeaderName.TRACESTATE) : null;
    }
  }

  @Override
  public String requestId() {
    return requestId;
  }

  @Override
  public long startedAtMillis() {
    return startMillis;
  }

  @Override
  public @Nullable String traceId() {
    if (!traced) {
      return null;
    }
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(traceHigh) + hex.toHexDigits(traceLow);
  }

  @Override
  public int attempts() {
    return attempts;
  }

  @Override
  public void routed(String route, ClusterConfig cluster) {
    this.route = route;
    this.cluster = cluster;
  }

  @Override
  public void attemptStarted(int number, RequestHead outgoing, Endpoint endpoint) {
    endAttempt(null);
    this.endpoint = endpoint;
    transportFailure = null;
    upstreamLocal = null;
    attempts = number;
    if (!traced) {
      return;
    }
    if (!w3c) {
      TraceContext.dropOthersState(outgoing.headers());
    }
    if (untouched) {
      return;
    }
    attemptSpan = telemetry.newId();
    attemptStartNanos = telemetry.worker.nanoTime();
    attemptStatus = 0;
    attemptOpen = true;
    TraceContext.write(
        outgoing.headers(),
        telemetry.scratch,
        traceHigh,
        traceLow,
        attemptSpan,
        span,
        sampled,
        b3Single,
        b3Multi);
  }

  @Override
  public void attemptConnected(@Nullable SocketAddress local) {
    upstreamLocal = local instanceof InetSocketAddress inet ? inet : null;
  }

  @Override
  public void attemptAnswered(int status) {
    attemptStatus = status;
    answeredNanos = logged ? telemetry.worker.nanoTime() - startNanos : -1;
  }

  @Override
  public void attemptFailed(ProxyError error) {
    transportFailure = transportFailure(error);
    endAttempt(error);
  }

  @Override
  public void retriesUsedUp() {
    retriesUsedUp = true;
  }

  @Override
  public void faultApplied(String experiment, String fault, FaultKind kind) {
    this.experiment = experiment;
    this.fault = fault;
    this.faultKind = kind;
    delayed |= kind == FaultKind.DELAY;
    wouldBeTouched(experiment);
  }

  @Override
  public void measured(
      FaultPlan acting, FaultPlan observed, @Nullable String called, @Nullable String destination) {
    telemetry.meter.follow(acting, observed);
    this.called = called;
    this.destination = destination == null ? "" : destination;
  }

  @Override
  public void wouldBeTouched(String experiment) {
    List<String> all = touched;
    if (all == null) {
      all = new ArrayList<>(2);
      touched = all;
    }
    all.add(experiment);
  }

  @Override
  public void sighted(
      FaultRule rule,
      @Nullable String service,
      @Nullable String source,
      @Nullable String route,
      Sight sight) {
    telemetry.sightings.count(rule, service, source, route, sight);
    if (sight == Sight.HIT) {
      wouldBeTouched(rule.experiment());
    }
  }

  @Override
  public void requestEnded() {
    requestEndedNanos = logged ? telemetry.worker.nanoTime() - startNanos : -1;
  }

  @Override
  public void requestBytes(int bytes) {
    requestBytes += bytes;
  }

  @Override
  public void responseStarted(ResponseHead head) {
    status = head.status();
    response = head.headers();
    grpcStatus = Grpc.status(response);
  }

  @Override
  public void responseTrailers(Headers trailers) {
    this.trailers = trailers;
    if (grpcStatus == Grpc.NO_STATUS) {
      grpcStatus = Grpc.status(trailers);
    }
  }

  @Override
  public void responseBytes(int bytes) {
    responseBytes += bytes;
  }

  @Override
  public void finish(Outcome outcome) {
    long duration = telemetry.worker.nanoTime() - startNanos;
    telemetry.worker.pulse().ended(duration);
    ProxyError error =
        switch (outcome) {
          case Outcome.Answered _, Outcome.AnsweredLocally _ -> null;
          case Outcome.Failed failed -> failed.error();
        };
    int told =
        switch (outcome) {
          case Outcome.Answered answered -> answered.status();
          case Outcome.AnsweredLocally answered -> answered.status();
          case Outcome.Failed _ -> status;
        };
    endAttempt(null);
    ResponseFlag cause = ResponseFlag.NONE;
    String code = "";
    if (error != null) {
      ErrorReply reply = ErrorReplies.replyFor(error);
      cause = reply.flag();
      code = reply.code().toString();
      if (told == 0) {
        told = reply.status();
      }
      if (grpcStatus == Grpc.NO_STATUS && Grpc.isCall(head.headers())) {
        grpcStatus = reply.grpcStatus(); // what breaking off amounts to
      }
    }
    String flags = ResponseFlag.text(cause, delayed, retriesUsedUp);
    String service = telemetry.service(cluster);
    telemetry
        .counters
        .requests
        .of(
            telemetry
                .probe
                .fill(client.reporter(), facts.listener(), service, client.principal())
                .ended(told, flags, code, experiment)
                .grpc(grpcStatus))[0]++;
    telemetry.counters.duration(client.reporter(), service).record(duration);
    String measured = destination;
    if (measured != null) {
      boolean failed = told >= 500 || told == 0 || isServersFault(grpcStatus);
      FaultMeter.Ended how =
          new FaultMeter.Ended(
              duration,
              failed,
              Math.max(0, attempts - 1),
              error instanceof ProxyError.PoolOverflow);
      telemetry.meter.ended(facts.inbound(), called, measured, how, touched);
    }
    ClusterConfig last = cluster;
    if (attempts > 1 && last != null) {
      WorkerCounters.add(telemetry.counters.retries, last.name(), attempts - 1L);
    }
    if (lasting) {
      telemetry.logs.over(this);
    }
    if (AccessLogs.any(config.accessLog())) {
      LogEntry entry = entry(Moment.HTTP_END, duration);
      entry.status = told;
      entry.flags = flags;
      entry.cause = cause;
      entry.delayed = delayed;
      entry.retriesUsedUp = retriesUsedUp;
      ending(entry, outcome);
      telemetry.logs.write(config.accessLog());
    }
    SpanSink spans = telemetry.spans;
    if (sampled && spans != null) {
      spans.accept(exchangeSpan(told, code, error, duration));
    }
  }

  private static void ending(LogEntry entry, Outcome outcome) {
    switch (outcome) {
      case Outcome.Answered _ -> entry.details = "via_upstream";
      case Outcome.AnsweredLocally _ -> entry.details = "direct_response";
      case Outcome.Failed failed -> {
        ErrorReply reply = ErrorReplies.replyFor(failed.error());
        entry.error = failed.error();
        entry.code = reply.code().toString();
        entry.details = reply.code().details(failed.responseBegun());
        if (reply.closesConnection()) {
          entry.termination = failed.error().detail();
        }
      }
    }
  }

  @Override
  public long dueAt() {
    return dueAt;
  }

  @Override
  public void due(long now) {
    dueAt = now + config.accessLog().interval().toNanos();
    LogEntry entry = entry(Moment.HTTP_INTERVAL, now - startNanos);
    entry.status = status;
    telemetry.logs.write(config.accessLog());
  }

  /** All that is known so far but how it ended. */
  private LogEntry entry(Moment moment, long duration) {
    LogEntry entry = telemetry.logs.begin();
    entry.moment = moment;
    entry.facts = facts;
    entry.client = client;
    entry.head = head;
    entry.response = response;
    entry.trailers = trailers;
    entry.cluster = cluster;
    entry.endpoint = endpoint;
    entry.upstreamLocal = upstreamLocal;
    entry.method = method;
    entry.path = path;
    entry.authority = authority;
    entry.route = route;
    entry.requestId = requestId;
    entry.experiment = experiment;
    entry.fault = fault;
    entry.transportFailure = transportFailure;
    entry.traced = traced;
    entry.sampled = sampled;
    entry.traceHigh = traceHigh;
    entry.traceLow = traceLow;
    entry.startMillis = startMillis;
    entry.bytesReceived = requestBytes;
    entry.bytesSent = responseBytes;
    entry.attempts = attempts;
    entry.duration = duration;
    entry.requestEnded = requestEndedNanos;
    entry.answered = answeredNanos;
    return entry;
  }

  private void endAttempt(@Nullable ProxyError error) {
    if (!attemptOpen) {
      return;
    }
    attemptOpen = false;
    SpanSink spans = telemetry.spans;
    if (!sampled || spans == null) {
      return;
    }
    List<Object> about = new ArrayList<>(24);
    request(about);
    Endpoint at = endpoint;
    if (at != null) {
      put(about, "network.peer.address", at.address().host());
      put(about, "network.peer.port", (long) at.address().port());
    }
    if (attempts > 1) {
      put(about, "http.request.resend_count", (long) attempts - 1);
    }
    String failure = null;
    if (error != null) {
      String code = ErrorReplies.replyFor(error).code().toString();
      put(about, "error.type", code);
      failure = error.detail();
    } else if (attemptStatus > 0) {
      put(about, "http.response.status_code", (long) attemptStatus);
      if (attemptStatus >= 400) {
        put(about, "error.type", Integer.toString(attemptStatus));
        failure = "";
      }
    }
    spans.accept(
        new FinishedSpan(
            spanName(),
            FinishedSpan.Kind.CLIENT,
            traceHigh,
            traceLow,
            attemptSpan,
            span,
            false,
            traceState,
            startEpochNanos + (attemptStartNanos - startNanos),
            startEpochNanos + (telemetry.worker.nanoTime() - startNanos),
            failure,
            about));
  }

  private FinishedSpan exchangeSpan(
      int told, String code, @Nullable ProxyError error, long duration) {
    List<Object> about = new ArrayList<>(40);
    request(about);
    put(about, "client.address", client.address());
    put(about, "client.port", (long) client.port());
    String agent = head.headers().get(HeaderName.USER_AGENT);
    if (agent != null) {
      put(about, "user_agent.original", agent);
    }
    if (told > 0) {
      put(about, "http.response.status_code", (long) told);
    }
    if (grpcStatus != Grpc.NO_STATUS) {
      put(about, "rpc.system", "grpc");
      put(about, "rpc.grpc.status_code", (long) grpcStatus);
    }
    put(about, "outrigger.request_id", requestId);
    put(about, "outrigger.listener", facts.listener());
    if (!route.isEmpty()) {
      put(about, "outrigger.route", route);
    }
    put(about, "outrigger.attempts", (long) attempts);
    if (facts.peer() != null) {
      put(about, "outrigger.peer", client.principal());
    }
    String failure = null;
    if (error != null) {
      put(about, "error.type", code);
      failure = error.detail();
    } else if (isServersFault(grpcStatus)) {
      put(about, "error.type", Integer.toString(grpcStatus));
      failure = "";
    } else if (told >= 500) { // a caller's own mistakes are no errors of a server span
      put(about, "error.type", Integer.toString(told));
      failure = "";
    }
    FaultKind kind = faultKind;
    if (kind != null) {
      put(about, "outrigger.fault.experiment", experiment);
      put(about, "outrigger.fault.name", fault);
      put(about, "outrigger.fault.kind", kind.name().toLowerCase(Locale.ROOT));
    }
    return new FinishedSpan(
        spanName(),
        // Outbound as well: it serves its application, and each attempt has a client's span.
        FinishedSpan.Kind.SERVER,
        traceHigh,
        traceLow,
        span,
        callerSpan,
        true,
        traceState,
        startEpochNanos,
        startEpochNanos + duration,
        failure,
        about);
  }

  // What both kinds of span say, after the HTTP semantic conventions of OpenTelemetry.
  private void request(List<Object> about) {
    boolean known = knownMethod();
    put(about, "http.request.method", known ? method : "_OTHER");
    if (!known) {
      put(about, "http.request.method_original", method);
    }
    int query = path.indexOf('?');
    put(about, "url.path", query < 0 ? path : path.substring(0, query));
    put(about, "url.scheme", head.scheme());
    if (!authority.isEmpty()) {
      put(about, "server.address", authority);
    }
    put(about, "network.protocol.name", "http");
    put(
        about,
        "network.protocol.version",
        switch (head.version()) {
          case HTTP_1_0 -> "1.0";
          case HTTP_1_1 -> "1.1";
          case HTTP_2 -> "2";
        });
    ClusterConfig to = cluster;
    if (to != null) {
      put(about, "outrigger.cluster", to.name());
      put(about, "outrigger.destination_service", telemetry.service(to));
    }
  }

  /** By the semantic conventions of OpenTelemetry. */
  private static boolean isServersFault(int grpcStatus) {
    return switch (grpcStatus) {
      case 2, 4, 12, 13, 14, 15 -> true;
      default -> false;
    };
  }

  private String spanName() {
    return knownMethod() ? method : "HTTP";
  }

  private boolean knownMethod() {
    return switch (method) {
      case "GET",
          "HEAD",
          "POST",
          "PUT",
          "DELETE",
          "CONNECT",
          "OPTIONS",
          "TRACE",
          "PATCH",
          "QUERY" ->
          true;
      default -> false;
    };
  }

  private static void put(List<Object> about, String key, Object value) {
    about.add(key);
    about.add(value);
  }
}
