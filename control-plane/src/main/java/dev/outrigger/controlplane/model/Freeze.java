package dev.outrigger.controlplane.model;

import java.util.Set;

/**
 * While it exists, no experiment starts (ours: {@code chaos.outrigger.dev/v1alpha1}).
 *
 * @param reason in words, told to whoever is refused
 * @param owner who lifts it
 * @param halt whether what runs already is halted
 * @param namespaces of the experiments it holds for; empty means all
 */
public record Freeze(
    ObjectMeta meta, String reason, String owner, boolean halt, Set<String> namespaces)
    implements MeshObject {
  public Freeze {
    namespaces = Set.copyOf(namespaces);
  }

  @Override
  public Kind kind() {
    return Kind.FREEZE;
  }

  /** Whether it holds for an experiment. */
  public boolean covers(Experiment experiment) {
    return namespaces.isEmpty() || namespaces.contains(experiment.meta().namespace());
  }
}
