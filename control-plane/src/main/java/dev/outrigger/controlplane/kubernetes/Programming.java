package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.chaos.ExperimentPhase;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.kubernetes.Acknowledgements.Names;
import dev.outrigger.controlplane.kubernetes.Acknowledgements.Refusal;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.MeshRoute;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.source.ClusterKey;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Whether proxies have what an object says: {@code Programmed}. Pure. Looks at what replicas say of
 * their proxies, not at proxies.
 *
 * @param replicas all that live, this one too
 * @param objects the versions that the condition is about
 * @param run of an experiment; null for others, and for one that nobody ran
 */
record Programming(
    List<Acknowledgements> replicas, ObjectVersions objects, @Nullable ExperimentRun run) {
  static final String TYPE = "Programmed";
  private static final int FEW = 5;

  Programming {
    replicas = List.copyOf(replicas);
  }

  /** The same with the run of another experiment. */
  Programming of(@Nullable ExperimentRun another) {
    return new Programming(replicas, objects, another);
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
      default -> all(verdict, standing);
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
    int injecting = replicas.stream().mapToInt(Acknowledgements::injecting).sum();
    Condition refused =
        refused(
            injecting,
            one -> one.type().equals(XdsType.FAULT) && one.resource().startsWith(faults));
    if (refused != null) {
      return refused;
    }
    if (injecting == 0) {
      return none("no proxy that can inject faults is connected");
    }
    Condition pending = pending(verdict.key());
    return pending != null
        ? pending
        : Condition.yes(TYPE, TYPE, "all proxies that its faults are for have them");
  }

  private Condition all(Verdict verdict, List<?> standing) {
    int proxies = replicas.stream().mapToInt(Acknowledgements::proxies).sum();
    Condition refused = refused(proxies, one -> concerns(one, verdict.object()));
    if (refused != null) {
      return refused;
    }
    if (proxies == 0) {
      return none("no proxy is connected");
    }
    // What everybody had of this version is not in doubt because something else is under way.
    Condition pending = stands(standing, verdict.generation()) ? null : pending(verdict.key());
    return pending != null
        ? pending
        : Condition.yes(TYPE, TYPE, "all proxies that are connected have it");
  }

  /** One with a proxy of its own concerns that one: the others only learn of its address. */
  private Condition workload(Verdict verdict, List<?> standing) {
    if (!(verdict.object() instanceof Workload workload) || !workload.hasSidecar()) {
      return all(verdict, standing);
    }
    String name = workload.meta().name() + "." + workload.meta().namespace();
    List<Acknowledgements> serving =
        replicas.stream()
            .filter(one -> one.meshed().contains(name) || !one.isMeshedWhole())
            .toList();
    boolean known = serving.stream().anyMatch(one -> one.meshed().contains(name));
    List<String> refused = new ArrayList<>();
    boolean maybe = false;
    for (Acknowledgements one : serving) {
      for (Refusal refusal : one.refusals()) {
        if (concerns(refusal, workload)) {
          if (refusal.by().some().contains(name)) {
            refused.add(said(name, refusal));
          } else {
            maybe |= refusal.by().others() > 0;
          }
        }
      }
    }
    if (!refused.isEmpty()) {
      return rejected(refused.subList(0, 1), 1, 1);
    }
    if (serving.isEmpty()) {
      return none("its own proxy is not connected");
    }
    boolean has =
        serving.stream()
            .allMatch(
                one ->
                    one.had().agree(objects, verdict.key())
                        || (one.told().agree(objects, verdict.key())
                            && one.behind().others() == 0
                            && !one.behind().some().contains(name)));
    boolean told = stands(standing, verdict.generation()) || has;
    return told && known && !maybe
        ? Condition.yes(TYPE, TYPE, "all proxies that are connected have it")
        : Condition.unknown(TYPE, "Pending", "its own proxy has not answered yet");
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

  private static Condition none(String message) {
    return Condition.unknown(TYPE, "NoProxies", message);
  }

  /** Who refused it and why; null where nobody did. */
  private @Nullable Condition refused(int proxies, Predicate<Refusal> about) {
    Map<String, String> said = new LinkedHashMap<>();
    int others = 0;
    int unlisted = 0;
    for (Acknowledgements replica : replicas) {
      int most = 0;
      for (Refusal one : replica.refusals()) {
        if (about.test(one)) {
          one.by().some().forEach(name -> said.putIfAbsent(name, said(name, one)));
          // The same ones may have refused several resources.
          most = Math.max(most, one.by().others());
        }
      }
      others += most;
      unlisted += replica.unlisted();
    }
    if (!said.isEmpty()) {
      return rejected(List.copyOf(said.values()), said.size() + others, proxies);
    }
    return unlisted == 0
        ? null
        : Condition.unknown(
            TYPE, "Pending", "proxies refused more than can be told: " + unlisted + " times");
  }

  private static String said(String proxy, Refusal refusal) {
    return proxy + ": " + refusal.resource() + ": " + refusal.reason();
  }

  private static Condition rejected(List<String> said, int count, int proxies) {
    return Condition.no(
        TYPE,
        "Rejected",
        count
            + " of "
            + proxies
            + " proxies refused it: "
            + said.stream().limit(FEW).collect(Collectors.joining("; ")));
  }

  /** Who has not answered for it; null where all have. */
  private @Nullable Condition pending(ClusterKey key) {
    List<String> proxies = new ArrayList<>();
    List<String> untold = new ArrayList<>();
    int others = 0;
    for (Acknowledgements replica : replicas) {
      if (replica.had().agree(objects, key)) {
        continue;
      }
      Names behind = replica.behind();
      if (behind.isEmpty() || !replica.told().agree(objects, key)) {
        untold.add(replica.replica());
      }
      proxies.addAll(behind.some());
      others += behind.others();
    }
    if (proxies.isEmpty() && others == 0 && untold.isEmpty()) {
      return null;
    }
    StringBuilder message = new StringBuilder("some proxies have not answered yet");
    if (!proxies.isEmpty()) {
      int more = others + Math.max(0, proxies.size() - FEW);
      message
          .append(": ")
          .append(proxies.stream().limit(FEW).collect(Collectors.joining(", ")))
          .append(more == 0 ? "" : " and " + more + " others");
    }
    if (!untold.isEmpty()) {
      message
          .append("; not told of it yet by ")
          .append(untold.stream().limit(FEW).collect(Collectors.joining(", ")));
    }
    return Condition.unknown(TYPE, "Pending", message.toString());
  }

  /** Resources that are about one service bear its name; the others hold something of all. */
  private static boolean concerns(Refusal refusal, @Nullable MeshObject object) {
    // Faults are of experiments alone.
    if (refusal.type().equals(XdsType.FAULT)) {
      return false;
    }
    List<ServiceRef> services =
        switch (object) {
          case MeshRoute route -> route.parents();
          case TrafficPolicy policy -> policy.targets();
          case null, default -> List.of();
        };
    // outbound|<port or address>|<service>, and what of it: see snapshot.Names.
    String[] parts = refusal.resource().split("\\|", 4);
    return services.isEmpty()
        || parts.length < 3
        || !parts[0].equals("outbound")
        || services.stream().anyMatch(one -> parts[2].equals(one.service().toString()));
  }
}
