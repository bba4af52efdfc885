package dev.outrigger.controlplane.cluster;

import dev.outrigger.controlplane.ca.CertificateAuthority;
import dev.outrigger.controlplane.ca.KeptAuthority;
import dev.outrigger.controlplane.inject.Admission;
import dev.outrigger.controlplane.inject.InjectionSettings;
import dev.outrigger.controlplane.inject.SettingsReader;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts what {@link ClusterOptions} ask for, and ends it. */
public final class ClusterServices implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterServices.class);
  private static final Duration CERTIFICATE_LIFETIME = Duration.ofHours(24);
  private static final Duration ANNOUNCED_EVERY = Duration.ofMinutes(1);

  private final ClusterOptions options;
  private final @Nullable Cluster cluster;
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private @Nullable WebhookServer webhook;
  private int webhookPort = -1;
  private int metricsPort = -1;

  /**
   * @throws IOException if Kubernetes' API is needed and there is no way to log in
   */
  public ClusterServices(ClusterOptions options) throws IOException {
    this(options, null);
  }

  /**
   * The same.
   *
   * @param kubeconfig how to log in; null is as kubectl does, or as a pod
   */
  public ClusterServices(ClusterOptions options, @Nullable Path kubeconfig) throws IOException {
    this.options = options;
    this.cluster = options.callsKubernetes() ? new Cluster(options, kubeconfig) : null;
    if (cluster != null) {
      parts.push(cluster);
    }
  }

  /** Makes an authority of what a state folder has. */
  @FunctionalInterface
  public interface Opening {
    CertificateAuthority open() throws IOException;
  }

  /**
   * Opens the authority with the root that all replicas have.
   *
   * @throws IOException if it cannot be opened, or the API server does not answer
   */
  public CertificateAuthority authority(Path state, Opening opening) throws IOException {
    Cluster kubernetes = cluster;
    if (kubernetes == null) {
      return opening.open();
    }
    kubernetes.fetchRoot(state);
    CertificateAuthority made = opening.open();
    return kubernetes.keepRoot(state) ? made : opening.open();
  }

  /**
   * That tokens of service accounts must be for.
   *
   * @throws IOException if the settings of injection cannot be read
   */
  public String audience() throws IOException {
    return settings().audience();
  }

  /** The names by which this is called from within the cluster. */
  public List<String> names() {
    String service = options.serviceName() + "." + options.namespace();
    return List.of(
        service + ".svc", service + ".svc.cluster.local", service, options.serviceName());
  }

  /**
   * Starts to serve; called once all else is ready.
   *
   * @throws IOException if a port is taken or the settings cannot be read
   */
  public void start(
      CertificateAuthority authority, ScheduledExecutorService timer, Supplier<String> metrics)
      throws IOException {
    Cluster kubernetes = cluster;
    if (kubernetes != null) {
      kubernetes.publishRoot(roots(authority));
    }
    if (options.webhookPort() >= 0) {
      WebhookServer started =
          new WebhookServer(
              options.webhookPort(),
              identity(authority),
              new Admission(
                  settings(),
                  name ->
                      kubernetes == null ? Map.<String, String>of() : kubernetes.labelsOf(name)));
      parts.push(started);
      webhook = started;
      webhookPort = started.port();
      long half = CERTIFICATE_LIFETIME.dividedBy(2).toSeconds();
      var _ =
          timer.scheduleWithFixedDelay(
              () -> renew(started, authority), half, half, TimeUnit.SECONDS);
      if (kubernetes != null) {
        // Before this is called ready: whoever waits for that expects that pods get a sidecar.
        guarded(() -> kubernetes.announceWebhook(roots(authority)));
        // Again and again: whoever applies the chart anew may have taken it away.
        var _ =
            timer.scheduleWithFixedDelay(
                () -> announce(kubernetes, roots(authority)),
                0,
                ANNOUNCED_EVERY.toSeconds(),
                TimeUnit.SECONDS);
      }
    }
    if (options.metricsPort() >= 0) {
      WatchPort watched = new WatchPort(options.metricsPort(), metrics);
      parts.push(watched);
      metricsPort = watched.port();
    }
  }

  /** A timer that throws is never run again, so nothing may get out. */
  private void renew(WebhookServer shown, CertificateAuthority authority) {
    try {
      shown.use(identity(authority));
    } catch (RuntimeException e) {
      LOG.error("the certificate of the webhook cannot be renewed", e);
    }
  }

  private static void announce(Cluster kubernetes, String root) {
    guarded(
        () -> {
          kubernetes.announceWebhook(root);
          kubernetes.revise(root);
        });
  }

  /** As for {@link #renew}. */
  private static void guarded(Runnable announcement) {
    try {
      announcement.run();
    } catch (RuntimeException e) {
      LOG.error("webhook", e);
    }
  }

  /**
   * Looks after the authority, for which a timer calls: takes what other replicas keep, and takes
   * the step that is due when one root follows another. Never throws.
   *
   * @param leads whether it is this replica that may write
   * @param renewed is told that the authority signs by another, or trusts others
   */
  public void lookAfter(CertificateAuthority authority, BooleanSupplier leads, Runnable renewed) {
    Cluster kubernetes = cluster;
    try {
      @Nullable KeptAuthority there = kubernetes == null ? null : kubernetes.root();
      boolean differs = false;
      if (there != null) {
        KeptAuthority followed = authority.following(there);
        differs = authority.adopt(followed);
        if (kubernetes != null
            && !followed.equals(there)
            && kubernetes.replaceRoot(there, followed)) {
          LOG.info("another authority was given; it signs once every proxy trusts it");
        }
      }
      @Nullable KeptAuthority next = leads.getAsBoolean() ? authority.succession() : null;
      if (next != null && (kubernetes == null || kubernetes.replaceRoot(authority.kept(), next))) {
        differs |= authority.adopt(next);
      }
      if (!differs) {
        return;
      }
      LOG.info("the mesh trusts {} roots now", authority.trust().roots().size());
      renewed.run();
      WebhookServer shown = webhook;
      if (shown != null) {
        shown.use(identity(authority));
      }
      if (kubernetes != null) {
        announce(kubernetes, roots(authority));
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("the authority cannot be looked after: {}", e.getMessage());
    }
  }

  private static String roots(CertificateAuthority authority) {
    return Pem.of(authority.trust().roots());
  }

  private WorkloadIdentity identity(CertificateAuthority authority) {
    return authority.servingIdentity(names(), List.of(), CERTIFICATE_LIFETIME);
  }

  private InjectionSettings settings() throws IOException {
    Path file = options.injection();
    if (file == null) {
      return InjectionSettings.usual();
    }
    try {
      return SettingsReader.read(Files.readString(file));
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /** Where admission reviews are answered; negative for nowhere. */
  public int webhookPort() {
    return webhookPort;
  }

  /** Where metrics and health are served; negative for nowhere. */
  public int metricsPort() {
    return metricsPort;
  }

  @Override
  public void close() {
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (Exception e) {
        LOG.warn("while stopping", e);
      }
    }
  }
}
