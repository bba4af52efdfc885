package dev.outrigger.proxy.identity;

import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.PeerVerifier;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.PemException;
import dev.outrigger.tls.SigningRequest;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets short-lived certificates from a certificate authority and renews them at half of their life,
 * give or take a tenth so that a mesh does not renew all at once. While the authority cannot be
 * reached the present certificate goes on until it ends. The private key is made anew each time and
 * never leaves the process. Confined to its scheduler, which must run one task at a time and must
 * not be a worker's; only {@link #state}, {@link #suffer} and {@link #close} may be called from
 * elsewhere.
 */
public final class CertificateClient implements IdentitySource {
  private static final Logger log = LoggerFactory.getLogger(CertificateClient.class);
  private static final Duration FIRST_BACK_OFF = Duration.ofMillis(500);
  private static final Duration LONGEST_BACK_OFF = Duration.ofMinutes(1);
  private static final Duration SHORTEST_WAIT = Duration.ofMillis(200);

  /** Reads the join token anew for each use, since its file may be replaced. */
  @FunctionalInterface
  public interface TokenSource {
    String read() throws IOException;
  }

  /** Reads the roots anew for each use, since their file may be replaced. */
  @FunctionalInterface
  public interface RootSource {
    /**
     * @throws IOException if they cannot be read, or are none
     */
    TrustBundle read() throws IOException;
  }

  /**
   * Where and how certificates are asked for.
   *
   * @param host of the authority, a name or an address
   * @param port of the authority's TLS port
   * @param serverName the SNI to send; null sends none
   * @param roots that the authority must lead to at first
   * @param later what they are then; those of the answers are added
   * @param rule which of the trusted is the authority; {@link PeerRule.AnyTrusted} would let every
   *     workload play the authority
   * @param token the join token
   * @param lifetime to ask for; zero takes the authority's standard
   * @param workload which one asks, as {@code namespace/name}: a token of another pod is refused;
   *     null does not say
   */
  public record Authority(
      String host,
      int port,
      @Nullable String serverName,
      TrustBundle roots,
      RootSource later,
      PeerRule rule,
      TokenSource token,
      Duration lifetime,
      @Nullable String workload) {
    public Authority(
        String host,
        int port,
        @Nullable String serverName,
        TrustBundle roots,
        PeerRule rule,
        TokenSource token,
        Duration lifetime) {
      this(host, port, serverName, roots, rule, token, lifetime, null);
    }

    /** With roots that stay. */
    public Authority(
        String host,
        int port,
        @Nullable String serverName,
        TrustBundle roots,
        PeerRule rule,
        TokenSource token,
        Duration lifetime,
        @Nullable String workload) {
      this(host, port, serverName, roots, () -> roots, rule, token, lifetime, workload);
    }
  }

  private final RootSource later;
  private final Duration lifetime;
  private final CertificateRequester requester;
  private final ScheduledExecutorService scheduler;
  private final InstantSource clock;
  private final SecureRandom random;
  private TrustBundle roots;
  private List<X509Certificate> learned = List.of();
  private @Nullable WorkloadIdentity present;
  private @Nullable Listener listener;
  private @Nullable ScheduledFuture<?> next;
  private volatile @Nullable String failing;
  private volatile IdentityState state = IdentityState.NONE;
  private volatile boolean closed;

  CertificateClient(
      TrustBundle roots,
      RootSource later,
      Duration lifetime,
      CertificateRequester requester,
      ScheduledExecutorService scheduler,
      InstantSource clock,
      SecureRandom random) {
    this.roots = roots;
    this.later = later;
    this.lifetime = lifetime;
    this.requester = requester;
    this.scheduler = scheduler;
    this.clock = clock;
    this.random = random;
  }

  /** A client of an authority that speaks {@code istio.v1.auth.IstioCertificateService}. */
  public static CertificateClient of(
      Authority authority,
      ScheduledExecutorService scheduler,
      InstantSource clock,
      SecureRandom random) {
    return of(List.of(authority), scheduler, clock, random);
  }

  /**
   * The same of one with replicas, which are asked in turn when one fails.
   *
   * @param replicas at least one; they differ in their addresses only
   */
  public static CertificateClient of(
      List<Authority> replicas,
      ScheduledExecutorService scheduler,
      InstantSource clock,
      SecureRandom random) {
    Authority first = replicas.getFirst();
    return new CertificateClient(
        first.roots(),
        first.later(),
        first.lifetime(),
        new GrpcCertificateRequester(replicas, scheduler, clock),
        scheduler,
        clock,
        random);
  }

  @Override
  public void start(Listener taker) {
    scheduler.execute(
        () -> {
          listener = taker;
          ask(taker);
        });
  }

  @Override
  public void suffer(@Nullable String reason) {
    String before = failing;
    failing = reason;
    if ((before == null) != (reason == null) && !closed) {
      scheduler.execute(() -> askSoon(reason == null));
    }
  }

