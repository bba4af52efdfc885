package dev.outrigger.proxy;

import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.MeshFault;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What goes wrong on purpose between this proxy and the control plane. It follows the plan of the
 * leases, so that it ends as every fault does. Confined to the config loop.
 */
final class MeshFaults {
  private final String node;
  private final Consumer<Set<MeshFault>> stream;
  private final Consumer<@Nullable String> authority;

  /**
   * @param node rolls for this proxy
   * @param stream takes what keeps configuration from coming
   * @param authority takes why no certificate is issued; null where it is
   */
  MeshFaults(String node, Consumer<Set<MeshFault>> stream, Consumer<@Nullable String> authority) {
    this.node = node;
    this.stream = stream;
    this.authority = authority;
  }

  void follow(FaultPlan plan) {
    Map<MeshFault, String> now = new EnumMap<>(MeshFault.class);
    for (FaultRule rule : plan.rules()) {
      if (rule.fault() instanceof MeshFault fault
          && new FaultDecider(rule).decide(node, 0) instanceof FaultDecision.Hit) {
        now.putIfAbsent(fault, rule.fullName());
      }
    }
    stream.accept(Set.copyOf(now.keySet()));
    String failing = now.get(MeshFault.FAILING_AUTHORITY);
    authority.accept(failing == null ? null : "by the fault " + failing);
  }
}
