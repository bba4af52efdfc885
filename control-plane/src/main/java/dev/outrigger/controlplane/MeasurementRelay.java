package dev.outrigger.controlplane;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.MeasurementEnd;
import dev.outrigger.api.chaos.v1.MeasurementsGrpc;
import dev.outrigger.controlplane.ca.ServingIdentity;
import dev.outrigger.tls.TlsSetupException;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Passes on to the replica that leads what proxies of this one measure, so that guards see the
 * whole mesh. What cannot be sent at once is lost, as it is when a proxy cannot send. Thread-safe.
 */
final class MeasurementRelay implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MeasurementRelay.class);
  private static final Duration AGAIN = Duration.ofSeconds(1);
  private static final int MAX_WAITING = 200;

  private final ServingIdentity identity;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Line line;
  private long notBefore;

  /** To one replica. */
  private static final class Line implements ClientResponseObserver<Measurement, MeasurementEnd> {
    final String leader;
    final ManagedChannel channel;
    volatile @Nullable ClientCallStreamObserver<Measurement> call;
    volatile boolean broken;

    /** Sent since it could last take more; guarded by the lock. */
    int waiting;

    Line(String leader, ManagedChannel channel) {
      this.leader = leader;
      this.channel = channel;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Measurement> started) {
      call = started;
    }

    @Override
    public void onNext(MeasurementEnd end) {}

    @Override
    public void onError(Throwable cause) {
      broken = true;
      channel.shutdownNow();
      LOG.info("{} takes no measurements now: {}", leader, cause.getMessage());
    }

    @Override
    public void onCompleted() {
      broken = true;
      channel.shutdownNow();
    }
  }

  MeasurementRelay(ServingIdentity identity, InstantSource clock, LongSupplier nanoTime) {
    this.identity = identity;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.notBefore = nanoTime.getAsLong();
  }

  /**
   * Sends it, if that can be done without a wait.
   *
   * @param leader as {@link ReplicaChannel#nameOf} made it
   */
  void send(String leader, Measurement measurement) {
    lock.lock();
    try {
      Line open = line;
      if (open != null && (open.broken || !open.leader.equals(leader))) {
        open.channel.shutdownNow();
        line = null;
        open = null;
      }
      if (open == null && nanoTime.getAsLong() - notBefore >= 0) {
        notBefore = nanoTime.getAsLong() + AGAIN.toNanos();
        open = open(leader);
        line = open;
      }
      ClientCallStreamObserver<Measurement> call = open == null ? null : open.call;
      if (open == null || call == null) {
        return;
      }
      open.waiting = call.isReady() ? 0 : open.waiting + 1;
      if (open.waiting <= MAX_WAITING) {
        call.onNext(measurement);
      }
    } catch (TlsSetupException | IllegalArgumentException | IllegalStateException e) {
      LOG.warn("measurements cannot be sent to {}: {}", leader, e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Line open(String leader) throws TlsSetupException {
    @Nullable ManagedChannel channel = ReplicaChannel.open(identity, leader, clock);
    if (channel == null) {
      return null; // Not one of ours.
    }
    Line made = new Line(leader, channel);
    var _ = MeasurementsGrpc.newStub(channel).send(made);
    return made;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      Line open = line;
      if (open != null) {
        open.channel.shutdownNow();
      }
    } finally {
      lock.unlock();
    }
  }
}