  private void askSoon(boolean spread) {
    Listener taker = listener;
    ScheduledFuture<?> waiting = next;
    // Else it is asked at this moment, and what comes of that says when next.
    if (taker != null && waiting != null && waiting.cancel(false)) {
      schedule(taker, spread ? SHORTEST_WAIT.multipliedBy(1 + random.nextInt(5)) : Duration.ZERO);
    }
  }

  @Override
  public IdentityState state() {
    return state;
  }

  @Override
  public void close() {
    closed = true;
  }

  private void ask(Listener listener) {
    if (closed) {
      return;
    }
    String fault = failing;
    if (fault != null) {
      failed(listener, "the authority fails " + fault);
      return;
    }
    SigningRequest request = SigningRequest.create(random);
    WorkloadIdentity vouching =
        state.isUsable(clock.instant()) ? present : null; // An expired one vouches for nothing.
    requester
        .request(request.pem(), lifetime, vouching, trust())
        .whenCompleteAsync(
            (chain, failure) -> {
              if (closed) {
                return;
              }
              if (failure != null) {
                failed(listener, reason(failure));
              } else {
                answered(listener, request, chain);
              }
            },
            scheduler);
  }

  private void answered(Listener listener, SigningRequest request, List<String> chain) {
    Instant now = clock.instant();
    WorkloadIdentity identity;
    TrustBundle trust;
    try {
      List<X509Certificate> certificates = Pem.certificates(String.join("\n", chain));
      readRoots();
      learned =
          certificates.subList(1, certificates.size()).stream()
              .filter(CertificateClient::isRoot)
              .toList();
      trust = trust();
      identity = checked(certificates, request, trust);
    } catch (PemException | CertificateException e) {
      failed(listener, "the authority's answer cannot be used: " + e.getMessage());
      return;
    }
    Instant end = identity.leaf().getNotAfter().toInstant();
    present = identity;
    state = state.renewed(now, end);
    log.info("identity {} until {}", identity.spiffeId(), end);
    schedule(listener, renewalDelay(Duration.between(now, end), random.nextDouble()));
    listener.onIdentity(identity, trust);
  }

  /** Of the file, which the kubelet replaces where it is of a ConfigMap. */
  private void readRoots() {
    try {
      roots = later.read();
    } catch (IOException e) {
      log.warn("the roots cannot be read again, those of before go on: {}", e.getMessage());
    }
  }

  /** The roots of the file, and those of the latest answer, by which roots follow each other. */
  private TrustBundle trust() {
    Set<X509Certificate> all = new LinkedHashSet<>(roots.roots());
    all.addAll(learned);
    return new TrustBundle(List.copyOf(all));
  }

  private static boolean isRoot(X509Certificate certificate) {
    return certificate.getBasicConstraints() >= 0
        && certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal());
  }

  /** An identity that our own peers would accept; whatever else an authority sends is refused. */
  private WorkloadIdentity checked(
      List<X509Certificate> certificates, SigningRequest request, TrustBundle trust)
      throws CertificateException {
    List<X509Certificate> chain = new ArrayList<>(certificates);
    // Peers have the roots, or would not trust them anyway.
    chain.subList(1, chain.size()).removeIf(trust.roots()::contains);
    WorkloadIdentity identity = new WorkloadIdentity(chain, request.keys().getPrivate());
    if (!identity.leaf().getPublicKey().equals(request.keys().getPublic())) {
      throw new CertificateException("it certifies another key");
    }
    SpiffeId id = identity.spiffeId();
    if (id == null) {
      throw new CertificateException("it names no SPIFFE ID");
    }
    new PeerVerifier(trust, new PeerRule.MeshMember(Set.of(id.trustDomain()), Set.of(id)), clock)
        .verify(chain.toArray(X509Certificate[]::new), PeerVerifier.Side.CLIENT, id);
    return identity;
  }

  private void failed(Listener listener, String reason) {
    IdentityState now = state.failed(reason);
    state = now;
    Instant expires = now.expires();
    Duration left = expires == null ? LONGEST_BACK_OFF : Duration.between(clock.instant(), expires);
    Duration wait = backOff(now.failures(), left, random.nextDouble());
    log.warn(
        "no certificate from the authority ({} in a row): {}; next try in {} ms; {}",
        now.failures(),
        reason,
        wait.toMillis(),
        expires == null ? "there is no identity yet" : "the present one ends at " + expires);
    schedule(listener, wait);
  }

  private void schedule(Listener listener, Duration delay) {
    next = scheduler.schedule(() -> ask(listener), delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * When to renew.
   *
   * @param left of the certificate's life
   * @param chance from 0 to 1
   * @return half of that, up to a tenth of it less or more
   */
  static Duration renewalDelay(Duration left, double chance) {
    Duration delay = Duration.ofNanos((long) (left.toNanos() / 2.0 * (0.9 + 0.2 * chance)));
    return delay.compareTo(SHORTEST_WAIT) < 0 ? SHORTEST_WAIT : delay;
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

  private static String reason(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }
}
