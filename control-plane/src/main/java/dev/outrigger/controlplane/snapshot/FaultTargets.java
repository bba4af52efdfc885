package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.Workload;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Which workloads a fault concerns. */
public final class FaultTargets {
  private FaultTargets() {}

  /**
   * The workloads whose proxies must hear of the fault: the callers, or for {@link
   * Experiment.Place#INBOUND} the receivers. Protected workloads and services, and workloads
   * without a proxy, are never among them. In the order of the state.
   */
  public static List<Workload> of(DesiredState state, Experiment.Fault fault) {
    return state.workloads().stream().filter(workload -> concerns(state, fault, workload)).toList();
  }

  /** Whether the proxy beside the workload must hear of the fault. */
  public static boolean concerns(DesiredState state, Experiment.Fault fault, Workload workload) {
    if (!workload.hasSidecar()
        || workload.meta().isProtected()
        || state.mesh().chaos().protectedNamespaces().contains(workload.meta().namespace())) {
      return false;
    }
    boolean inbound = fault.place() == Experiment.Place.INBOUND;
    for (Service own : state.servicesOf(workload)) {
      ServiceName name = own.serviceName();
      if (state.isProtected(name) || inbound && state.servesProtected(name)) {
        return false;
      }
    }
    if (!fault.match().share().includes(workload.meta())) {
      return false;
    }
    return switch (fault.place()) {
      case REQUEST, ATTEMPT, CONNECTION ->
          isSource(state, fault.match(), workload) && calls(state, fault, workload);
      case INBOUND -> isDestination(state, fault.match(), workload);
      case MESH -> isSource(state, fault.match(), workload);
    };
  }

  /**
   * Whose traffic a fault means, with names in place of services.
   *
   * @param sourceIdentities SPIFFE IDs, or prefixes that end in "/*"; empty means every caller
   * @param destinations without protected ones; empty means all
   * @param spared protected ones that a route connects with these: what is called there, or sent
   *     there, is left alone
   */
  public record Scope(
      List<String> sourceIdentities, List<ServiceName> destinations, List<ServiceName> spared) {
    public Scope {
      sourceIdentities = List.copyOf(sourceIdentities);
      destinations = List.copyOf(destinations);
      spared = List.copyOf(spared);
    }

    /** Spares nobody. */
    public Scope(List<String> sourceIdentities, List<ServiceName> destinations) {
      this(sourceIdentities, destinations, List.of());
    }

    /**
     * Whether it means a request.
     *
     * @param called service that is asked for, as {@code name.namespace}
     * @param destination that its route sends it to, likewise
     */
    public boolean means(String called, String destination) {
      return (destinations.isEmpty()
              || among(destinations, called)
              || among(destinations, destination))
          && !among(spared, called)
          && !among(spared, destination);
    }

    private static boolean among(List<ServiceName> names, String name) {
      return names.stream().anyMatch(one -> one.toString().equals(name));
    }
  }

  /**
   * Resolves a fault's match. Empty where it means nobody, such as callers behind a service that
   * has no workloads: an empty list in a {@link Scope} would mean everybody.
   */
  public static Optional<Scope> scopeOf(DesiredState state, Experiment.Fault fault) {
    Experiment.Match match = fault.match();
    // Proxies tell callers apart by identity, so that labels become those of who bears them.
    boolean labelled = !match.sourceLabels().isEmpty();
    Set<String> identities = new TreeSet<>(labelled ? List.of() : match.sourceIdentities());
    for (Workload workload : state.workloads()) {
      if (labelled
          ? isSource(state, match, workload)
          : behindAny(state, workload, match.sourceServices())) {
        identities.add(workload.identityIn(state.mesh().trustDomain()).toString());
      }
    }
    List<ServiceName> destinations = destinations(state, fault);
    if (match.destinations().isEmpty()) {
      destinations = allBut(state, fault.place());
    }
    boolean nobody = identities.isEmpty() && (labelled || !match.sourceServices().isEmpty());
    boolean nowhere =
        destinations.isEmpty()
            && (!match.destinations().isEmpty() || isNobodyLeft(state, fault.place()));
    return nobody || nowhere
        ? Optional.empty()
        : Optional.of(
            new Scope(List.copyOf(identities), destinations, spared(state, destinations)));
  }

  /**
   * Whether a request may go to a service of each, be it that one is called and the other is where
   * a route sends it.
   *
   * @param some empty means all
   * @param others likewise
   */
  public static boolean shareDestination(
      DesiredState state, List<ServiceName> some, List<ServiceName> others) {
    Set<ServiceName> mine = new HashSet<>(some);
    Set<ServiceName> theirs = new HashSet<>(others);
    return mine.isEmpty()
        || theirs.isEmpty()
        || !Collections.disjoint(mine, theirs)
        || mine.stream().anyMatch(one -> sendsTo(state, one, theirs))
        || theirs.stream().anyMatch(one -> sendsTo(state, one, mine));
  }

