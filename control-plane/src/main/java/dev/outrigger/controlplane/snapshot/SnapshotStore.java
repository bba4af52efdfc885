package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.ads.ProxyNode;
import dev.outrigger.controlplane.ads.ResourceView;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.ads.ViewSource;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.model.Workload.Sidecar;
import dev.outrigger.controlplane.source.ModelSource;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Map;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What every proxy should have by the latest state, made when a proxy asks. What proxies have in
 * common is made once for all of them, and after a change only what the change concerns is made
 * again. Thread-safe.
 */
public final class SnapshotStore implements ViewSource {
  private final ModelSource source;

  // Guarded by this.
  private Generation current = new Generation(DesiredState.empty(), null);
  private final Map<VersionedResource, WeakReference<VersionedResource>> canonical =
      new WeakHashMap<>();

  public SnapshotStore(ModelSource source) {
    this.source = source;
  }

  /** All that was made of one state. */
  private final class Generation {
    private final DesiredState state;
    private final OutboundPart.Parts parts;
    private final Map<NodeDescription, ResourceView> views = new HashMap<>();
    private final Map<NodeDescription, ResourceView> before;

    Generation(DesiredState state, @Nullable Generation last) {
      this.state = state;
      if (last == null) {
        parts = new OutboundPart.Parts(state);
        before = Map.of();
      } else {
        parts = new OutboundPart.Parts(state, last.parts, StateChange.between(last.state, state));
        before = Map.copyOf(last.views);
      }
    }

    ResourceView view(NodeDescription node) {
      @Nullable ResourceView known = views.get(node);
      if (known == null) {
        known = make(node);
        views.put(node, known);
      }
      return known;
    }

    private ResourceView make(NodeDescription node) {
      @Nullable Workload workload = state.workload(node.namespace(), node.workload());
      if (workload == null || !(workload.sidecar() instanceof Sidecar.Transparent)) {
        return SnapshotBuilder.build(state, node);
      }
      OutboundPart outbound =
          parts.of(
              new OutboundPart.Kind(
                  parts.callers(node, workload.locality().zone()),
                  OutboundListeners.hasIpv6(workload),
                  workload.calls()));
      @Nullable CapturingProxy last =
          before.get(node) instanceof CapturingProxy capturing ? capturing : null;
      return CapturingProxy.of(
          state, node, workload, outbound, SnapshotStore.this::canonical, last);
    }
  }

  private VersionedResource canonical(VersionedResource one) {
    @Nullable WeakReference<VersionedResource> known = canonical.get(one);
    @Nullable VersionedResource same = known == null ? null : known.get();
    if (same == null) {
      canonical.put(one, new WeakReference<>(one));
      return one;
    }
    return same;
  }

  /**
   * What the proxy should have now. One that proved to be somebody else than the workload that it
   * names gets nothing.
   */
  @Override
  public synchronized ResourceView viewFor(ProxyNode proxy) {
    DesiredState state = source.reading().state();
    NodeDescription node = NodeDescription.of(proxy.node());
    if (proxy.identity() != null && !node.isClaimedBy(proxy.identity(), state)) {
      return ResourceView.empty();
    }
    // The same object, since every reading has one of its own.
    if (!isSame(current.state, state)) {
      current = new Generation(state, current);
    }
    return current.view(node);
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(DesiredState a, DesiredState b) {
    return a == b;
  }

  @Override
  public void onChange(Runnable listener) {
    source.onChange(listener);
  }
}
