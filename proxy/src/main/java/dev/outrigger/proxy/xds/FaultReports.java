package dev.outrigger.proxy.xds;

import dev.outrigger.api.chaos.v1.Ejections;
import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.MeasurementEnd;
import dev.outrigger.api.chaos.v1.MeasurementsGrpc;
import dev.outrigger.api.chaos.v1.Sighting;
import dev.outrigger.api.chaos.v1.Traffic;
import dev.outrigger.api.chaos.v1.Window;
import dev.outrigger.proxy.telemetry.FaultReading;
import dev.outrigger.proxy.telemetry.FaultReadings;
import dev.outrigger.proxy.telemetry.FaultSighting;
import dev.outrigger.proxy.worker.ConfigLoop;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * While faults are held, tells the control plane twice a second, or as often as they ask for, what
 * was measured, and ends faults whose own bound is breached, whether anybody listens or not.
 * Confined to the config loop.
 *
 * <p>idle → (a fault is held) measuring → (none is held) a last message → idle.
 */
public final class FaultReports {
  private static final Logger LOG = LoggerFactory.getLogger(FaultReports.class);

  private final ConfigLoop loop;
  private final Channels channels;
  private final Node node;
  private final FaultLeases leases;
  private final Function<Executor, CompletionStage<FaultReadings.Taken>> readings;
  private boolean measuring;
  private @Nullable ScheduledFuture<?> next;
  private long began;

  /** Requests and errors of the period before, by experiment: a bound is of about a second. */
  private Map<String, long[]> before = Map.of();

  private @Nullable StreamObserver<Measurement> stream;

  /** Where the control plane is reached now. */
  @FunctionalInterface
  public interface Channels {
    /** Null while there is no connection. */
    @Nullable Channel current();
  }

  /**
   * @param node who measures
   * @param readings takes what was measured since the last call, and goes on on the executor
   */
  public FaultReports(
      ConfigLoop loop,
      Channels channels,
      Node node,
      FaultLeases leases,
      Function<Executor, CompletionStage<FaultReadings.Taken>> readings) {
    this.loop = loop;
    this.channels = channels;
    this.node = node;
    this.leases = leases;
    this.readings = readings;
  }

  /** The connection of a client's latest stream. */
  public static Channels of(AdsStreams streams) {
    return streams::current;
  }

  /** What is held has changed. */
  public void onFaults() {
    loop.checkInside();
    if (!measuring && leases.isActive()) {
      measuring = true;
      began = loop.nanoTime();
      if (stream == null) {
        stream = open(); // By the first period's end it is ready, and that period is not lost.
      }
      schedule();
    } else if (measuring && next != null && leases.isActive()) {
      // A guard that came waits no longer than its own period, and one that went holds nobody up.
      long wait = next.getDelay(TimeUnit.NANOSECONDS);
      if (leases.reportPeriod().toNanos() < wait && next.cancel(false)) {
        schedule();
      }
    }
  }

  private void schedule() {
    next = loop.schedule(this::collect, leases.reportPeriod());
  }

  private void collect() {
    next = null;
    var _ =
        readings
            .apply(loop)
            .whenCompleteAsync(
                (taken, failure) -> {
                  if (taken != null) {
                    onReadings(taken);
                  } else {
                    LOG.warn("what was measured for experiments is lost: {}", failure.toString());
                  }
                  goOn();
                },
                loop);
  }

  private void goOn() {
    if (leases.isActive()) {
      schedule();
      return;
    }
    measuring = false;
    StreamObserver<Measurement> open = stream;
    stream = null;
    if (open != null) {
      open.onCompleted();
    }
  }

  private void onReadings(FaultReadings.Taken taken) {
    long now = loop.nanoTime();
    long millis = Duration.ofNanos(now - began).toMillis();
    began = now;
    judge(taken.readings().values());
    send(taken, millis, leases.givenUp());
  }

