package dev.outrigger.controlplane.cluster;

import static dev.outrigger.controlplane.ca.CertificateAuthority.CERTIFICATE_FILE;
import static dev.outrigger.controlplane.ca.CertificateAuthority.KEY_FILE;
import static dev.outrigger.controlplane.ca.CertificateAuthority.ROOTS_FILE;

import dev.outrigger.controlplane.ca.StateFolder;
import dev.outrigger.controlplane.kubernetes.ClusterLogin;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.MutatingWebhookConfiguration;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingWebhookConfiguration;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The cluster that this control plane runs in: keeps the mesh's root in a Secret, tells every
 * namespace whom to trust, and the API server which certificate our webhooks have. Every replica
 * does the same, and doing it twice changes nothing.
 */
public final class Cluster implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Cluster.class);
  private static final Set<String> SYSTEM = Set.of("kube-system", "kube-public", "kube-node-lease");

  /** So often all namespaces are told again, in case somebody deleted what they were told. */
  private static final long AGAIN_MILLIS = 600_000;

  private static final String ROOT_KEY = "root.pem";

  // As cert-manager has them.
  private static final String CERTIFICATE = "tls.crt";
  private static final String KEY = "tls.key";
  private static final String ROOTS = "ca.crt";

  private final KubernetesClient client;
  private final ClusterOptions options;
  private @Nullable SharedIndexInformer<Namespace> namespaces;

  /**
   * Logs in as the pod does, or as kubectl would.
   *
   * @throws IOException if there is no way to log in
   */
  Cluster(ClusterOptions options, @Nullable Path kubeconfig) throws IOException {
    this(options, ClusterLogin.client(kubeconfig, System.getenv()));
  }

  Cluster(ClusterOptions options, KubernetesClient client) {
    this.options = options;
    this.client = client;
  }

  /**
   * Before the authority is opened: gets the root of the Secret, where there is one.
   *
   * @throws IOException if the API server does not answer, or the folder cannot be written
   */
  public void fetchRoot(Path stateFolder) throws IOException {
    if (options.caSecret().isEmpty()) {
      return;
    }
    try {
      @Nullable Secret secret = secret();
      if (secret != null) {
        write(stateFolder, secret);
      }
    } catch (KubernetesClientException e) {
      throw failed("the Secret " + options.caSecret() + " cannot be read", e);
    }
  }

  /**
   * After a new authority was made: puts its root into the Secret. Another replica may have been
   * faster.
   *
   * @return whether this replica's root is the mesh's; otherwise the folder has the other one now
   * @throws IOException if the API server does not answer, or the folder cannot be written
   */
  public boolean keepRoot(Path stateFolder) throws IOException {
    if (options.caSecret().isEmpty()) {
      return true;
    }
    StateFolder state = StateFolder.open(stateFolder);
    try {
      if (secret() == null) {
        Secret made =
            new SecretBuilder()
                .withNewMetadata()
                .withName(options.caSecret())
                .withNamespace(options.namespace())
                .endMetadata()
                .withType("kubernetes.io/tls")
                .addToData(CERTIFICATE, encoded(state.readSecret(CERTIFICATE_FILE)))
                .addToData(KEY, encoded(state.readSecret(KEY_FILE)))
                .addToData(ROOTS, encoded(state.readSecret(CERTIFICATE_FILE)))
                .build();
        try {
          client.secrets().inNamespace(options.namespace()).resource(made).create();
          LOG.info("the root of the mesh is kept in the Secret {}", options.caSecret());
          return true;
        } catch (KubernetesClientException e) {
          if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
            throw e;
          }
        }
      }
      Secret secret = Objects.requireNonNull(secret());
      boolean same =
          decoded(secret, CERTIFICATE).strip().equals(state.readSecret(CERTIFICATE_FILE).strip());
      if (!same) {
        write(stateFolder, secret);
      }
      return same;
    } catch (KubernetesClientException e) {
      throw failed("the Secret " + options.caSecret() + " cannot be made", e);
    }
  }

  private @Nullable Secret secret() {
    return client.secrets().inNamespace(options.namespace()).withName(options.caSecret()).get();
  }

  /** A Secret of ours, or one of cert-manager, whose root is another than its certificate. */
  static void write(Path folder, Secret secret) throws IOException {
    StateFolder state = StateFolder.open(folder);
    String certificate = decoded(secret, CERTIFICATE);
    String key = decoded(secret, KEY);
    state.write(KEY_FILE, key);
    state.write(CERTIFICATE_FILE, certificate);
    boolean rooted = secret.getData().containsKey(ROOTS);
    if (rooted && !decoded(secret, ROOTS).isBlank()) {
      state.write(ROOTS_FILE, decoded(secret, ROOTS));
    } else {
      state.remove(ROOTS_FILE);
    }
  }

  private static String encoded(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String decoded(Secret secret, String name) throws IOException {
    String value = secret.getData() == null ? null : secret.getData().get(name);
    if (value == null) {
      throw new IOException(
          "the Secret "
              + secret.getMetadata().getName()
              + " has no "
              + name
              + ", expected "
              + CERTIFICATE
              + " and "
              + KEY);
    }
    return new String(Base64.getDecoder().decode(value), StandardCharsets.UTF_8);
  }

  private static IOException failed(String what, KubernetesClientException e) {
    return new IOException(what + ": " + e.getMessage(), e);
  }

  /**
   * Tells all namespaces, those of today and of tomorrow, whom to trust.
   *
   * @param rootPem the mesh's root
   */
  public void publishRoot(String rootPem) {
    SharedIndexInformer<Namespace> informer =
        client
            .namespaces()
            .inform(
                new ResourceEventHandler<Namespace>() {
                  @Override
                  public void onAdd(Namespace namespace) {
                    publish(namespace, rootPem);
                  }

                  @Override
                  public void onUpdate(Namespace before, Namespace now) {
                    publish(now, rootPem);
                  }

                  @Override
                  public void onDelete(Namespace namespace, boolean unknown) {}
                },
                AGAIN_MILLIS);
    namespaces = informer;
  }

  private void publish(Namespace namespace, String rootPem) {
    String name = namespace.getMetadata().getName();
    boolean ends =
        "Terminating".equals(namespace.getStatus() == null ? "" : namespace.getStatus().getPhase());
    if (options.rootConfigMap().isEmpty()
        || ends
        || SYSTEM.contains(name)
        || "disabled".equals(labels(namespace).get("outrigger.dev/inject"))) {
      return;
    }
    ConfigMap wanted =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withName(options.rootConfigMap())
            .withNamespace(name)
            .addToLabels("app.kubernetes.io/managed-by", "outrigger")
            .endMetadata()
            .addToData(ROOT_KEY, rootPem)
            .build();
    try {
      client
          .resource(wanted)
          .patch(
              new PatchContext.Builder()
                  .withPatchType(PatchType.SERVER_SIDE_APPLY)
                  .withFieldManager("outrigger")
                  .withForce(true)
                  .build());
    } catch (KubernetesClientException e) {
      LOG.warn(
          "namespace {} cannot be told whom to trust, its pods will wait for that: {}",
          name,
          e.getMessage());
    }
  }

  /** Labels of a namespace, as far as it is known. */
  public Map<String, String> labelsOf(String name) {
    SharedIndexInformer<Namespace> informer = namespaces;
    Namespace found = informer == null ? null : informer.getStore().getByKey(name);
    return found == null ? Map.of() : labels(found);
  }

  private static Map<String, String> labels(Namespace namespace) {
    Map<String, String> labels = namespace.getMetadata().getLabels();
    return labels == null ? Map.of() : labels;
  }

  /** Makes the API server trust our webhooks; changes nothing where it does already. */
  public void announceWebhook(String rootPem) {
    if (options.webhookName().isEmpty()) {
      return;
    }
    String bundle = encoded(rootPem);
    try {
      var mutating =
          client
              .admissionRegistration()
              .v1()
              .mutatingWebhookConfigurations()
              .withName(options.webhookName());
      MutatingWebhookConfiguration injecting = mutating.get();
      if (injecting == null) {
        LOG.warn(
            "there is no webhook configuration {}: nothing is injected", options.webhookName());
      } else if (injecting.getWebhooks().stream()
          .anyMatch(hook -> !bundle.equals(hook.getClientConfig().getCaBundle()))) {
        mutating.edit(
            found -> {
              found.getWebhooks().forEach(hook -> hook.getClientConfig().setCaBundle(bundle));
              return found;
            });
        LOG.info("the API server trusts the webhook {}", options.webhookName());
      }
      var validating =
          client
              .admissionRegistration()
              .v1()
              .validatingWebhookConfigurations()
              .withName(options.webhookName());
      ValidatingWebhookConfiguration advising = validating.get();
      if (advising != null
          && advising.getWebhooks().stream()
              .anyMatch(hook -> !bundle.equals(hook.getClientConfig().getCaBundle()))) {
        validating.edit(
            found -> {
              found.getWebhooks().forEach(hook -> hook.getClientConfig().setCaBundle(bundle));
              return found;
            });
      }
    } catch (KubernetesClientException e) {
      LOG.warn("the webhook {} cannot be announced: {}", options.webhookName(), e.getMessage());
    }
  }

  @Override
  public void close() {
    SharedIndexInformer<Namespace> informer = namespaces;
    if (informer != null) {
      informer.stop();
    }
    client.close();
  }
}
