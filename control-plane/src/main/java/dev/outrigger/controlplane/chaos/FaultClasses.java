package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.fault.MeshFault;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What kinds of fault an experiment has for an edge, and whose calls those are. Pure. */
final class FaultClasses {
  private FaultClasses() {}

  /** Some of delay, error, connection and mesh. */
  static JsonArray of(Experiment experiment, ExperimentWatch.Edge edge) {
    Set<String> kinds = new TreeSet<>();
    for (Experiment.Fault fault : experiment.faults()) {
      if (isAt(fault, edge)) {
        kinds.add(kind(fault.action()));
      }
    }
    return texts(kinds);
  }

  /** Callers as {@link CallEdge} has them; for a fault at the receiver all that it names. */
  static JsonArray callers(DesiredState state, Experiment experiment, ExperimentWatch.Edge edge) {
    Set<String> callers = new TreeSet<>();
    if (edge.inbound()) {
      for (Experiment.Fault fault : experiment.faults()) {
        if (isAt(fault, edge)) {
          fault.match().sourceServices().forEach(name -> callers.add(name.toString()));
        }
      }
    } else {
      @Nullable CallEdge call = CallGraph.edge(state, edge.workload(), edge.service());
      if (call != null) {
        callers.add(call.from());
      }
    }
    return texts(callers);
  }

  private static boolean isAt(Experiment.Fault fault, ExperimentWatch.Edge edge) {
    return (fault.place() == Experiment.Place.INBOUND) == edge.inbound()
        && (fault.match().destinations().isEmpty()
            || fault.match().destinations().stream()
                .map(ServiceName::toString)
                .anyMatch(edge.service()::equals));
  }

  private static String kind(Fault fault) {
    return switch (fault) {
      case Fault.Delay _,
          Fault.Throttle _,
          Fault.Latency _,
          Fault.Bandwidth _,
          Fault.Slicer _,
          Fault.SlowClose _ ->
          "delay";
      case Fault.Abort _, Fault.Rewrite _ -> "error";
      case Fault.Reset _,
          Fault.Stall _,
          Fault.Partition _,
          Fault.ResetPeer _,
          Fault.Limit _,
          Fault.Refuse _,
          HandshakeFault _ ->
          "connection";
      case MeshFault _ -> "mesh";
    };
  }

  private static JsonArray texts(Set<String> texts) {
    JsonArray array = new JsonArray();
    texts.forEach(array::add);
    return array;
  }
}
