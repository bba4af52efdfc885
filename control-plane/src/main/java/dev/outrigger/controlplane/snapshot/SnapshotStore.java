package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.ads.ProxyNode;
import dev.outrigger.controlplane.ads.ResourceView;
import dev.outrigger.controlplane.ads.ViewSource;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.source.ModelSource;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * What every proxy should have by the latest state. Snapshots are built when a proxy asks, once per
 * proxy and state. Thread-safe.
 */
public final class SnapshotStore implements ViewSource {
  private record Generation(
      DesiredState state, ConcurrentMap<NodeDescription, NodeSnapshot> snapshots) {}

  private final ModelSource source;
  private volatile Generation current =
      new Generation(DesiredState.empty(), new ConcurrentHashMap<>());

  public SnapshotStore(ModelSource source) {
    this.source = source;
  }

  /**
   * What the proxy should have now. One that proved to be somebody else than the workload that it
   * names gets nothing.
   */
  @Override
  public ResourceView viewFor(ProxyNode proxy) {
    DesiredState state = source.reading().state();
    NodeDescription node = NodeDescription.of(proxy.node());
    if (proxy.identity() != null && !node.isClaimedBy(proxy.identity(), state)) {
      return ResourceView.empty();
    }
    Generation generation = current;
    // The same object, since every reading has one of its own.
    if (!isSame(generation.state(), state)) {
      generation = new Generation(state, new ConcurrentHashMap<>());
      current = generation;
    }
    return generation.snapshots().computeIfAbsent(node, key -> SnapshotBuilder.build(state, key));
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