  /**
   * Whom else a fault on connections, or on what arrives, should name. Both are where routes send,
   * and do not tell what was called.
   *
   * @return null where there is nobody
   */
  public static @Nullable String hint(DesiredState state, Experiment.Fault fault) {
    List<ServiceName> named = fault.match().destinations();
    boolean told =
        switch (fault.place()) {
          case REQUEST, ATTEMPT, MESH -> true;
          case CONNECTION, INBOUND -> false;
        };
    if (told) {
      return null;
    }
    for (ServiceName name : named) {
      Set<ServiceName> others = state.sentTo(name);
      others.removeAll(named);
      if (!others.isEmpty()) {
        return "a route sends what is for %s on; what goes to %s is hit if the fault names it"
            .formatted(
                name, others.stream().map(ServiceName::toString).collect(Collectors.joining(", ")));
      }
    }
    return null;
  }

  private static boolean sendsTo(DesiredState state, ServiceName from, Collection<ServiceName> to) {
    return !Collections.disjoint(state.sentTo(from), to);
  }

  private static List<ServiceName> spared(DesiredState state, List<ServiceName> destinations) {
    if (destinations.isEmpty()) {
      return List.of(); // nothing is protected
    }
    Set<ServiceName> meant = new HashSet<>(destinations);
    Set<ServiceName> beyond = new HashSet<>();
    destinations.forEach(one -> beyond.addAll(state.sentTo(one)));
    return state.services().stream()
        .map(Service::serviceName)
        .filter(state::isProtected)
        .filter(name -> beyond.contains(name) || sendsTo(state, name, meant))
        .toList();
  }

  /**
   * Whether faults at a place leave alone what goes to a service: a protected one, and where it
   * cannot be told what was called, one to which a route sends what is for a protected one.
   */
  public static boolean isLeftAlone(
      DesiredState state, Experiment.Place place, ServiceName destination) {
    return state.isProtected(destination)
        || switch (place) {
          case REQUEST, ATTEMPT, MESH -> false;
          case CONNECTION, INBOUND -> state.servesProtected(destination);
        };
  }

  private static List<ServiceName> destinations(DesiredState state, Experiment.Fault fault) {
    return fault.match().destinations().stream()
        .filter(name -> !isLeftAlone(state, fault.place(), name))
        .toList();
  }

  private static boolean isNobodyLeft(DesiredState state, Experiment.Place place) {
    return !state.services().isEmpty()
        && state.services().stream().allMatch(s -> isLeftAlone(state, place, s.serviceName()));
  }

  /** Without those that are left alone; empty, which means all, where there are none of them. */
  private static List<ServiceName> allBut(DesiredState state, Experiment.Place place) {
    List<ServiceName> all = state.services().stream().map(Service::serviceName).toList();
    List<ServiceName> rest = all.stream().filter(name -> !isLeftAlone(state, place, name)).toList();
    return rest.size() == all.size() ? List.of() : rest;
  }

  private static boolean isSource(DesiredState state, Experiment.Match match, Workload workload) {
    if (!bears(workload, match.sourceLabels())) {
      return false;
    }
    if (match.sourceServices().isEmpty() && match.sourceIdentities().isEmpty()) {
      return true;
    }
    if (behindAny(state, workload, match.sourceServices())) {
      return true;
    }
    String identity = workload.identityIn(state.mesh().trustDomain()).toString();
    return match.sourceIdentities().stream().anyMatch(wanted -> covers(wanted, identity));
  }

  /** Only proxies that know a destination can meet the fault. */
  private static boolean calls(DesiredState state, Experiment.Fault fault, Workload workload) {
    Experiment.Match match = fault.match();
    if (!match.destinations().isEmpty() && destinations(state, fault).isEmpty()) {
      return false;
    }
    @Nullable List<ServiceName> calls = workload.calls();
    return calls == null
        || match.destinations().isEmpty()
        || match.destinations().stream().anyMatch(calls::contains)
        || calls.stream().anyMatch(called -> sendsTo(state, called, match.destinations()));
  }

  private static boolean isDestination(
      DesiredState state, Experiment.Match match, Workload workload) {
    return bears(workload, match.destinationLabels())
        && (match.destinations().isEmpty() || behindAny(state, workload, match.destinations()));
  }

  private static boolean behindAny(DesiredState state, Workload workload, List<ServiceName> names) {
    Set<ServiceName> own =
        state.servicesOf(workload).stream()
            .map(Service::serviceName)
            .collect(Collectors.toUnmodifiableSet());
    return names.stream().anyMatch(own::contains);
  }

  private static boolean bears(Workload workload, Map<String, String> labels) {
    return workload.meta().labels().entrySet().containsAll(labels.entrySet());
  }

  private static boolean covers(String wanted, String identity) {
    return wanted.endsWith("/*")
        ? identity.startsWith(wanted.substring(0, wanted.length() - 1))
        : wanted.equals(identity);
  }
}
