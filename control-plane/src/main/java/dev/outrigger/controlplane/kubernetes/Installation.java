package dev.outrigger.controlplane.kubernetes;

import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The installation that this control plane belongs to, known by its ClusterRole. Objects that bear
 * it as their owner are deleted with it by Kubernetes' garbage collector, in all namespaces, so
 * that an uninstall leaves nothing that nobody asked to keep. Thread-safe.
 */
public final class Installation {
  private static final Logger LOG = LoggerFactory.getLogger(Installation.class);

  private final KubernetesClient client;
  private final String role;

  /**
   * @param client stays the caller's
   * @param role the ClusterRole's name; empty for none, and then nothing has an owner
   */
  public Installation(KubernetesClient client, String role) {
    this.client = client;
    this.role = role;
  }

  /**
   * The owner of what is made from now on; none where there is no such ClusterRole, or we may not
   * read it. Asks the API server each time: one that was replaced is another.
   *
   * @throws KubernetesClientException if nobody answers
   */
  public List<OwnerReference> owners() {
    if (role.isEmpty()) {
      return List.of();
    }
    @Nullable ClusterRole found;
    try {
      found = client.rbac().clusterRoles().withName(role).get();
    } catch (KubernetesClientException e) {
      if (e.getCode() == 0) {
        throw e;
      }
      LOG.warn("the ClusterRole {} cannot be read: {}", role, e.getMessage());
      return List.of();
    }
    if (found == null) {
      LOG.warn("there is no ClusterRole {}: what is made here will outlive the installation", role);
      return List.of();
    }
    return List.of(
        new OwnerReferenceBuilder()
            .withApiVersion("rbac.authorization.k8s.io/v1")
            .withKind("ClusterRole")
            .withName(role)
            .withUid(found.getMetadata().getUid())
            .build());
  }
}
