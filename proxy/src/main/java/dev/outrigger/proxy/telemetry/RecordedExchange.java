package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Grpc;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ErrorReply;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.TraceContext.Decision;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.time.Instant;
import java.util.ArrayList;
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
final class RecordedExchange implements ExchangeRecord {
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
  public void routed(String route, ClusterConfig cluster) {
    this.route = route;
    this.cluster = cluster;
  }

  @Override
  public void attemptStarted(int number, RequestHead outgoing, Endpoint endpoint) {
    endAttempt(null);
    this.endpoint = endpoint;
    attempts = number;
    if (!traced) {
      return;
    }
    if (!w3c) {
      // Someone else's state without the identity that it belongs to.
      outgoing.headers().remove(HeaderName.TRACESTATE);
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
  public void attemptAnswered(int status) {
    attemptStatus = status;
  }

  @Override
  public void attemptFailed(ProxyError error) {
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
  }

  @Override
  public void requestBytes(int bytes) {
    requestBytes += bytes;
  }

  @Override
  public void responseStarted(int status) {
    this.status = status;
  }

  @Override
  public void grpcStatus(int status) {
    grpcStatus = status;
  }

  @Override
  public void responseBytes(int bytes) {
    responseBytes += bytes;
  }

  @Override
  public void finish(Outcome outcome) {
    long duration = telemetry.worker.nanoTime() - startNanos;
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
    String flags = "-";
    String code = "";
    if (error != null) {
      ErrorReply reply = ErrorReplies.replyFor(error);
      flags = reply.flag().toString();
      code = reply.code().toString();
      if (told == 0) {
        told = reply.status();
      }
      if (grpcStatus == Grpc.NO_STATUS && Grpc.isCall(head.headers())) {
        grpcStatus = reply.grpcStatus(); // what breaking off amounts to
      }
    } else if (faultKind == FaultKind.DELAY) {
      flags = "DI";
    }
    if (retriesUsedUp) {
      flags = flags.equals("-") ? "URX" : flags + ",URX";
    }
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
    ClusterConfig last = cluster;
    if (attempts > 1 && last != null) {
      WorkerCounters.add(telemetry.counters.retries, last.name(), attempts - 1L);
    }
    AccessLog log = telemetry.log(config.accessLog());
    if (log != null) {
      write(log, told, flags, code, error, duration);
    }
    SpanSink spans = telemetry.spans;
    if (sampled && spans != null) {
      spans.accept(exchangeSpan(told, code, error, duration));
    }
  }

  private void write(
      AccessLog log,
      int told,
      String flags,
      String code,
      @Nullable ProxyError error,
      long duration) {
    JsonLine line = log.begin();
    line.time(LogFields.TIME, startMillis);
    line.text(LogFields.METHOD, method);
    line.text(LogFields.PATH, path);
    line.text(LogFields.AUTHORITY, authority);
    line.text(LogFields.PROTOCOL, head.version().toString());
    line.number(LogFields.STATUS, told);
    if (grpcStatus != Grpc.NO_STATUS) {
      line.number(LogFields.GRPC_STATUS, grpcStatus);
    }
    line.text(LogFields.RESPONSE_FLAGS, flags);
    if (error != null) {
      line.text(LogFields.CODE, code);
      line.text(LogFields.DETAILS, error.detail());
    }
    line.millis(LogFields.DURATION, duration);
    line.number(LogFields.BYTES_RECEIVED, requestBytes);
    line.number(LogFields.BYTES_SENT, responseBytes);
    line.number(LogFields.ATTEMPTS, attempts);
    LogFields.upstream(line, cluster, endpoint);
    line.text(LogFields.ROUTE, route);
    line.text(LogFields.REQUEST_ID, requestId);
    if (traced) {
      line.hex(LogFields.TRACE_ID, traceHigh, traceLow);
    }
    line.text(LogFields.FAULT_EXPERIMENT, experiment);
    line.text(LogFields.FAULT, fault);
    Headers headers = head.headers();
    int agent = headers.indexOf(HeaderName.USER_AGENT, 0);
    if (agent >= 0) {
      line.text(
          LogFields.USER_AGENT,
          headers.array(),
          headers.valueOffset(agent),
          headers.valueLength(agent));
    }
    LogFields.client(line, facts, client);
    log.end();
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
