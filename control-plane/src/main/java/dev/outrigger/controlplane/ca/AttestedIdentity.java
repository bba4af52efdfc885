package dev.outrigger.controlplane.ca;

import dev.outrigger.api.spiffe.WorkloadApi;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.SvidStream;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import dev.outrigger.tls.X509Svid;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control plane's own identity from the SPIFFE Workload API, for a mesh whose identities SPIRE
 * issues. Renewed by the agent; while that is away the last good one goes on. Names and addresses
 * are what the registration entry says, whatever is asked for. Thread-safe.
 */
public final class AttestedIdentity implements ServingIdentity, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AttestedIdentity.class);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final SvidStream stream;
  private final ScheduledExecutorService scheduler =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("outrigger-identity").factory());
  private final CompletableFuture<X509Svid> first = new CompletableFuture<>();
  private volatile @Nullable X509Svid present;
  private volatile String failure = "it does not answer";
  private volatile Runnable renewed = () -> {};

  /**
   * Where it comes from.
   *
   * @param socket of the agent
   * @param wanted which identity, where the agent gives several; null takes the usual one
   */
  public record Source(Path socket, @Nullable SpiffeId wanted) {}

  private AttestedIdentity(
      Source source, String trustDomain, InstantSource clock, RandomGenerator random) {
    stream =
        new SvidStream(
            "the Workload API at " + source.socket(),
            source.wanted(),
            trustDomain,
            WorkloadApi.at(source.socket()),
            scheduler,
            clock,
            random);
  }

  /**
   * Waits for the first one, a minute at the most.
   *
   * @param trustDomain that it must be of
   * @throws IOException if none came; the message says why
   */
  public static AttestedIdentity open(
      Source source, String trustDomain, InstantSource clock, RandomGenerator random)
      throws IOException {
    AttestedIdentity identity = new AttestedIdentity(source, trustDomain, clock, random);
    boolean there = false;
    try {
      identity.start();
      var _ = identity.first.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      there = true;
      return identity;
    } catch (TimeoutException | ExecutionException e) {
      throw new IOException(
          "no identity from the Workload API at %s within %d s: %s"
              .formatted(source.socket(), PATIENCE.toSeconds(), identity.failure),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for an identity", e);
    } finally {
      if (!there) {
        identity.close();
      }
    }
  }

  private void start() {
    stream.start(
        new SvidStream.Listener() {
          @Override
          public void onSvid(X509Svid svid) {
            present = svid;
            LOG.info("this control plane is {} until {}", svid.id(), svid.end());
            first.complete(svid);
            renewed.run();
          }

          @Override
          public void onFailure(String reason, String report) {
            failure = reason;
            LOG.warn("{}", report);
          }
        });
  }

  /** Told of each that follows. */
  public void onRenewal(Runnable task) {
    renewed = task;
    task.run(); // Of one that came meanwhile.
  }

  private X509Svid present() {
    X509Svid now = present;
    if (now == null) {
      throw new IllegalStateException("there is no identity yet");
    }
    return now;
  }

  @Override
  public SpiffeId id() {
    return present().id();
  }

  @Override
  public TrustBundle trust() {
    return present().trust();
  }

  @Override
  public WorkloadIdentity servingIdentity(
      List<String> dnsNames, List<InetAddress> addresses, Duration lifetime) {
    return present().identity();
  }

  @Override
  public void close() {
    stream.close();
    scheduler.shutdown();
  }
}
