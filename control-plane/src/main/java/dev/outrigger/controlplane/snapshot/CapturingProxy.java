package dev.outrigger.controlplane.snapshot;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.outrigger.controlplane.ads.ResourceSet;
import dev.outrigger.controlplane.ads.ResourceView;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.model.AuthenticationPolicy;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.MeshConfig;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.Workload;
import io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What one proxy that captures should have: what it has in common with others, and what is about
 * its own workload. Immutable. Equal to what {@link SnapshotBuilder} makes.
 */
final class CapturingProxy implements ResourceView {
  private final OutboundPart outbound;
  private final Inbound inbound;
  private final Map<String, Bare> bare;
  private final Map<String, ResourceSet> byType;

  /**
   * What its application serves, and all that this is made of.
   *
   * @param behind the services that it is behind
   */
  private record Inbound(
      Workload workload,
      List<Service> behind,
      List<AuthenticationPolicy> policies,
      MeshConfig mesh,
      Map<String, VersionedResource> listeners,
      Map<String, VersionedResource> clusters) {}

  /**
   * Endpoints among which it is itself.
   *
   * @param others as other proxies get them
   * @param own as it gets them
   */
  private record Bare(VersionedResource others, VersionedResource own) {}

  private CapturingProxy(
      OutboundPart outbound,
      Inbound inbound,
      Map<String, Bare> bare,
      Map<String, ResourceSet> byType) {
    this.outbound = outbound;
    this.inbound = inbound;
    this.bare = bare;
    this.byType = byType;
  }

  @Override
  public Map<String, VersionedResource> resources(String typeUrl) {
    return byType.getOrDefault(typeUrl, ResourceSet.EMPTY);
  }

  /**
   * Makes it.
   *
   * @param node what must be known of the proxy
   * @param workload that it stands beside
   * @param outbound what it has in common with others
   * @param canonical gives one object for equal ones
   * @param before what it had last, of which what is the same stays; null for none
   */
  static CapturingProxy of(
      DesiredState state,
      NodeDescription node,
      Workload workload,
      OutboundPart outbound,
      UnaryOperator<VersionedResource> canonical,
      @Nullable CapturingProxy before) {
    Inbound inbound = inbound(state, node, workload, canonical, before);
    if (before != null && before.inbound.equals(inbound) && isSame(before.outbound, outbound)) {
      return before;
    }
    Map<String, Bare> bare = new TreeMap<>();
    if (node.meshTls() == NodeDescription.MeshTls.AVAILABLE) {
      for (Service service : inbound.behind()) {
        for (Service.Port port : service.ports()) {
          String name = Names.outbound(service.serviceName(), port.port());
          bare(name, workload, outbound, before, bare);
          bare(name + "|" + workload.meta().name(), workload, outbound, before, bare);
        }
      }
    }
    Map<String, VersionedResource> endpoints = new TreeMap<>();
    bare.forEach((name, one) -> endpoints.put(name, one.own()));
    return new CapturingProxy(
        outbound,
        inbound,
        bare,
        Map.of(
            XdsType.LISTENER,
            next(XdsType.LISTENER, outbound.listeners(), inbound.listeners(), before),
            XdsType.ROUTE,
            next(XdsType.ROUTE, outbound.routes(), Map.of(), before),
            XdsType.CLUSTER,
            next(XdsType.CLUSTER, outbound.clusters(), inbound.clusters(), before),
            XdsType.ENDPOINT,
            next(XdsType.ENDPOINT, outbound.endpoints(), endpoints, before)));
  }

  private static ResourceSet next(
      String type,
      ResourceSet common,
      Map<String, VersionedResource> own,
      @Nullable CapturingProxy before) {
    @Nullable ResourceSet last = before == null ? null : before.byType.get(type);
    return last != null && last.isMadeOf(common, own) ? last : common.with(own);
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(Object a, Object b) {
    return a == b;
  }

  private static Inbound inbound(
      DesiredState state,
      NodeDescription node,
      Workload workload,
      UnaryOperator<VersionedResource> canonical,
      @Nullable CapturingProxy before) {
    List<Service> behind = state.servicesOf(workload);
    if (before != null
        && before.inbound.workload().equals(workload)
        && before.inbound.behind().equals(behind)
        && before.inbound.policies().equals(state.authenticationPolicies())
        && before.inbound.mesh().equals(state.mesh())) {
      return before.inbound;
    }
    Clusters clusters = new Clusters(state, node);
    InboundListeners listeners =
        new InboundListeners(state, node, clusters, new Filters(state.mesh(), node));
    listeners.transparent(workload);
    Map<String, VersionedResource> made =
        CalledService.versioned(listeners.listeners(), one -> one.getName(), null);
    made.replaceAll((name, one) -> canonical.apply(one));
    return new Inbound(
        workload,
        behind,
        state.authenticationPolicies(),
        state.mesh(),
        made,
        CalledService.versioned(clusters.clusters(), one -> one.getName(), null));
  }

  private static void bare(
      String name,
      Workload workload,
      OutboundPart outbound,
      @Nullable CapturingProxy before,
      Map<String, Bare> bare) {
    @Nullable VersionedResource others = outbound.endpoints().get(name);
    if (others == null) {
      return;
    }
    @Nullable Bare last = before == null ? null : before.bare.get(name);
    if (last != null && last.others().equals(others)) {
      bare.put(name, last);
      return;
    }
    try {
      VersionedResource own =
          VersionedResource.of(
              Clusters.bareTo(
                  workload.meta().name(), others.body().unpack(ClusterLoadAssignment.class)));
      if (!own.equals(others)) {
        bare.put(name, new Bare(others, own));
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }
}
