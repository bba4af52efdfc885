package dev.outrigger.proxy.xds;

import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.proxy.extension.InvalidResourceException;
import java.time.Duration;

/**
 * Takes faults as the control plane sends them, and ends each by itself when its lease runs out.
 * Called on the config loop. Faults are never kept on disk.
 */
public interface FaultSink {

  /**
   * A fault is new or has changed.
   *
   * @param name {@code <experiment>/<fault>}
   * @param lease for how long it may act without hearing again; zero if that has passed already, so
   *     that it is only checked
   * @throws InvalidResourceException if it cannot be understood; an older one of that name stays
   *     until its own lease ends
   */
  void onFault(String name, FaultRule rule, Duration lease) throws InvalidResourceException;

  /**
   * The fault goes on unchanged; its lease starts again.
   *
   * @return whether it acts; false if its lease has passed or the name is unknown
   */
  boolean onHeartbeat(String name, Duration lease);

  /** The fault is over. Unknown names are ignored. */
  void onRemoved(String name);

  /**
   * Runs what tells several of them, such as one response: they take effect together, at its end.
   */
  default void together(Runnable telling) {
    telling.run();
  }
}
