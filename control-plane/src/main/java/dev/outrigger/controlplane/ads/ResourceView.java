package dev.outrigger.controlplane.ads;

import java.util.Map;

/** What one proxy should have. Immutable, and consistent: every name in it resolves in it. */
public interface ResourceView {

  /** The resources of a type by name; empty where there is none. */
  Map<String, VersionedResource> resources(String typeUrl);

  /** A view without anything. */
  static ResourceView empty() {
    return typeUrl -> Map.of();
  }
}
