package dev.outrigger.fault;

/** Where on the way of a request a fault acts. */
public enum Place {
  /** Once an exchange, at the caller, before an endpoint is chosen; never retried. */
  REQUEST,
  /** Once an attempt, at the caller, after load balancing; retries and outlier detection see it. */
  ATTEMPT,
  /** On the bytes of a connection, or on its handshake, at the caller. */
  CONNECTION,
  /** At the receiver, before the application. */
  INBOUND,
  /** Between a proxy and the control plane. */
  MESH
}
