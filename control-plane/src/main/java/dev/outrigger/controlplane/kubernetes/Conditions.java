package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.ads.ProxyStatus;
import dev.outrigger.controlplane.model.HttpRoute;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import dev.outrigger.controlplane.source.Problem;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What is to be said of an object. Pure. */
final class Conditions {
  private static final int FEW = 5;

  /** What concerns no traffic of its own, or traffic only while it runs. */
  private static final Set<String> NOT_PROGRAMMED = Set.of("Experiment", "Freeze", "Workload");

  private Conditions() {}

  /**
   * What is said of an object, or of a route as the child of one of its parents.
   *
   * @param parent position of the parent; -1 for what has none
   * @param settled whether proxies have been told of this version
   */
  static List<Condition> of(
      Verdict verdict, int parent, List<ProxyStatus> proxies, boolean settled) {
    Predicate<Problem> ofParent =
        problem -> {
          int at = problem.message().indexOf("`spec.parentRefs[");
          return at >= 0 && problem.message().startsWith("`spec.parentRefs[" + parent + "]", at);
        };
    List<Condition> all = new ArrayList<>();
    Condition accepted = accepted(verdict, ofParent);
    all.add(accepted);
    all.add(resolved(verdict));
    if (!NOT_PROGRAMMED.contains(verdict.key().kind())) {
      all.add(programmed(verdict, accepted, proxies, settled));
    }
    return all;
  }

  private static Condition accepted(Verdict verdict, Predicate<Problem> ofParent) {
    String type = "Accepted";
    if (!verdict.errors().isEmpty()) {
      boolean unsupported =
          verdict.errors().stream().allMatch(error -> error.code() == Code.UNSUPPORTED);
      return Condition.no(
          type,
          unsupported ? "UnsupportedValue" : "Invalid",
          said(verdict.errors())
              + (verdict.object() == null ? "" : "; the last good version goes on"));
    }
    List<Problem> orphan =
        verdict.warnings().stream()
            .filter(one -> one.code() == Code.DANGLING_REFERENCE && ofParent.test(one))
            .toList();
    if (!orphan.isEmpty()) {
      return Condition.no(type, "NoMatchingParent", said(orphan));
    }
    List<Problem> overruled =
        verdict.warnings().stream().filter(one -> one.code() == Code.OVERRULED).toList();
    if (!overruled.isEmpty()) {
      boolean route = verdict.object() instanceof HttpRoute;
      return Condition.no(type, route ? "UnsupportedProtocol" : "Conflicted", said(overruled));
    }
    return Condition.yes(type, "Accepted", "it counts");
  }

  private static Condition resolved(Verdict verdict) {
    String type = "ResolvedRefs";
    List<Problem> ungranted =
        verdict.warnings().stream().filter(one -> one.code() == Code.NOT_GRANTED).toList();
    if (!ungranted.isEmpty()) {
      return Condition.no(type, "RefNotPermitted", said(ungranted));
    }
    List<Problem> dangling =
        verdict.warnings().stream()
            .filter(one -> one.code() == Code.DANGLING_REFERENCE)
            .filter(one -> !one.message().startsWith("`spec.parentRefs["))
            .toList();
    if (!dangling.isEmpty()) {
      boolean route = verdict.object() instanceof HttpRoute;
      return Condition.no(type, route ? "BackendNotFound" : "TargetNotFound", said(dangling));
    }
    return verdict.errors().isEmpty()
        ? Condition.yes(type, "ResolvedRefs", "all that it names exists")
        : Condition.unknown(type, "Invalid", "it is not accepted");
  }

  private static Condition programmed(
      Verdict verdict, Condition accepted, List<ProxyStatus> proxies, boolean settled) {
    String type = "Programmed";
    if (accepted.status().equals("False")) {
      return Condition.no(type, accepted.reason(), "it is not accepted");
    }
    List<String> refused = new ArrayList<>();
    int waiting = 0;
    for (ProxyStatus proxy : proxies) {
      @Nullable String reason = refusal(proxy, verdict.object());
      if (reason != null) {
        refused.add(proxy.workload() + ": " + reason);
      } else if (proxy.types().values().stream().anyMatch(one -> !one.pending().isEmpty())) {
        waiting++;
      }
    }
    if (!refused.isEmpty()) {
      return Condition.no(
          type,
          "Rejected",
          refused.size()
              + " of "
              + proxies.size()
              + " proxies refused it: "
              + refused.stream().limit(FEW).collect(Collectors.joining("; ")));
    }
    if (proxies.isEmpty()) {
      return Condition.unknown(type, "NoProxies", "no proxy is connected");
    }
    return waiting > 0 || !settled
        ? Condition.unknown(type, "Pending", "some proxies have not answered yet")
        : Condition.yes(type, "Programmed", "all proxies that are connected have it");
  }

  /** Why a proxy refused something of the object; null where it did not. */
  private static @Nullable String refusal(ProxyStatus proxy, @Nullable MeshObject object) {
    for (ProxyStatus.TypeStatus status : proxy.types().values()) {
      for (ProxyStatus.Rejection rejection : status.rejections()) {
        if (concerns(rejection.resource(), object)) {
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
          case HttpRoute route -> route.parents();
          case TrafficPolicy policy -> policy.targets();
          case null, default -> List.of();
        };
    return services.isEmpty()
        || !resource.startsWith("outbound|")
        || services.stream().anyMatch(one -> resource.contains("|" + one.service()));
  }

  private static String said(List<Problem> problems) {
    return problems.stream()
        .map(one -> one.message() + (one.hint().isEmpty() ? "" : " (" + one.hint() + ")"))
        .limit(FEW)
        .collect(Collectors.joining("; "));
  }
}
