package dev.outrigger.controlplane.inject;

import com.google.gson.JsonObject;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the sidecar of every pod has in common. Read from the chart's ConfigMap by {@link
 * SettingsReader}; whoever has the same settings makes the same pods.
 *
 * @param image of the proxy, with {@code /outrigger/bin/java} and one argument file for each part
 * @param pullPolicy of the image; empty leaves it to the cluster
 * @param pullSecrets names of Secrets, given to pods that lack them
 * @param controlPlane host and port of xDS with TLS
 * @param audience of the tokens by which proxies join
 * @param rootConfigMap in each namespace, with the roots of the mesh under {@code root.pem}
 * @param capture unless a pod says otherwise
 * @param proxyUid user and group of the proxy, whose traffic is not captured
 * @param resources of the sidecar, as Kubernetes takes them; annotations win
 * @param seccompProfile of the sidecar, as Kubernetes takes it
 * @param transport {@code auto}, {@code io_uring}, {@code epoll} or {@code nio}
 * @param logLevel unless a pod says otherwise
 * @param tokenSeconds for how long a token to join is good
 * @param prometheusAnnotations whether pods are annotated for scraping
 * @param otlpEndpoint where spans and metrics go; empty sends none
 * @param excludedOutboundPorts of all pods, beside their own
 * @param excludedOutboundNetworks of all pods, beside their own
 * @param controlPlaneNamespace whose pods are left alone
 * @param spiffe where SPIRE issues identities; null where the control plane does
 */
public record InjectionSettings(
    String image,
    String pullPolicy,
    List<String> pullSecrets,
    String controlPlane,
    String audience,
    String rootConfigMap,
    Capture capture,
    long proxyUid,
    JsonObject resources,
    JsonObject seccompProfile,
    String transport,
    String logLevel,
    int tokenSeconds,
    boolean prometheusAnnotations,
    String otlpEndpoint,
    List<String> excludedOutboundPorts,
    List<String> excludedOutboundNetworks,
    String controlPlaneNamespace,
    @Nullable Spiffe spiffe) {
  /** Version of what is injected. */
  static final String VERSION = "0.1.0";

  public InjectionSettings {
    pullSecrets = List.copyOf(pullSecrets);
    resources = resources.deepCopy();
    seccompProfile = seccompProfile.deepCopy();
    excludedOutboundPorts = List.copyOf(excludedOutboundPorts);
    excludedOutboundNetworks = List.copyOf(excludedOutboundNetworks);
  }

  /**
   * How a sidecar reaches the SPIFFE Workload API.
   *
   * @param controlPlaneIdentity who must answer for the control plane
   * @param volume with the agent's socket, as Kubernetes takes a volume's source
   * @param socket its file in the volume
   */
  public record Spiffe(String controlPlaneIdentity, JsonObject volume, String socket) {
    public Spiffe {
      volume = volume.deepCopy();
    }
  }

  /** How traffic gets to the proxy. */
  public enum Capture {
    /** An init container with NET_ADMIN installs nftables rules. */
    INIT("init"),
    /** It does not by itself; the application is told where the proxy is. */
    NONE("none");

    private final String text;

    Capture(String text) {
      this.text = text;
    }

    public String text() {
      return text;
    }
  }

  /** What the chart has unless its values say otherwise. */
  public static InjectionSettings usual() {
    JsonObject requests = new JsonObject();
    requests.addProperty("cpu", "50m");
    requests.addProperty("memory", "128Mi");
    JsonObject limits = new JsonObject();
    limits.addProperty("memory", "384Mi");
    JsonObject resources = new JsonObject();
    resources.add("requests", requests);
    resources.add("limits", limits);
    JsonObject seccomp = new JsonObject();
    seccomp.addProperty("type", "RuntimeDefault");
    return new InjectionSettings(
        "ghcr.io/outrigger/outrigger:" + VERSION,
        "",
        List.of(),
        "outrigger.outrigger-system.svc:15012",
        "outrigger.dev",
        "outrigger-root",
        Capture.INIT,
        1337,
        resources,
        seccomp,
        "auto",
        "info",
        3600,
        true,
        "",
        List.of(),
        List.of(),
        "outrigger-system",
        null);
  }
}
