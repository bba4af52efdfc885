package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.AuthenticationPolicy;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Freeze;
import dev.outrigger.controlplane.model.MeshConfig;
import dev.outrigger.controlplane.model.MeshRoute;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.TrafficPolicy;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What is wrong only in view of all objects together. These are warnings: the rest goes on. */
final class Semantics {
  private final DesiredState state;
  private final Set<ServiceName> externalNames;
  private final List<Problem> problems = new ArrayList<>();

  private Semantics(DesiredState state, Set<ServiceName> externalNames) {
    this.state = state;
    this.externalNames = externalNames;
  }

  static List<Problem> check(DesiredState state, List<DecodedDocument> documents) {
    return check(state, documents, Set.of());
  }

  /**
   * What is wrong.
   *
   * @param documents those whose objects are part of the state
   * @param externalNames services that are only names for hosts elsewhere
   */
  static List<Problem> check(
      DesiredState state, List<DecodedDocument> documents, Set<ServiceName> externalNames) {
    Semantics semantics = new Semantics(state, externalNames);
    Map<ServiceRef, DecodedDocument> targeted = new HashMap<>();
    Map<String, DecodedDocument> addresses = new HashMap<>();
    @Nullable DecodedDocument config = null;
    for (DecodedDocument document : documents) {
      document.references().forEach(semantics::reference);
      semantics.problems.addAll(document.warnings());
      switch (document.object()) {
        case null -> {}
        case MeshConfig mesh -> {
          if (!mesh.equals(state.mesh())) {
            semantics.overruled(document, "another MeshConfig holds for the mesh", config);
          } else {
            config = document;
          }
        }
        case TrafficPolicy policy ->
            policy.targets().forEach(target -> semantics.target(document, target, targeted));
        case MeshRoute route ->
            RouteSemantics.check(
                state, route, (code, message, hint) -> semantics.at(document, code, message, hint));
        case Service service -> semantics.addresses(document, service, addresses);
        case Workload _, AuthenticationPolicy _, Experiment _, Freeze _ -> {}
      }
    }
    return semantics.problems;
  }

  private void reference(Reference reference) {
    @Nullable Service service = state.service(reference.service().service());
    if (service == null && externalNames.contains(reference.service().service())) {
      add(
          reference,
          "`"
              + reference.path()
              + "` names the service `"
              + reference.service().service()
              + "`, which is only a name for another host (ExternalName)",
          "such a service could lead anywhere, so nothing is sent to it for others; callers reach"
              + " the host by its own name");
      return;
    }
    if (service == null) {
      Set<String> names =
          state.services().stream()
              .map(known -> known.serviceName().toString())
              .collect(Collectors.toCollection(TreeSet::new));
      @Nullable String nearest = Nearest.to(reference.service().service().toString(), names);
      add(
          reference,
          "`"
              + reference.path()
              + "` names the service `"
              + reference.service().service()
              + "`, which does not exist",
          nearest == null ? "" : "did you mean `" + nearest + "`?");
      return;
    }
    if (reference.service().port().isPresent()) {
      int port = reference.service().port().getAsInt();
      List<Service.Port> ports =
          service.ports().stream()
              .filter(known -> known.transport() == Service.Transport.TCP)
              .toList();
      if (ports.stream().noneMatch(known -> known.port() == port)) {
        add(
            reference,
            "`"
                + reference.path()
                + "`: the service `"
                + service.serviceName()
                + "` has no port "
                + port,
            "its ports are "
                + ports.stream()
                    .map(known -> Integer.toString(known.port()))
                    .collect(Collectors.joining(", ")));
      }
    }
  }

  private void add(Reference reference, String message, String hint) {
    problems.add(
        new Problem(
            Code.DANGLING_REFERENCE,
            reference.file(),
            reference.place().line(),
            reference.place().column(),
            reference.object(),
            message,
            hint,
            reference.sourceLine()));
  }

  private void target(
      DecodedDocument document, ServiceRef target, Map<ServiceRef, DecodedDocument> targeted) {
    @Nullable DecodedDocument other = targeted.putIfAbsent(target, document);
    if (other != null && !other.equals(document)) {
      // The first by name wins, in whatever order the files came.
      boolean otherWins = String.valueOf(other.key()).compareTo(String.valueOf(document.key())) < 0;
      overruled(
          otherWins ? document : other,
          "another TrafficPolicy has the same target, " + target.service(),
          otherWins ? other : document);
    }
  }

  private void addresses(
      DecodedDocument document, Service service, Map<String, DecodedDocument> addresses) {
    for (String address : service.clusterIps()) {
      for (Service.Port port : service.ports()) {
        @Nullable DecodedDocument other =
            addresses.putIfAbsent(address + " " + port.port() + " " + port.transport(), document);
        if (other != null && !other.equals(document)) {
          at(
              document,
              Code.OVERRULED,
              "the address "
                  + address
                  + " with port "
                  + port.port()
                  + " belongs to "
                  + other.key()
                  + " already",
              "give each service an address of its own");
        }
      }
    }
  }

  private void overruled(
      DecodedDocument document, String message, @Nullable DecodedDocument winner) {
    at(
        document,
        Code.OVERRULED,
        message,
        winner == null
            ? "only the first by namespace and name counts"
            : winner.key() + " at " + winner.whereabouts() + " counts");
  }

  private void at(DecodedDocument document, Code code, String message, String hint) {
    problems.add(
        new Problem(
            code,
            document.file(),
            document.place().line(),
            document.place().column(),
            String.valueOf(document.key()),
            message,
            hint,
            document.sourceLine()));
  }
}
