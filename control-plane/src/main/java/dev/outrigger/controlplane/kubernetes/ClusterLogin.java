package dev.outrigger.controlplane.kubernetes;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Logs in to a cluster: with a kubeconfig, or in a pod with its service account. The kubeconfig is
 * read here, since the client's own reader brings an unsafe YAML parser.
 */
public final class ClusterLogin {
  private static final int TIMEOUT_MILLIS = 10_000;

  private static final int RETRIES = 10;

  /** Doubled up to 32 times while a server is gone: nobody waits half a minute once it is back. */
  private static final int RECONNECT_MILLIS = 200;

  private static final Path ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

  private ClusterLogin() {}

  /**
   * A client; nothing is sent yet.
   *
   * @param kubeconfig null is the pod's service account, or else what kubectl reads
   * @param environment of this process
   * @throws IOException if there is none, or it cannot be read or understood
   */
  public static KubernetesClient client(@Nullable Path kubeconfig, Map<String, String> environment)
      throws IOException {
    return client(kubeconfig, environment, "outrigger", TIMEOUT_MILLIS, RETRIES);
  }

  /**
   * The same.
   *
   * @param agent by which audit logs tell it from others
   * @param timeoutMillis after which a request is given up
   * @param retries of a request that nobody answered, after ever longer pauses
   */
  public static KubernetesClient client(
      @Nullable Path kubeconfig,
      Map<String, String> environment,
      String agent,
      int timeoutMillis,
      int retries)
      throws IOException {
    ConfigBuilder config = new ConfigBuilder(Config.empty());
    @Nullable String host = environment.get("KUBERNETES_SERVICE_HOST");
    if (kubeconfig == null && host != null && Files.isReadable(ACCOUNT.resolve("token"))) {
      inPod(config, host, environment.getOrDefault("KUBERNETES_SERVICE_PORT", "443"));
    } else {
      withFile(config, kubeconfig == null ? usual(environment) : kubeconfig);
    }
    return new KubernetesClientBuilder()
        .withConfig(
            config
                .withConnectionTimeout(timeoutMillis)
                .withRequestTimeout(timeoutMillis)
                .withRequestRetryBackoffLimit(retries)
                .withWatchReconnectInterval(RECONNECT_MILLIS)
                .withUserAgent(agent)
                .build())
        .withHttpClientFactory(new JdkHttpClientFactory())
        .withHttpClientBuilderConsumer(
            http -> http.addOrReplaceInterceptor("unzipping", new Unzipping()))
        .withKubernetesSerialization(serialization())
        .build();
  }

  /** Who wrote which field is a third of an object, and nobody asks. */
  @JsonIgnoreProperties("managedFields")
  private interface WithoutWriters {}

  /**
   * Knows the kinds that are watched by a class of their own: looking for those of all kinds takes
   * longer than the rest of a start, and objects of others would be read twice.
   */
  private static KubernetesSerialization serialization() {
    ObjectMapper mapper = new ObjectMapper();
    mapper.addMixIn(ObjectMeta.class, WithoutWriters.class);
    KubernetesSerialization serialization = new KubernetesSerialization(mapper, false);
    List.of(Status.class, Namespace.class, ConfigMap.class)
        .forEach(serialization::registerKubernetesResource);
    return serialization;
  }

  private static void inPod(ConfigBuilder config, String host, String port) {
    String literal = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    config
        .withMasterUrl("https://" + literal + ":" + port)
        .withCaCertFile(ACCOUNT.resolve("ca.crt").toString())
        .withOauthTokenProvider(() -> token(ACCOUNT.resolve("token")));
  }

  /** Read each time: the kubelet writes a new one before the old one ends. */
  private static String token(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path usual(Map<String, String> environment) throws IOException {
    @Nullable String named = environment.get("KUBECONFIG");
    Path file =
        named == null || named.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".kube", "config")
            : Path.of(named.split(File.pathSeparator, -1)[0]);
    if (!Files.isReadable(file)) {
      throw new IOException(
          "this is no pod, and there is no kubeconfig at " + file + "; give --kubeconfig FILE");
    }
    return file;
  }

  private static void withFile(ConfigBuilder config, Path file) throws IOException {
    if (!Files.isReadable(file)) {
      throw new IOException("--kubeconfig: " + file + " cannot be read");
    }
    Object root;
    try {
      root = new Load(LoadSettings.builder().build()).loadFromString(Files.readString(file));
    } catch (YamlEngineException e) {
      throw new IOException(file + " is not valid YAML: " + e.getMessage(), e);
    }
    Map<?, ?> all = map(root);
    Map<?, ?> context = map(named(file, all, "contexts", text(all, "current-context")), "context");
    Map<?, ?> cluster = map(named(file, all, "clusters", text(context, "cluster")), "cluster");
    Map<?, ?> user = map(named(file, all, "users", text(context, "user")), "user");
    if (user.containsKey("exec") || user.containsKey("auth-provider")) {
      throw new IOException(
          file + ": a login by a program is not supported here; use a token or a certificate");
    }
    config
        .withMasterUrl(text(cluster, "server"))
        .withTrustCerts(Boolean.TRUE.equals(cluster.get("insecure-skip-tls-verify")))
        .withCaCertData(orNull(cluster, "certificate-authority-data"))
        .withCaCertFile(path(file, cluster, "certificate-authority"))
        .withClientCertData(orNull(user, "client-certificate-data"))
        .withClientCertFile(path(file, user, "client-certificate"))
        .withClientKeyData(orNull(user, "client-key-data"))
        .withClientKeyFile(path(file, user, "client-key"))
        .withUsername(orNull(user, "username"))
        .withPassword(orNull(user, "password"));
    @Nullable String tokenFile = path(file, user, "tokenFile");
    if (tokenFile != null) {
      config.withOauthTokenProvider(() -> token(Path.of(tokenFile)));
    } else {
      config.withOauthToken(orNull(user, "token"));
    }
  }

  private static Map<?, ?> named(Path file, Map<?, ?> all, String list, String name)
      throws IOException {
    if (all.get(list) instanceof List<?> entries) {
      for (Object entry : entries) {
        if (name.equals(map(entry).get("name"))) {
          return map(entry);
        }
      }
    }
    throw new IOException(
        name.isEmpty()
            ? file + " has no current-context; set one: kubectl config use-context NAME"
            : file + ": there is no `" + name + "` among its " + list);
  }

  private static Map<?, ?> map(@Nullable Object value) {
    return value instanceof Map<?, ?> map ? map : Map.of();
  }

  private static Map<?, ?> map(Map<?, ?> from, String name) {
    return map(from.get(name));
  }

  private static String text(Map<?, ?> from, String name) {
    return from.get(name) instanceof String text ? text : "";
  }

  private static @Nullable String orNull(Map<?, ?> from, String name) {
    String text = text(from, name);
    return text.isEmpty() ? null : text;
  }

  /** Relative to the file's folder, as kubectl reads it. */
  private static @Nullable String path(Path file, Map<?, ?> from, String name) {
    @Nullable String text = orNull(from, name);
    return text == null ? null : file.toAbsolutePath().resolveSibling(text).toString();
  }
}
