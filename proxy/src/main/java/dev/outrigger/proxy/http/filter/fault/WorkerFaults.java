package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.ActiveFaults;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What all faults on requests of one worker share. Confined to its worker's event loop.
 *
 * @param active which faults hold how many exchanges
 * @param ownIdentity the SPIFFE ID of this proxy, which is the caller of what leaves it; null while
 *     it has none
 * @param subject the request that is looked at just now
 * @param held what waits now, and goes on when its fault is over
 */
@WorkerConfined
public record WorkerFaults(
    Worker worker,
    FaultView view,
    ActiveFaults active,
    Supplier<@Nullable String> ownIdentity,
    RequestSubject subject,
    Held held) {

  /** With nothing active. */
  public static WorkerFaults of(
      Worker worker, FaultView view, Supplier<@Nullable String> ownIdentity) {
    Held held = new Held();
    view.watch(held::onPlan);
    return new WorkerFaults(
        worker, view, view.newActiveFaults(), ownIdentity, new RequestSubject(ownIdentity), held);
  }

  /** Exchanges that a fault holds back. Confined to its worker's event loop. */
  @WorkerConfined
  static final class Held {
    private final Set<FaultSteps> all = new LinkedHashSet<>();

    void add(FaultSteps steps) {
      all.add(steps);
    }

    void remove(FaultSteps steps) {
      all.remove(steps);
    }

    private void onPlan(FaultPlan plan) {
      // What goes on leaves the set, and may wait for another fault.
      for (FaultSteps steps : List.copyOf(all)) {
        steps.onPlan(plan);
      }
    }
  }
}
