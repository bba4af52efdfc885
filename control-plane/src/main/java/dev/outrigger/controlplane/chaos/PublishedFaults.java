package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import dev.outrigger.controlplane.snapshot.NodeDescription;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.tls.SpiffeId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What proxies get of the experiments that run. Read from any thread without a lock. */
final class PublishedFaults {
  private final FaultCertificates certificates;
  private volatile Published published = new Published(DesiredState.empty(), List.of(), List.of());

  private record Published(
      DesiredState state, List<Live> faults, List<EnvoyFaults.Acting> acting) {}

  /**
   * @param concerns whose proxies get it
   */
  private record Live(Predicate<Workload> concerns, String name, VersionedResource resource) {}

  /**
   * One that runs.
   *
   * @param end when proxies end it whatever happens
   * @param faults what each of its faults does now
   */
  record Active(Experiment experiment, Instant end, List<RunCourse.Acting> faults) {
    Active {
      faults = List.copyOf(faults);
    }

    /** One of which all faults are only counted. */
    static Active observing(Experiment experiment, Instant end) {
      return new Active(
          experiment,
          end,
          experiment.faults().stream()
              .map(fault -> new RunCourse.Acting(fault, true, end))
              .toList());
    }
  }

  PublishedFaults(CertificateMint mint) {
    this.certificates = new FaultCertificates(mint);
  }

  /** From now on proxies get these and no others. */
  void replace(DesiredState state, Collection<Active> active) {
    List<Live> faults = new ArrayList<>();
    List<EnvoyFaults.Acting> acting = new ArrayList<>();
    for (Active one : active) {
      addFaults(state, one, faults);
      addGuards(state, one, faults);
      addForEnvoys(state, one, acting);
    }
    certificates.published();
    published = new Published(state, List.copyOf(faults), List.copyOf(acting));
  }

  /** The faults for one proxy, by resource name, each under its lease. */
  Map<String, VersionedResource> faultsFor(NodeDescription node) {
    Published now = published;
    if (now.faults().isEmpty()
        || node.implementation() != NodeDescription.Implementation.OUTRIGGER) {
      return Map.of();
    }
    @Nullable Workload workload = now.state().workload(node.namespace(), node.workload());
    if (workload == null) {
      return Map.of();
    }
    Map<String, VersionedResource> faults = new TreeMap<>();
    for (Live live : now.faults()) {
      if (live.concerns().test(workload)) {
        faults.put(live.name(), live.resource());
      }
    }
    return faults;
  }

  private static void addForEnvoys(
      DesiredState state, Active active, Collection<EnvoyFaults.Acting> acting) {
    for (RunCourse.Acting one : active.faults()) {
      if (!one.observeOnly() && EnvoyFaults.reason(one.fault()) == null) {
        FaultTargets.scopeOf(state, one.fault())
            .ifPresent(
                scope ->
                    acting.add(
                        new EnvoyFaults.Acting(one.fault(), scope, active.experiment().lease())));
      }
    }
  }

  /** What the Envoy beside a workload does now; nothing for another proxy. */
  List<EnvoyFaults.Acting> forEnvoy(NodeDescription node) {
    Published now = published;
    if (now.acting().isEmpty() || node.implementation() != NodeDescription.Implementation.ENVOY) {
      return List.of();
    }
    @Nullable Workload workload = now.state().workload(node.namespace(), node.workload());
    return workload == null
        ? List.of()
        : now.acting().stream()
            .filter(one -> FaultTargets.concerns(now.state(), one.fault(), workload))
            .toList();
  }

  private void addFaults(DesiredState state, Active active, Collection<Live> faults) {
    Experiment experiment = active.experiment();
    for (RunCourse.Acting acting : active.faults()) {
      Experiment.Fault fault = acting.fault();
      if (fault.action() instanceof HandshakeFault.Certificate shown && !acting.observeOnly()) {
        addCertificates(state, experiment, acting, shown.flaw(), faults);
        continue;
      }
      FaultRules.ruleOf(state, experiment, fault, acting.until())
          .map(rule -> FaultRules.watched(rule, experiment, acting.observeOnly()))
          .ifPresent(
              rule ->
                  faults.add(
                      new Live(
                          workload -> FaultTargets.concerns(state, fault, workload),
                          FaultRules.nameOf(experiment, fault),
                          VersionedResource.of(rule, experiment.lease()))));
    }
  }

  /** Each identity gets a certificate of its own. */
  private void addCertificates(
      DesiredState state,
      Experiment experiment,
      RunCourse.Acting acting,
      HandshakeFault.Flaw flaw,
      Collection<Live> faults) {
    Experiment.Fault fault = acting.fault();
    if (FaultTargets.scopeOf(state, fault).isEmpty()) {
      return;
    }
    String domain = state.mesh().trustDomain();
    String name = FaultRules.nameOf(experiment, fault);
    Set<SpiffeId> identities = new LinkedHashSet<>();
    FaultTargets.of(state, fault).forEach(one -> identities.add(one.identityIn(domain)));
    for (SpiffeId identity : identities) {
      var shown =
          new HandshakeFault.Certificate(
              flaw, certificates.of(name, identity, flaw, acting.until()));
      FaultRules.ruleOf(state, experiment, fault.doing(shown), acting.until())
          .map(rule -> FaultRules.watched(rule, experiment, false))
          .ifPresent(
              rule ->
                  faults.add(
                      new Live(
                          workload ->
                              workload.identityIn(domain).equals(identity)
                                  && FaultTargets.concerns(state, fault, workload),
                          name,
                          VersionedResource.of(rule, experiment.lease()))));
    }
  }

  /** The proxies of a guard's service measure what reaches it, and touch nothing. */
  private static void addGuards(DesiredState state, Active active, Collection<Live> faults) {
    Experiment experiment = active.experiment();
    ExperimentWatch.services(experiment)
        .forEach(
            (guard, service) ->
                faults.add(
                    new Live(
                        workload ->
                            workload.hasSidecar()
                                && state.servicesOf(workload).stream()
                                    .anyMatch(one -> one.serviceName().equals(service)),
                        FaultRules.guardName(experiment, guard),
                        VersionedResource.of(
                            FaultRules.observer(experiment, guard, service, active.end()),
                            experiment.lease()))));
  }
}
