package dev.outrigger.proxy.http;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Grpc;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ConnectionCodes;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.ConnectionRecord;
import dev.outrigger.proxy.telemetry.ExchangeRecord;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Remembers what the data path tells, for tests to look at. */
public final class RecordedTelemetry implements WorkerTelemetry {
  public final List<Record> records = new CopyOnWriteArrayList<>();
  public final List<String> relaysEnded = new CopyOnWriteArrayList<>();

  /** Service, experiments and how long it took. */
  public final List<String> handshakesFailed = new CopyOnWriteArrayList<>();

  public final List<String> refusals = new CopyOnWriteArrayList<>();
  public final List<String> floods = new CopyOnWriteArrayList<>();

  /** What endpoints did wrong: cluster and kind. */
  public final List<String> upstreamWrongs = new CopyOnWriteArrayList<>();

  public final List<String> bugs = new CopyOnWriteArrayList<>();

  private final Consumer<String> sightings;

  public RecordedTelemetry() {
    this(_ -> {});
  }

  /** The same, and tells of each connection that a fault looks at. */
  public RecordedTelemetry(Consumer<String> sightings) {
    this.sightings = sightings;
  }

  @Override
  public void sighted(
      FaultRule rule,
      @Nullable String service,
      @Nullable String source,
      ExchangeRecord.Sight sight) {
    sightings.accept(rule.name() + " " + service + " " + source + " " + sight);
  }

  /** Of one exchange. */
  @SuppressWarnings({
    "JavaLangClash",
    "AvoidCommonTypeNames",
    "NonAtomicVolatileUpdate"
  }) // one writer
  public static final class Record implements ExchangeRecord {
    public final List<Outcome> outcomes = new CopyOnWriteArrayList<>();
    public final List<ProxyError> failures = new CopyOnWriteArrayList<>();
    public final List<Integer> ports = new CopyOnWriteArrayList<>();
    public volatile int attempts;
    public volatile boolean retriesUsedUp;
    public volatile long requestBytes;
    public volatile long responseBytes;
    public volatile int grpcStatus = -1;
    public final List<String> faults = new CopyOnWriteArrayList<>();
    private final String requestId;
    private final @Nullable String traceId;

    Record(RequestHead head) {
      String given = head.headers().get(HeaderName.X_REQUEST_ID);
      requestId = given == null ? "id" : given;
      String parent = head.headers().get(HeaderName.TRACEPARENT);
      traceId = parent == null || parent.length() != 55 ? null : parent.substring(3, 35);
    }

    @Override
    public String requestId() {
      return requestId;
    }

    @Override
    public long startedAtMillis() {
      return 1_000_000_000_123L;
    }

    @Override
    public @Nullable String traceId() {
      return traceId;
    }

    @Override
    public int attempts() {
      return 1;
    }

    @Override
    public void routed(String route, ClusterConfig cluster) {}

    @Override
    public void attemptStarted(int number, RequestHead outgoing, Endpoint endpoint) {
      attempts = number;
      ports.add(endpoint.address().port());
      outgoing.headers().set(HeaderName.TRACEPARENT, "attempt-" + number);
    }

    @Override
    public void attemptConnected(@Nullable SocketAddress local) {}

    @Override
    public void attemptAnswered(int status) {}

    @Override
    public void requestEnded() {}

    @Override
    public void attemptFailed(ProxyError error) {
      failures.add(error);
    }

    @Override
    public void retriesUsedUp() {
      retriesUsedUp = true;
    }

    @Override
    public void faultApplied(String experiment, String fault, FaultKind kind) {
      faults.add(experiment + "/" + fault + " " + kind);
    }

    @Override
    public void requestBytes(int bytes) {
      requestBytes = requestBytes + bytes;
    }

    @Override
    public void responseStarted(ResponseHead head) {
      grpcStatus = Grpc.status(head.headers());
    }

    @Override
    public void responseTrailers(Headers trailers) {
      grpcStatus = Grpc.status(trailers);
    }

    @Override
    public void responseBytes(int bytes) {
      responseBytes = responseBytes + bytes;
    }

    @Override
    public void finish(Outcome outcome) {
      outcomes.add(outcome);
    }
  }

  @Override
  public ExchangeRecord startExchange(
      RequestHead head, ConnectionFacts facts, HttpProxyConfig config) {
    Record record = new Record(head);
    records.add(record);
    return record;
  }

  @Override
  public ConnectionRecord startConnection(ConnectionFacts facts, NetworkFilter.Tcp config) {
    return new ConnectionRecord() {
      @Override
      public void connected(ClusterConfig cluster, Endpoint endpoint) {}

      @Override
      public void received(int bytes) {}

      @Override
      public void sent(int bytes) {}

      @Override
      public void faultApplied(String experiment, String fault) {}

      @Override
      public void finish(@Nullable ProxyError error) {
        relaysEnded.add(facts.listener() + " " + error);
      }
    };
  }

  @Override
  public void connectionOpened(String listener) {}

  @Override
  public void connectionClosed(String listener) {}

  @Override
  public void detectionTimedOut(String listener) {}

  @Override
  public void connectionRefused(String listener, String code) {
    if (!ConnectionCodes.known(code)) {
      throw new AssertionError(code + " belongs to ConnectionCodes, and needs a page");
    }
    refusals.add(code);
  }

  @Override
  public void handshakeFailed(
      FaultPlan acting, FaultPlan observed, String service, List<String> experiments, long nanos) {
    handshakesFailed.add(service + " " + experiments + " " + nanos / 1_000_000 + " ms");
  }

  @Override
  public void requestRefused(ConnectionFacts facts, HttpProxyConfig config, ProxyError error) {
    refusals.add(ErrorReplies.replyFor(error).code().toString());
  }

  @Override
  public void flooded(String listener, String kind) {
    floods.add(kind);
  }

  @Override
  public void upstreamFlooded(String cluster, String kind) {
    upstreamWrongs.add(cluster + " floods with " + kind);
  }

  @Override
  public void upstreamViolated(String cluster, String kind) {
    upstreamWrongs.add(cluster + " " + kind);
  }

  @Override
  public void upstreamConnectionOpened(String cluster) {}

  @Override
  public void upstreamConnectionClosed(String cluster) {}

  @Override
  public void bug(String where) {
    bugs.add(where);
  }
}
