package dev.outrigger.fault;

/**
 * What goes wrong between a proxy and the control plane. It acts at the place {@link Place#MESH},
 * and none of it keeps a fault from ending.
 */
public enum MeshFault implements Fault {
  /** What is configured anew does not reach the proxy, which goes on by what it has. */
  STALE_CONFIGURATION,
  /** The stream of configuration is cut, and does not come about again. */
  LOST_STREAM,
  /** The authority issues no certificate. */
  FAILING_AUTHORITY
}