  private void judge(Collection<FaultReading> taken) {
    Map<String, FaultLeases.OwnBound> bounds = leases.ownBounds();
    if (bounds.isEmpty()) {
      before = Map.of();
      return;
    }
    Map<String, long[]> sums = new HashMap<>();
    for (FaultReading reading : taken) {
      if (reading.edge().guard().isEmpty() && bounds.containsKey(reading.edge().experiment())) {
        long[] sum = sums.computeIfAbsent(reading.edge().experiment(), _ -> new long[2]);
        sum[0] += reading.affected().requests() + reading.unaffected().requests();
        sum[1] += reading.affected().errors() + reading.unaffected().errors();
      }
    }
    Map<String, long[]> earlier = before;
    before = sums;
    sums.forEach(
        (experiment, latest) -> {
          long[] last = earlier.getOrDefault(experiment, new long[2]);
          long[] sum = {latest[0] + last[0], latest[1] + last[1]};
          FaultLeases.OwnBound bound = bounds.get(experiment);
          if (bound == null || sum[0] == 0 || sum[0] < bound.minRequests()) {
            return;
          }
          if ((sum[0] - sum[1]) * 1_000_000 < sum[0] * (long) bound.minSuccessPpm()) {
            LOG.warn(
                "the faults of {} end here: {} of {} requests failed, which is beyond the bound",
                experiment,
                sum[1],
                sum[0]);
            leases.giveUp(experiment);
          }
        });
  }

  private void send(FaultReadings.Taken taken, long millis, Set<String> givenUp) {
    if (stream == null) {
      stream = open();
    }
    StreamObserver<Measurement> to = stream;
    if (to == null || to instanceof ClientCallStreamObserver<?> call && !call.isReady()) {
      // Nobody takes it, and nothing is kept for later.
      return;
    }
    Measurement.Builder message =
        Measurement.newBuilder()
            .setNamespace(said("namespace"))
            .setWorkload(said("workload"))
            .setMillis((int) Math.min(millis, Integer.MAX_VALUE))
            .addAllGivenUp(givenUp);
    for (FaultReading reading : taken.readings().values()) {
      FaultReading.Edge edge = reading.edge();
      message.addWindows(
          Window.newBuilder()
              .setExperiment(edge.experiment())
              .setGuard(edge.guard())
              .setInbound(edge.inbound())
              .setService(edge.service())
              .setObserving(edge.observing())
              .setAffected(traffic(reading.affected()))
              .setUnaffected(traffic(reading.unaffected())));
    }
    taken.sightings().forEach((key, sighting) -> message.addSightings(sighting(key, sighting)));
    taken
        .ejections()
        .forEach(
            (service, count) ->
                message.addEjections(Ejections.newBuilder().setService(service).setCount(count)));
    to.onNext(message.build());
  }

  private static Sighting sighting(FaultSighting.Key key, FaultSighting sighting) {
    return Sighting.newBuilder()
        .setExperiment(key.experiment())
        .setFault(key.fault())
        .setService(key.service())
        .setSource(key.source())
        .setRoute(key.route())
        .setSeen(sighting.seen())
        .setMatched(sighting.matched())
        .setHit(sighting.hit())
        .build();
  }

  private String said(String key) {
    return node.getMetadata()
        .getFieldsOrDefault(key, com.google.protobuf.Value.getDefaultInstance())
        .getStringValue();
  }

  private static Traffic traffic(FaultReading.Traffic traffic) {
    Traffic.Builder message =
        Traffic.newBuilder()
            .setRequests(traffic.requests())
            .setErrors(traffic.errors())
            .setRetries(traffic.retries())
            .setOverflows(traffic.overflows());
    traffic.tell(
        (bucket, count) -> {
          message.addBuckets(bucket);
          message.addCounts(count);
        });
    return message.build();
  }

  private @Nullable StreamObserver<Measurement> open() {
    @Nullable Channel channel = channels.current();
    if (channel == null) {
      return null;
    }
    Answers answers = new Answers();
    StreamObserver<Measurement> opened = MeasurementsGrpc.newStub(channel).send(answers);
    answers.mine = opened;
    return opened;
  }

  /** Only hears that the stream is over; the next message opens another. */
  private final class Answers implements StreamObserver<MeasurementEnd> {
    private @Nullable StreamObserver<Measurement> mine;

    @Override
    public void onNext(MeasurementEnd end) {}

    @Override
    public void onError(Throwable cause) {
      LOG.debug("measurements are not taken", cause);
      over();
    }

    @Override
    public void onCompleted() {
      over();
    }

    @SuppressWarnings("ReferenceEquality") // Whether this very stream is still the one in use.
    private void over() {
      if (Objects.equals(stream, mine)) {
        stream = null;
      }
    }
  }
}
