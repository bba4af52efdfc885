package dev.outrigger.controlplane.chaos;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Who may start experiments now. Called with the runner's lock held: quick, and calls nobody. */
@FunctionalInterface
public interface StartRights {
  /** Everybody may. */
  StartRights ALL = (_, _, _) -> null;

  /**
   * What keeps somebody from starting one now, in words.
   *
   * @param who submitted it
   * @param experiment {@code namespace/name}
   * @param namespaces its own, and those that its faults reach
   * @return null if nothing does
   */
  @Nullable String obstacle(String who, String experiment, Set<String> namespaces);
}
