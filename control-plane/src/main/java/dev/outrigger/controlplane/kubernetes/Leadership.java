package dev.outrigger.controlplane.kubernetes;

import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseSpec;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which of the replicas leads: the holder of a Lease ({@code coordination.k8s.io/v1}), by the rules
 * that controllers share. What others hold is timed from when it was seen here, so that clocks may
 * differ; what we hold ends, by monotonic time, counted from before it was asked for, sooner than
 * anybody may take it. {@link #round} is confined to one thread; the rest any thread may ask.
 *
 * <p>The client's own elector compares another machine's wall clock with ours and has no end that
 * could be asked for before a write, so it would not do.
 */
final class Leadership {
  private static final Logger LOG = LoggerFactory.getLogger(Leadership.class);

  private final Leases leases;
  private final String self;
  private final Duration lasts;
  private final Duration renewWithin;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final Listener listener;

  // Written by rounds.
  private volatile boolean leading;
  private volatile long until;
  private volatile Seen seen;
  private String failure = "";

  /** As it was when we renewed it last, which is how it stands while we lead; null for unknown. */
  private @Nullable Lease renewed;

  /** What was seen of the Lease, and when. */
  private record Seen(String holder, String version, Duration lasts, long at) {}

  /** The one Lease. Calls throw {@link KubernetesClientException}. */
  interface Leases {
    @Nullable Lease get();

    Lease create(Lease lease);

    /** Refused with a conflict if somebody wrote it since it was read. */
    Lease update(Lease lease);
  }

  /** Called by rounds. */
  interface Listener {
    void onLead();

    void onResign();
  }

  /**
   * @param self unique among replicas
   * @param lasts for how long one that is gone keeps others from leading
   * @param nanoTime monotonic time
   */
  Leadership(
      Leases leases,
      String self,
      Duration lasts,
      InstantSource clock,
      LongSupplier nanoTime,
      Listener listener) {
    this.leases = leases;
    this.self = self;
    this.lasts = lasts;
    this.renewWithin = renewWithin(lasts);
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.listener = listener;
    this.until = nanoTime.getAsLong();
    this.seen = new Seen("", "", lasts, until);
  }

  /** After so long without a renewal one leads no more: always before others may take over. */
  static Duration renewWithin(Duration lasts) {
    return lasts.multipliedBy(2).dividedBy(3);
  }

  /** How often a round is due. */
  static Duration every(Duration lasts) {
    return lasts.multipliedBy(2).dividedBy(15);
  }

  /** Whether this replica leads at this moment. To be asked before each write. */
  boolean holds() {
    return leading && nanoTime.getAsLong() - until < 0;
  }

  /** Whether any replica leads, as far as can be seen from here. */
  boolean isHeld() {
    Seen latest = seen;
    return holds()
        || (!latest.holder().isEmpty()
            && !latest.holder().equals(self)
            && nanoTime.getAsLong() - latest.at() < latest.lasts().toNanos());
  }

  /** Who held it when it was last seen; empty for nobody. */
  String holder() {
    return seen.holder();
  }

  /** Takes it or renews it, if that may be. Never throws. */
  void round() {
    if (leading && !holds()) {
      resign("it could not be renewed in time");
    }
    long begun = nanoTime.getAsLong();
    try {
      tryOnce(begun);
      failure = "";
    } catch (KubernetesClientException e) {
      boolean raced = e.getCode() == HttpURLConnection.HTTP_CONFLICT;
      String text = String.valueOf(e.getMessage());
      if (!raced && !text.equals(failure)) {
        failure = text;
        LOG.warn("the lease cannot be looked at: {}", text);
      }
    } catch (RuntimeException e) {
      LOG.error("lease", e);
    }
    if (leading && !holds()) {
      resign("it could not be renewed in time");
    }
  }

  private void tryOnce(long begun) {
    if (renewsUnread(begun)) {
      return;
    }
    @Nullable Lease lease = leases.get();
    if (lease == null) {
      taken(begun, leases.create(lease(null)));
      return;
    }
    observe(lease);
    Seen latest = seen;
    boolean ours = latest.holder().equals(self);
    boolean free =
        latest.holder().isEmpty() || nanoTime.getAsLong() - latest.at() >= latest.lasts().toNanos();
    if (!ours && leading) {
      resign(latest.holder() + " holds it");
    }
    if (ours || free) {
      taken(begun, leases.update(lease(lease)));
    }
  }

  /** Most rounds are renewals by the only one that writes; false if it must be read. */
  private boolean renewsUnread(long begun) {
    @Nullable Lease last = renewed;
    renewed = null;
    if (!leading || last == null) {
      return false;
    }
    try {
      taken(begun, leases.update(lease(last)));
      return true;
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_CONFLICT
          && e.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
        throw e;
      }
      return false; // Somebody wrote it or deleted it.
    }
  }

  private void observe(Lease lease) {
    LeaseSpec spec = lease.getSpec() == null ? new LeaseSpec() : lease.getSpec();
    String version = String.valueOf(lease.getMetadata().getResourceVersion());
    if (!version.equals(seen.version())) {
      Integer seconds = spec.getLeaseDurationSeconds();
      seen =
          new Seen(
              spec.getHolderIdentity() == null ? "" : spec.getHolderIdentity(),
              version,
              // Of an older replica, or somebody's hand: never shorter than we would wait.
              seconds == null || seconds < lasts.toSeconds() ? lasts : Duration.ofSeconds(seconds),
              nanoTime.getAsLong());
    }
  }

  private void taken(long begun, Lease lease) {
    observe(lease);
    if (leading && !holds()) {
      // It was renewed too late: meanwhile nothing acted, which must not be taken for a pause.
      resign("it was renewed too late");
    }
    until = begun + renewWithin.toNanos();
    renewed = lease;
    if (!leading && nanoTime.getAsLong() - until < 0) {
      leading = true;
      boolean ready = false;
      try {
        listener.onLead();
        ready = true;
      } finally {
        leading = ready; // Otherwise tried again by the next round, which finds the lease ours.
      }
      LOG.info("this replica leads ({})", self);
    }
  }

  private void resign(String why) {
    leading = false;
    LOG.warn("this replica does not lead any more: {}", why);
    listener.onResign();
  }

  private Lease lease(@Nullable Lease before) {
    ZonedDateTime now = Instant.ofEpochMilli(clock.millis()).atZone(ZoneOffset.UTC);
    LeaseSpec old = before == null || before.getSpec() == null ? new LeaseSpec() : before.getSpec();
    boolean ours = self.equals(old.getHolderIdentity());
    int transitions = old.getLeaseTransitions() == null ? 0 : old.getLeaseTransitions();
    return (before == null ? new LeaseBuilder() : new LeaseBuilder(before))
        .editOrNewMetadata()
        .endMetadata()
        .withNewSpec()
        .withHolderIdentity(self)
        .withLeaseDurationSeconds((int) lasts.toSeconds())
        .withAcquireTime(ours ? old.getAcquireTime() : now)
        .withRenewTime(now)
        .withLeaseTransitions(before == null || ours ? transitions : transitions + 1)
        .endSpec()
        .build();
  }

  /** Gives it up, so that another replica need not wait; for the end of this one. */
  void release() {
    if (!leading) {
      return;
    }
    boolean held = holds();
    resign("it ends");
    if (!held) {
      return;
    }
    try {
      @Nullable Lease lease = leases.get();
      if (lease != null && self.equals(lease.getSpec().getHolderIdentity())) {
        var _ =
            leases.update(
                new LeaseBuilder(lease).editSpec().withHolderIdentity("").endSpec().build());
      }
    } catch (RuntimeException e) {
      LOG.warn("the lease could not be given up; it ends by itself: {}", e.getMessage());
    }
  }
}
