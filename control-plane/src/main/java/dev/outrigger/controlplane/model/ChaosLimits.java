package dev.outrigger.controlplane.model;

import java.time.Duration;
import java.util.Set;

/**
 * How far experiments may go in this mesh: {@code spec.chaos} of {@link MeshConfig}.
 *
 * @param maxRequestPpm of what matches a fault, in parts per million
 * @param maxWorkloadPercent of a namespace's workloads with a proxy that run faults at once
 * @param maxExperiments that run at once
 * @param maxExperimentsPerNamespace that run at once in a namespace of theirs
 * @param protectedNamespaces whose workloads and services are left alone
 * @param protectedServices that are left alone
 * @param sharedPaths whether two experiments may touch the same callers and destinations
 * @param haltCooldown for how long after a halt nothing starts; zero switches that off
 */
public record ChaosLimits(
    int maxRequestPpm,
    double maxWorkloadPercent,
    int maxExperiments,
    int maxExperimentsPerNamespace,
    Set<String> protectedNamespaces,
    Set<ServiceName> protectedServices,
    boolean sharedPaths,
    Duration haltCooldown) {
  public static final ChaosLimits DEFAULT =
      new ChaosLimits(
          1_000_000,
          100,
          10,
          5,
          Set.of("kube-system", "outrigger-system"),
          Set.of(),
          false,
          Duration.ofMinutes(1));

  public ChaosLimits {
    protectedNamespaces = Set.copyOf(protectedNamespaces);
    protectedServices = Set.copyOf(protectedServices);
  }

  /** Whether faults leave the service alone. */
  public boolean isProtected(ServiceName service) {
    return protectedNamespaces.contains(service.namespace()) || protectedServices.contains(service);
  }
}
