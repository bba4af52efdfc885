package dev.outrigger.proxy.telemetry;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.outcome.ProxyError;
import org.jspecify.annotations.Nullable;

/**
 * What is noted of one relayed connection. Confined to its worker's event loop; {@link #finish} is
 * called exactly once, last.
 */
public interface ConnectionRecord {

  /** The upstream connection is open. */
  void connected(ClusterConfig cluster, Endpoint endpoint);

  /** Bytes from the client. */
  void received(int bytes);

  /** Bytes to the client. */
  void sent(int bytes);

  /** An experiment touched this connection. */
  void faultApplied(String experiment, String fault);

  /**
   * It counts in what is measured for experiments: once when it came about, by how long that took,
   * and once, as failed, when it did not or when it broke.
   *
   * @param service the service that it is for, or null where that is not known
   */
  default void counted(
      FaultPlan acting, FaultPlan observed, @Nullable String service, boolean failed) {}

  /**
   * Both ways are closed.
   *
   * @param error why it ended early, or null
   */
  void finish(@Nullable ProxyError error);
}
