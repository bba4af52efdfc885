package dev.outrigger.controlplane.ads;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Several sources as one: configuration from one, faults from another. Of a type that more than one
 * has, the first one's resources count.
 */
public final class MergedViews implements ViewSource {
  private final List<ViewSource> sources;

  public MergedViews(List<ViewSource> sources) {
    this.sources = List.copyOf(sources);
  }

  @Override
  public ResourceView viewFor(ProxyNode proxy) {
    List<ResourceView> views = new ArrayList<>();
    sources.forEach(source -> views.add(source.viewFor(proxy)));
    return typeUrl -> {
      for (ResourceView view : views) {
        Map<String, VersionedResource> resources = view.resources(typeUrl);
        if (!resources.isEmpty()) {
          return resources;
        }
      }
      return Map.of();
    };
  }

  @Override
  public void onChange(Runnable listener) {
    sources.forEach(source -> source.onChange(listener));
  }
}
