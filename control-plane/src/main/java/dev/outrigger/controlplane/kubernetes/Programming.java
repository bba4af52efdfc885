package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.ads.ProxyStatus;
import dev.outrigger.controlplane.ads.ProxyStatus.TypeStatus;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.chaos.ExperimentPhase;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.MeshRoute;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Whether proxies have what an object says: {@code Programmed}. Pure.
 *
 * @param proxies that are connected
 * @param settled whether they have been told of this version of the object
 * @param run of an experiment; null for others, and for one that nobody ran
 */
record Programming(List<ProxyStatus> proxies, boolean settled, @Nullable ExperimentRun run) {
  private static final String TYPE = "Programmed";
  private static final int FEW = 5;

  Programming {
    proxies = List.copyOf(proxies);
  }

  /**
   * The condition.
   *
   * @param standing conditions that stand in the object
   */
  Condition of(Verdict verdict, Condition accepted, List<?> standing) {
    if (accepted.status().equals("False")) {
      return Condition.no(TYPE, accepted.reason(), "it is not accepted");
    }
    return switch (verdict.key().kind()) {
      case "Freeze" -> Condition.yes(TYPE, TYPE, "it holds here, and no proxy needs to know of it");
      case "Experiment" -> experiment(verdict);
      case "Workload" -> workload(verdict, standing);
      default -> all(verdict, proxies, "no proxy is connected", standing);
    };
  }

  private Condition experiment(Verdict verdict) {
    if (run == null || run.phase() != ExperimentPhase.RUNNING) {
      return Condition.no(
          TYPE,
          "NotRunning",
          "no proxy has its faults: it is "
              + (run == null ? ExperimentPhase.PENDING : run.phase()).text());
    }
    String faults = verdict.key().name() + "/";
    List<ProxyStatus> told =
        proxies.stream().filter(proxy -> proxy.types().containsKey(XdsType.FAULT)).toList();
    return judged(
        told,
        proxy -> refusal(proxy, XdsType.FAULT::equals, name -> name.startsWith(faults)),
        proxy -> !proxy.types().getOrDefault(XdsType.FAULT, NOTHING).pending().isEmpty(),
        "no proxy that can inject faults is connected",
        "all proxies that its faults are for have them");
  }

  private static final TypeStatus NOTHING = new TypeStatus("", null, "", null, List.of());

  /** One with a proxy of its own concerns that one: the others only learn of its address. */
  private Condition workload(Verdict verdict, List<?> standing) {
    if (!(verdict.object() instanceof Workload workload) || !workload.hasSidecar()) {
      return all(verdict, proxies, "no proxy is connected", standing);
    }
    String name = workload.meta().name() + "." + workload.meta().namespace();
    List<ProxyStatus> own =
        proxies.stream().filter(proxy -> proxy.workload().equals(name)).toList();
    return all(verdict, own, "its own proxy is not connected", standing);
  }

  private Condition all(
      Verdict verdict, List<ProxyStatus> concerned, String none, List<?> standing) {
    // What everybody had of this version is not in doubt because something else is under way.
    boolean had = stands(standing, verdict.generation());
    return judged(
        concerned,
        proxy -> refusal(proxy, _ -> true, name -> concerns(name, verdict.object())),
        proxy -> !had && proxy.types().values().stream().anyMatch(one -> !one.pending().isEmpty()),
        none,
        "all proxies that are connected have it");
  }

  private static boolean stands(List<?> standing, long generation) {
    for (Object one : standing) {
      if (one instanceof Map<?, ?> condition
          && TYPE.equals(condition.get("type"))
          && "True".equals(condition.get("status"))
          && condition.get("observedGeneration") instanceof Number observed
          && observed.longValue() == generation) {
        return true;
      }
    }
    return false;
  }

  /** Says why a proxy refused it; null where it did not. */
  private interface Refusal {
    @Nullable String of(ProxyStatus proxy);
  }

  private Condition judged(
      List<ProxyStatus> concerned,
      Refusal refusal,
      Predicate<ProxyStatus> waits,
      String none,
      String all) {
    List<String> refused = new ArrayList<>();
    int waiting = 0;
    for (ProxyStatus proxy : concerned) {
      @Nullable String reason = refusal.of(proxy);
      if (reason != null) {
        refused.add(proxy.workload() + ": " + reason);
      } else if (waits.test(proxy)) {
        waiting++;
      }
    }
    if (!refused.isEmpty()) {
      return Condition.no(
          TYPE,
          "Rejected",
          refused.size()
              + " of "
              + concerned.size()
              + " proxies refused it: "
              + refused.stream().limit(FEW).collect(Collectors.joining("; ")));
    }
    if (concerned.isEmpty()) {
      return Condition.unknown(TYPE, "NoProxies", none);
    }
    return waiting > 0 || !settled
        ? Condition.unknown(TYPE, "Pending", "some proxies have not answered yet")
        : Condition.yes(TYPE, TYPE, all);
  }

  private static @Nullable String refusal(
      ProxyStatus proxy, Predicate<String> types, Predicate<String> resources) {
    for (Map.Entry<String, TypeStatus> type : proxy.types().entrySet()) {
      if (!types.test(type.getKey())) {
        continue;
      }
      for (ProxyStatus.Rejection rejection : type.getValue().rejections()) {
        if (resources.test(rejection.resource())) {
          return rejection.resource() + ": " + rejection.reason();
        }
      }
    }
    return null;
  }

  /** Resources that are about one service bear its name; the others hold something of all. */
  private static boolean concerns(String resource, @Nullable MeshObject object) {
    List<ServiceRef> services =
        switch (object) {
          case MeshRoute route -> route.parents();
          case TrafficPolicy policy -> policy.targets();
          case null, default -> List.of();
        };
    return services.isEmpty()
        || !resource.startsWith("outbound|")
        || services.stream().anyMatch(one -> resource.contains("|" + one.service()));
  }
}
