package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.ads.ProxyNode;
import dev.outrigger.controlplane.ads.ResourceSet;
import dev.outrigger.controlplane.ads.ResourceView;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.ads.ViewSource;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.snapshot.EnvoyFaultSwitch;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What each proxy should have, with the faults of running experiments. The lease of a fault is
 * renewed by the session that sent it; an Envoy gets routes with what goes wrong, and under a lease
 * the filter that does it. Thread-safe.
 */
public final class FaultViews implements ViewSource {
  private final ViewSource plain;
  private final ExperimentRunner experiments;
  private final Shadows shadows;

  /**
   * @param plain all but faults; who gets nothing from it gets no faults either
   */
  public FaultViews(ViewSource plain, ExperimentRunner experiments, Shadows shadows) {
    this.plain = plain;
    this.shadows = shadows;
    this.experiments = experiments;
  }

  @Override
  public ResourceView viewFor(ProxyNode proxy) {
    ResourceView view = plain.viewFor(proxy);
    if (view.resources(XdsType.LISTENER).isEmpty()) {
      return view;
    }
    NodeDescription node = NodeDescription.of(proxy.node());
    if (node.implementation() == NodeDescription.Implementation.ENVOY) {
      List<EnvoyFaults.Acting> acting = experiments.forEnvoy(node);
      Map<String, VersionedResource> routes =
          acting.isEmpty()
              ? view.resources(XdsType.ROUTE)
              : EnvoyFaults.in(view.resources(XdsType.ROUTE), acting);
      Map<String, VersionedResource> filter =
          acting.stream()
              .map(EnvoyFaults.Acting::lease)
              .min(Comparator.naturalOrder())
              .map(EnvoyFaultSwitch::on)
              .orElse(EnvoyFaultSwitch.off());
      return typeUrl ->
          switch (typeUrl) {
            case XdsType.ROUTE -> routes;
            case EnvoyFaultSwitch.TYPE_URL -> filter;
            default -> view.resources(typeUrl);
          };
    }
    Map<String, VersionedResource> all = new TreeMap<>(shadows.faultsFor(node));
    // What runs goes before what only looks on.
    all.putAll(experiments.faultsFor(node));
    Map<String, VersionedResource> faults = ResourceSet.of(all);
    return typeUrl -> typeUrl.equals(XdsType.FAULT) ? faults : view.resources(typeUrl);
  }

  @Override
  public void onChange(Runnable listener) {
    plain.onChange(listener);
    experiments.onChange(listener);
    shadows.onChange(listener);
  }
}
