package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.ChaosLimits;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Freeze;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Whether an experiment may start, as far as that hangs on what is written and what runs. Pure. */
final class StartRules {
  private StartRules() {}

  /**
   * @param running the others that run now
   * @throws RefusedException with the first rule that is against it
   */
  static void check(DesiredState state, Experiment experiment, Collection<Experiment> running) {
    ChaosLimits limits = state.mesh().chaos();
    for (Freeze freeze : state.freezes()) {
      if (freeze.covers(experiment)) {
        throw new RefusedException(
            Refusal.FREEZE,
            "the Freeze "
                + freeze.meta().namespace()
                + "/"
                + freeze.meta().name()
                + " is in force: "
                + freeze.reason()
                + "; ask "
                + freeze.owner());
      }
    }
    protectedOnes(state, experiment, limits);
    requests(experiment, limits);
    counts(experiment, running, limits);
    for (Experiment other : running) {
      if (other.meta().name().equals(experiment.meta().name())) {
        throw new RefusedException(
            Refusal.NAMESAKE,
            key(other) + " is running, and answers would name both as " + other.meta().name());
      }
    }
    if (!limits.sharedPaths()) {
      for (Experiment other : running) {
        if (sharePath(state, experiment, other)) {
          throw new RefusedException(
              Refusal.SAME_PATH,
              key(other) + " is running on the same path; wait for its end, or stop it");
        }
      }
    }
    workloads(state, experiment, running, limits);
  }

  private static void protectedOnes(DesiredState state, Experiment experiment, ChaosLimits limits) {
    for (Experiment.Fault fault : experiment.faults()) {
      Set<ServiceName> named = new TreeSet<>();
      named.addAll(fault.match().destinations());
      named.addAll(fault.match().sourceServices());
      for (ServiceName name : named) {
        if (state.isProtected(name)) {
          throw new RefusedException(
              Refusal.PROTECTED,
              "the fault "
                  + fault.name()
                  + " names "
                  + name
                  + ", which is protected"
                  + (limits.isProtected(name) ? " by the MeshConfig" : " by its annotation"));
        }
      }
      for (ServiceName name : fault.match().destinations()) {
        if (FaultTargets.isLeftAlone(state, fault.place(), name)) {
          throw new RefusedException(
              Refusal.PROTECTED,
              "the fault "
                  + fault.name()
                  + " names "
                  + name
                  + ", to which a route sends what is for a protected service; where: request or"
                  + " attempt can tell them apart");
        }
      }
    }
  }

  private static void requests(Experiment experiment, ChaosLimits limits) {
    for (Experiment.Fault fault : experiment.faults()) {
      if (fault.chancePpm() > limits.maxRequestPpm()) {
        throw new RefusedException(
            Refusal.REQUESTS,
            "the fault %s takes %s of what matches; the mesh allows %s"
                .formatted(
                    fault.name(),
                    percent(fault.chancePpm() / 10_000.0),
                    percent(limits.maxRequestPpm() / 10_000.0)));
      }
    }
  }

  private static void counts(
      Experiment experiment, Collection<Experiment> running, ChaosLimits limits) {
    if (running.size() >= limits.maxExperiments()) {
      throw new RefusedException(
          Refusal.EXPERIMENTS,
          running.size() + " experiments are running; the mesh allows " + limits.maxExperiments());
    }
    String namespace = experiment.meta().namespace();
    long there = running.stream().filter(o -> o.meta().namespace().equals(namespace)).count();
    if (there >= limits.maxExperimentsPerNamespace()) {
      throw new RefusedException(
          Refusal.EXPERIMENTS,
          "%d experiments of the namespace %s are running; the mesh allows %d"
              .formatted(there, namespace, limits.maxExperimentsPerNamespace()));
    }
  }

  private static void workloads(
      DesiredState state,
      Experiment experiment,
      Collection<Experiment> running,
      ChaosLimits limits) {
    Set<String> touched = new HashSet<>();
    touched(state, experiment, touched);
    Set<String> mine = Set.copyOf(touched);
    running.forEach(other -> touched(state, other, touched));
    TreeMap<String, int[]> shares = new TreeMap<>();
    for (Workload workload : state.workloads()) {
      if (workload.hasSidecar()) {
        int[] share = shares.computeIfAbsent(workload.meta().namespace(), _ -> new int[3]);
        share[0]++;
        share[1] += touched.contains(name(workload)) ? 1 : 0;
        share[2] += mine.contains(name(workload)) ? 1 : 0;
      }
    }
    shares.forEach(
        (namespace, share) -> {
          double percent = 100.0 * share[1] / share[0];
          if (share[2] > 0 && percent > limits.maxWorkloadPercent()) {
            throw new RefusedException(
                Refusal.WORKLOADS,
                "%d of %d workloads of the namespace %s would run faults, %s; the mesh allows %s"
                    .formatted(
                        share[1],
                        share[0],
                        namespace,
                        percent(percent),
                        percent(limits.maxWorkloadPercent())));
          }
        });
  }

  private static void touched(DesiredState state, Experiment experiment, Set<String> touched) {
    for (Experiment.Fault fault : experiment.faults()) {
      if (FaultTargets.scopeOf(state, fault).isPresent()) {
        FaultTargets.of(state, fault).forEach(workload -> touched.add(name(workload)));
      }
    }
  }

  /** Whether some fault of each may meet the same request. */
  static boolean sharePath(DesiredState state, Experiment one, Experiment other) {
    List<FaultTargets.Scope> theirs = scopes(state, other);
    for (FaultTargets.Scope mine : scopes(state, one)) {
      for (FaultTargets.Scope against : theirs) {
        if (shareSource(mine.sourceIdentities(), against.sourceIdentities())
            && FaultTargets.shareDestination(state, mine.destinations(), against.destinations())) {
          return true;
        }
      }
    }
    return false;
  }

  private static List<FaultTargets.Scope> scopes(DesiredState state, Experiment experiment) {
    return experiment.faults().stream()
        .flatMap(fault -> FaultTargets.scopeOf(state, fault).stream())
        .toList();
  }

  private static boolean shareSource(List<String> mine, List<String> theirs) {
    return mine.isEmpty()
        || theirs.isEmpty()
        || mine.stream().anyMatch(a -> theirs.stream().anyMatch(b -> covers(a, b) || covers(b, a)));
  }

  private static boolean covers(String pattern, String identity) {
    return pattern.endsWith("/*")
        ? identity.startsWith(pattern.substring(0, pattern.length() - 1))
        : pattern.equals(identity);
  }

  private static String name(Workload workload) {
    return workload.meta().namespace() + "/" + workload.meta().name();
  }

  private static String key(Experiment experiment) {
    return experiment.meta().namespace() + "/" + experiment.meta().name();
  }

  private static String percent(double value) {
    return value == Math.rint(value)
        ? (long) value + "%"
        : String.format(Locale.ROOT, "%.4f", value).replaceAll("0+$", "") + "%";
  }
}
