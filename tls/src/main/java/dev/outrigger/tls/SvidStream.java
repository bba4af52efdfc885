package dev.outrigger.tls;

import java.security.cert.CertificateException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a stream of X.509-SVIDs from the SPIFFE Workload API open. Each that is good is told on;
 * one that is not, and every loss of the stream, leaves the last good one in use, is told, and is
 * followed by another try after a back-off. An agent that stays silent until two thirds of a
 * certificate's life are over is asked anew. Confined to its scheduler, which must run one task at
 * a time; {@link #start}, {@link #suffer} and {@link #close} may be called from elsewhere. How the
 * messages get here is the {@link Wire}'s matter: this names no type of gRPC.
 */
public final class SvidStream implements AutoCloseable {
  private static final Duration FIRST_BACK_OFF = Duration.ofMillis(500);
  private static final Duration LONGEST_BACK_OFF = Duration.ofSeconds(30);
  private static final Duration SHORTEST_WAIT = Duration.ofMillis(200);

  /** Opens calls of {@code FetchX509SVID}. */
  @FunctionalInterface
  public interface Wire {
    /**
     * Opens one; does not block.
     *
     * @param sink told from any thread, one call at a time
     * @return ends the call and its connection; after that the sink may still be told
     */
    Runnable open(Sink sink);
  }

  /** Takes what one call brings. */
  public interface Sink {
    /** All identities of this workload, the usual one first. */
    void onSvids(List<X509Svid.Encoded> svids);

    /** The call is over. */
    void onEnd(String reason);
  }

  /** Takes what the stream gives, on the scheduler. */
  public interface Listener {
    /** To be used from now on. */
    void onSvid(X509Svid svid);

    /**
     * None could be had; the one of before goes on.
     *
     * @param report for the log: why, when it is tried again, and what is in use until then
     */
    void onFailure(String reason, String report);
  }

  private final String source;
  private final @Nullable SpiffeId wanted;
  private final @Nullable String trustDomain;
  private final Wire wire;
  private final ScheduledExecutorService scheduler;
  private final InstantSource clock;
  private final RandomGenerator random;

  private @Nullable Listener listener;
  private @Nullable X509Svid present;
  private @Nullable Runnable call;
  private @Nullable ScheduledFuture<?> next;
  private @Nullable ScheduledFuture<?> overdue;
  private @Nullable String failing;
  private int failures;

  /** Counts calls, so that what an earlier one still says is known for that. */
  private int turn;

  private volatile boolean closed;

  /**
   * @param source what is called, for messages
   * @param wanted which identity, where the agent gives several; null takes the usual one
   * @param trustDomain that it must be of; null takes any
   */
  public SvidStream(
      String source,
      @Nullable SpiffeId wanted,
      @Nullable String trustDomain,
      Wire wire,
      ScheduledExecutorService scheduler,
      InstantSource clock,
      RandomGenerator random) {
    this.source = source;
    this.wanted = wanted;
    this.trustDomain = trustDomain;
    this.wire = wire;
    this.scheduler = scheduler;
    this.clock = clock;
    this.random = random;
  }

  /** Begins; called once. */
  public void start(Listener taker) {
    scheduler.execute(
        () -> {
          listener = taker;
          open();
        });
  }

  /**
   * Treats the Workload API as one that fails, on purpose, until it is told otherwise.
   *
   * @param reason why; null asks it again
   */
  public void suffer(@Nullable String reason) {
    if (closed) {
      return;
    }
    scheduler.execute(
        () -> {
          boolean before = failing != null;
          failing = reason;
          if (before != (reason != null)) {
            open();
          }
        });
  }

  private void open() {
    end();
    if (closed) {
      return;
    }
    int mine = ++turn;
    String fault = failing;
    if (fault != null) {
      failed("the Workload API fails " + fault);
      return;
    }
    watch();
    call =
        wire.open(
            new Sink() {
              @Override
              public void onSvids(List<X509Svid.Encoded> svids) {
                run(mine, () -> received(svids));
              }

              @Override
              public void onEnd(String reason) {
                run(mine, () -> failed(reason));
              }
            });
  }

  private void run(int of, Runnable task) {
    if (!closed) {
      scheduler.execute(
          () -> {
            if (of == turn && !closed) {
              task.run();
            }
          });
    }
  }

  private void end() {
    Runnable open = call;
    call = null;
    if (open != null) {
      open.run();
    }
    cancel(next);
    cancel(overdue);
  }

  private static void cancel(@Nullable ScheduledFuture<?> timer) {
    if (timer != null) {
      timer.cancel(false);
    }
  }

  private void received(List<X509Svid.Encoded> svids) {
    X509Svid svid;
    try {
      svid = X509Svid.of(chosen(svids), clock);
      if (trustDomain != null && !trustDomain.equals(svid.id().trustDomain())) {
        throw new CertificateException(
            svid.id() + " is not of the mesh's trust domain " + trustDomain);
      }
    } catch (CertificateException e) {
      failed("what it gave cannot be used: " + e.getMessage());
      return;
    }
    present = svid;
    failures = 0;
    watch();
    Listener taker = listener;
    if (taker != null) {
      taker.onSvid(svid);
    }
  }

  private X509Svid.Encoded chosen(List<X509Svid.Encoded> svids) throws CertificateException {
    if (svids.isEmpty()) {
      throw new CertificateException("there is no identity for this process");
    }
    if (wanted == null) {
      return svids.getFirst();
    }
    for (X509Svid.Encoded one : svids) {
      if (one.spiffeId().equals(wanted.toString())) {
        return one;
      }
    }
    throw new CertificateException(
        "expected "
            + wanted
            + ", this process may be "
            + svids.stream().map(X509Svid.Encoded::spiffeId).toList());
  }

  /** Of an agent that hangs nothing is heard: its connection stays, and what it gave grows old. */
  private void watch() {
    X509Svid now = present;
    cancel(overdue);
    if (now == null) {
      return;
    }
    Duration left = Duration.between(clock.instant(), now.end()).multipliedBy(2).dividedBy(3);
    overdue =
        scheduler.schedule(
            () -> failed("no renewal came although two thirds of its life are over"),
            Math.max(left.toNanos(), LONGEST_BACK_OFF.toNanos() / 30),
            TimeUnit.NANOSECONDS);
  }

  private void failed(String reason) {
    end();
    turn++;
    failures++;
    Instant now = clock.instant();
    X509Svid kept = present;
    Duration left = kept == null ? LONGEST_BACK_OFF : Duration.between(now, kept.end());
    Duration wait = backOff(failures, left, random.nextDouble());
    String report =
        "no identity from %s (%d in a row): %s; next try in %d ms; %s"
            .formatted(source, failures, reason, wait.toMillis(), inUse(now));
    Listener taker = listener;
    if (taker != null) {
      taker.onFailure(reason, report);
    }
    if (!closed) {
      next = scheduler.schedule(this::open, wait.toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  private String inUse(Instant now) {
    X509Svid kept = present;
    if (kept == null) {
      return "there is no identity yet";
    }
    return now.isBefore(kept.end())
        ? "the last good one, " + kept.id() + ", is kept until its end at " + kept.end()
        : "the last good one, " + kept.id() + ", ended at " + kept.end();
  }

  /**
   * When to try again.
   *
   * @param failures in a row, from 1
   * @param left of the present certificate's life: the nearer its end, the oftener we ask
   * @param chance from 0 to 1
   */
  static Duration backOff(int failures, Duration left, double chance) {
    long longest =
        Math.clamp(left.toMillis() / 4, SHORTEST_WAIT.toMillis(), LONGEST_BACK_OFF.toMillis());
    long wait = Math.min(longest, FIRST_BACK_OFF.toMillis() << Math.min(failures - 1, 20));
    return Duration.ofMillis(
        Math.max(SHORTEST_WAIT.toMillis(), (long) (wait * (0.5 + 0.5 * chance))));
  }

  /** Ends it: nothing is told after this. */
  @Override
  public void close() {
    closed = true;
    if (!scheduler.isShutdown()) {
      scheduler.execute(this::end);
    }
  }
}
