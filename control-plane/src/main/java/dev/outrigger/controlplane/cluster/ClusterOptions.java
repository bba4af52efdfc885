package dev.outrigger.controlplane.cluster;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a control plane does for the cluster that it runs in; all of it may be left out.
 *
 * @param injection the settings of the webhook; null takes the usual ones
 * @param webhookPort where admission reviews are answered; negative for nowhere
 * @param webhookName the webhook configurations that are told whom to trust; empty for none
 * @param metricsPort where metrics and health are served to the cluster; negative for nowhere
 * @param caSecret the Secret that keeps the mesh's root; empty keeps it in the state folder alone
 * @param rootConfigMap with the root's certificate, in all namespaces; empty writes none
 * @param serviceName by which the API server and proxies call
 * @param namespace where this runs
 */
public record ClusterOptions(
    @Nullable Path injection,
    int webhookPort,
    String webhookName,
    int metricsPort,
    String caSecret,
    String rootConfigMap,
    String serviceName,
    String namespace) {
  /** Nothing. */
  public static final ClusterOptions NONE =
      new ClusterOptions(null, -1, "", -1, "", "", "outrigger", "outrigger-system");

  /** Whether Kubernetes' API is needed. */
  public boolean callsKubernetes() {
    return !webhookName.isEmpty() || !caSecret.isEmpty() || !rootConfigMap.isEmpty();
  }
}
