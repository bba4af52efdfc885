package dev.outrigger.controlplane.cluster;

import java.nio.file.Path;
import java.time.Duration;
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
 * @param installation the ClusterRole that owns what is made here; empty for none
 * @param lease by which replicas agree who leads; null where there are no others
 */
public record ClusterOptions(
    @Nullable Path injection,
    int webhookPort,
    String webhookName,
    int metricsPort,
    String caSecret,
    String rootConfigMap,
    String serviceName,
    String namespace,
    String installation,
    @Nullable LeaseOptions lease) {
  /**
   * How replicas agree who of them leads.
   *
   * @param name of the Lease, and of what they share
   * @param lasts for how long one that is gone keeps others from leading, 3 s to 5 min
   * @param pod this replica's name
   * @param address by which the others reach this one; empty takes that of the TLS port
   */
  public record LeaseOptions(String name, Duration lasts, String pod, String address) {
    public static final Duration SHORTEST = Duration.ofSeconds(3);
    public static final Duration USUAL = Duration.ofSeconds(15);
    public static final Duration LONGEST = Duration.ofMinutes(5);
  }

  /** Nothing. */
  public static final ClusterOptions NONE =
      new ClusterOptions(null, -1, "", -1, "", "", "outrigger", "outrigger-system", "", null);

  /** Whether Kubernetes' API is needed. */
  public boolean callsKubernetes() {
    return !webhookName.isEmpty() || !caSecret.isEmpty() || !rootConfigMap.isEmpty();
  }
}
