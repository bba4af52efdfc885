package dev.outrigger.fault.toxic;

import io.netty.util.concurrent.EventExecutor;

/**
 * Where a flow runs.
 *
 * @param executor the connection's event loop: its clock and its timers
 * @param roll the connection's luck; all chance of the flow follows from it
 * @param connection ends the connection
 */
public record ToxicContext(EventExecutor executor, long roll, ConnectionEnd connection) {

  /** How a flow ends the connection that it is part of. */
  public interface ConnectionEnd {
    /** In order, towards both sides, after what was handed on; nothing that is held is sent. */
    void close();

    /** With an RST towards both sides. */
    void reset();
  }
}
