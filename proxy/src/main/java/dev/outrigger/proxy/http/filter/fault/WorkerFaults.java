package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.ActiveFaults;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What all faults on requests of one worker share. Confined to its worker's event loop.
 *
 * @param active which faults hold how many exchanges
 * @param ownIdentity the SPIFFE ID of this proxy, which is the caller of what leaves it; null while
 *     it has none
 */
@WorkerConfined
public record WorkerFaults(
    Worker worker, FaultView view, ActiveFaults active, Supplier<@Nullable String> ownIdentity) {

  /** With nothing active. */
  public static WorkerFaults of(
      Worker worker, FaultView view, Supplier<@Nullable String> ownIdentity) {
    return new WorkerFaults(worker, view, view.newActiveFaults(), ownIdentity);
  }
}
