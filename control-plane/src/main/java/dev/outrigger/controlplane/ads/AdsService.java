package dev.outrigger.controlplane.ads;

import com.google.protobuf.Message;
import dev.outrigger.tls.SpiffeId;
import io.envoyproxy.envoy.service.discovery.v3.AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceImplBase;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.netty.util.concurrent.DefaultEventExecutorGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.EventExecutorGroup;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * The aggregated discovery service, both variants (xDS transport protocol, version 3). Each stream
 * is an {@link AdsSession} confined to one of a few executors.
 */
public final class AdsService extends AggregatedDiscoveryServiceImplBase implements AutoCloseable {

  /** Who the caller proved to be, set by whoever authenticates; absent on the plain port. */
  public static final Context.Key<SpiffeId> CALLER = Context.key("outrigger-caller");

  /** The only workload that the caller may be, as {@code namespace/name}, where that is known. */
  public static final Context.Key<String> CALLING_WORKLOAD =
      Context.key("outrigger-calling-workload");

  private final AdsSession.Shared shared;
  private final EventExecutorGroup executors;
  private final Map<Long, OpenStream> streams = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();
  private final Turns introductions = new Turns(Introduction.MOST);

  /** A session, and whether it has been told already that something changed. */
  private record OpenStream(
      AdsSession session, Introduction introduction, EventExecutor executor, AtomicBoolean told) {
    void tell() {
      if (told.compareAndSet(false, true)) {
        executor.execute(
            () -> {
              told.set(false);
              session.onChange();
            });
      }
    }
  }

  public AdsService(ViewSource views, NackLedger ledger, AdsCounters counters, AdsLimits limits) {
    this.shared =
        new AdsSession.Shared(views, ledger, counters, limits, new Turns(AdsSession.MOST_PUSHES));
    this.executors =
        new DefaultEventExecutorGroup(2, new DefaultThreadFactory("outrigger-ads", true));
    views.onChange(
        () -> {
          ledger.onChange();
          streams.values().forEach(OpenStream::tell);
        });
  }

  @Override
  public StreamObserver<DiscoveryRequest> streamAggregatedResources(
      StreamObserver<DiscoveryResponse> responses) {
    return open(Variant.SOTW, responses, Wire::sotw, Incoming::of);
  }

  @Override
  public StreamObserver<DeltaDiscoveryRequest> deltaAggregatedResources(
      StreamObserver<DeltaDiscoveryResponse> responses) {
    return open(Variant.DELTA, responses, Wire::delta, Incoming::of);
  }

  /** Streams that wait to be read for the first time. */
  public int waiting() {
    return introductions.waiting();
  }

  /** Ends every stream with UNAVAILABLE, so that proxies look for another replica. */
  @Override
  public void close() {
    streams
        .values()
        .forEach(
            one ->
                one.executor()
                    .execute(
                        () ->
                            one.session()
                                .end(Status.UNAVAILABLE.withDescription("shutting down"))));
    executors
        .shutdownGracefully(0, 2000, TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(Duration.ofSeconds(3).toMillis());
  }

  private <Q extends Message, R> StreamObserver<Q> open(
      Variant variant,
      StreamObserver<R> responses,
      Function<PendingPush, R> encode,
      Function<Q, Incoming> decode) {
    ServerCallStreamObserver<R> call = (ServerCallStreamObserver<R>) responses;
    if (streams.size() >= shared.limits().maxStreams()) {
      shared.counters().streamsRefused.increment();
      call.onError(
          Status.RESOURCE_EXHAUSTED
              .withDescription("more than " + shared.limits().maxStreams() + " streams")
              .asRuntimeException());
      return new Deaf<>();
    }
    long number = numbers.incrementAndGet();
    EventExecutor executor = executors.next();
    AdsSession session =
        new AdsSession(
            number,
            variant,
            new AdsSession.Caller(CALLER.get(), CALLING_WORKLOAD.get()),
            executor,
            new CallOutlet<>(call, encode),
            shared);
    Introduction introduction =
        new Introduction(
            introductions,
            executor,
            () -> {
              session.onOpen();
              call.request(1);
            });
    streams.put(number, new OpenStream(session, introduction, executor, new AtomicBoolean()));
    shared.counters().streamsOpened.increment();
    // One request at a time: the next is read when this one is dealt with.
    call.disableAutoRequest();
    call.setOnReadyHandler(() -> executor.execute(session::onReady));
    Runnable closing = () -> closeOnce(number);
    call.setOnCancelHandler(closing);
    call.setOnCloseHandler(closing);
    executor.execute(introduction::begin);
    return new StreamObserver<>() {
      @Override
      public void onNext(Q request) {
        executor.execute(
            () -> {
              session.onRequest(decode.apply(request));
              introduction.onRequest(request.getSerializedSize());
              call.request(1);
            });
      }

      @Override
      public void onError(Throwable cause) {
        closeOnce(number);
      }

      @Override
      public void onCompleted() {
        closeOnce(number);
        executor.execute(
            () -> {
              if (!call.isCancelled()) {
                call.onCompleted();
              }
            });
      }
    };
  }

  private void closeOnce(long number) {
    OpenStream stream = streams.remove(number);
    if (stream != null) {
      shared.counters().streamsClosed.increment();
      stream
          .executor()
          .execute(
              () -> {
                stream.introduction().end();
                stream.session().onClose();
              });
    }
  }

  /** For a stream that has been refused. */
  private static final class Deaf<Q> implements StreamObserver<Q> {
    @Override
    public void onNext(Q request) {}

    @Override
    public void onError(Throwable cause) {}

    @Override
    public void onCompleted() {}
  }

  /** A gRPC call as a session sees it. */
  private static final class CallOutlet<R> implements AdsSession.Outlet {
    private final ServerCallStreamObserver<R> call;
    private final Function<PendingPush, R> encode;
    private boolean ended;

    CallOutlet(ServerCallStreamObserver<R> call, Function<PendingPush, R> encode) {
      this.call = call;
      this.encode = encode;
    }

    @Override
    public boolean isReady() {
      return !ended && !call.isCancelled() && call.isReady();
    }

    @Override
    public void send(PendingPush push) {
      call.onNext(encode.apply(push));
    }

    @Override
    public void fail(Status status) {
      if (!ended && !call.isCancelled()) {
        ended = true;
        call.onError(status.asRuntimeException());
      }
    }
  }
}
