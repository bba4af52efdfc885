package dev.outrigger.controlplane.cluster;

import static dev.outrigger.controlplane.ca.CertificateAuthority.CERTIFICATE_FILE;

import dev.outrigger.controlplane.ca.KeptAuthority;
import dev.outrigger.controlplane.ca.StateFolder;
import dev.outrigger.controlplane.kubernetes.ClusterLogin;
import dev.outrigger.controlplane.kubernetes.Installation;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.OwnerReference;
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
import java.util.HashMap;
import java.util.List;
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

  private final KubernetesClient client;
  private final ClusterOptions options;
  private final Installation installation;
  private volatile @Nullable SharedIndexInformer<Namespace> namespaces;

  /** As they were when namespaces were told; read again once a minute. */
  private volatile List<OwnerReference> owners = List.of();

  private volatile String told = "";

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
    this.installation = new Installation(client, options.installation());
  }

  /**
   * Before the authority is opened: gets the root of the Secret, where there is one.
   *
   * @throws IOException if the API server does not answer, or the folder cannot be written
   */
  public void fetchRoot(Path stateFolder) throws IOException {
    @Nullable KeptAuthority there = root();
    if (there != null) {
      take(StateFolder.open(stateFolder), there);
    }
  }

  /**
   * What the Secret has; null where there is none.
   *
   * @throws IOException if the API server does not answer, or it has nothing of use
   */
  @Nullable KeptAuthority root() throws IOException {
    if (options.caSecret().isEmpty()) {
      return null;
    }
    try {
      @Nullable Secret secret = secret();
      return secret == null ? null : kept(secret);
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
                .addToLabels("app.kubernetes.io/managed-by", "outrigger")
                .endMetadata()
                .withType("kubernetes.io/tls")
                .withData(data(KeptAuthority.read(state)))
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
      String before = KeptAuthority.read(state).certificate().strip();
      take(state, kept(secret));
      return kept(secret).certificate().strip().equals(before);
    } catch (KubernetesClientException e) {
      throw failed("the Secret " + options.caSecret() + " cannot be made", e);
    }
  }

  /** Writes into the folder what the Secret has, if it has something else. */
  private static void take(StateFolder state, KeptAuthority kept) throws IOException {
    if (!state.has(CERTIFICATE_FILE) || !KeptAuthority.read(state).equals(kept)) {
      kept.write(state);
    }
  }

  /**
   * Puts what the authority keeps from now on into the Secret, if nobody has put anything there
   * since it was read.
   *
   * @return whether it is there now; always where there is no Secret to keep it
   * @throws IOException if the API server does not answer, or refuses it
   */
  boolean replaceRoot(KeptAuthority before, KeptAuthority next) throws IOException {
    if (options.caSecret().isEmpty()) {
      return true;
    }
    try {
      @Nullable Secret secret = secret();
      if (secret == null || !kept(secret).equals(before)) {
        return false;
      }
      Map<String, String> data = new HashMap<>(secret.getData());
      data.keySet().removeAll(KeptAuthority.SECRET_KEYS);
      data.putAll(data(next));
      // With the version that was read: another's write in between is a conflict.
      var _ =
          client
              .secrets()
              .inNamespace(options.namespace())
              .resource(new SecretBuilder(secret).withData(data).build())
              .update();
      return true;
    } catch (KubernetesClientException e) {
      if (e.getCode() == HttpURLConnection.HTTP_CONFLICT) {
        return false;
      }
      throw failed("the Secret " + options.caSecret() + " cannot be written", e);
    }
  }

  private @Nullable Secret secret() {
    return client.secrets().inNamespace(options.namespace()).withName(options.caSecret()).get();
  }

  private static KeptAuthority kept(Secret secret) throws IOException {
    Map<String, String> texts = new HashMap<>();
    if (secret.getData() != null) {
      secret.getData().forEach((name, data) -> texts.put(name, decoded(data)));
    }
    return KeptAuthority.ofSecret(secret.getMetadata().getName(), texts);
  }

  /** It as a Secret's data, without what is empty. */
  private static Map<String, String> data(KeptAuthority kept) {
    Map<String, String> data = new HashMap<>();
    kept.toSecret()
        .forEach(
            (name, text) -> {
              if (!text.isEmpty()) {
                data.put(name, encoded(text));
              }
            });
    return data;
  }

  private static String encoded(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String decoded(String data) {
    return new String(Base64.getDecoder().decode(data), StandardCharsets.UTF_8);
  }

  private static IOException failed(String what, KubernetesClientException e) {
    return new IOException(what + ": " + e.getMessage(), e);
  }

  /**
   * Tells all namespaces, those of today and of tomorrow, whom to trust.
   *
   * @param rootPem the mesh's roots
   * @throws IOException if the API server does not answer
   */
  public void publishRoot(String rootPem) throws IOException {
    try {
      owners = installation.owners();
    } catch (KubernetesClientException e) {
      throw failed("the ClusterRole " + options.installation() + " cannot be read", e);
    }
    told = rootPem;
    SharedIndexInformer<Namespace> informer =
        client
            .namespaces()
            .inform(
                new ResourceEventHandler<Namespace>() {
                  @Override
                  public void onAdd(Namespace namespace) {
                    publish(namespace);
                  }

                  @Override
                  public void onUpdate(Namespace before, Namespace now) {
                    publish(now);
                  }

                  @Override
                  public void onDelete(Namespace namespace, boolean unknown) {}
                },
                AGAIN_MILLIS);
    namespaces = informer;
  }

  /**
   * Tells all namespaces again where the roots are others, or the installation was replaced: what
   * has the old one as its owner is about to be deleted.
   */
  public void revise(String rootPem) {
    SharedIndexInformer<Namespace> informer = namespaces;
    if (informer == null) {
      return;
    }
    try {
      List<OwnerReference> now = installation.owners();
      if (!now.equals(owners) || !rootPem.equals(told)) {
        owners = now;
        told = rootPem;
        informer.getStore().list().forEach(this::publish);
      }
    } catch (KubernetesClientException e) {
      LOG.warn("the installation cannot be looked at: {}", e.getMessage());
    }
  }

  private void publish(Namespace namespace) {
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
            .withOwnerReferences(owners)
            .endMetadata()
            .addToData(ROOT_KEY, told)
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
