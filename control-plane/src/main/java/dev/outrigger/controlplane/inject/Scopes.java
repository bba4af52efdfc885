package dev.outrigger.controlplane.inject;

/** Finds out about namespaces. */
@FunctionalInterface
public interface Scopes {
  /**
   * Where an object lives that says this about it.
   *
   * @param namespace of its metadata; empty if it says none
   */
  Scope of(String namespace);
}
