package dev.outrigger.fault.toxic;

import io.netty.util.concurrent.EventExecutor;

/**
 * Where a flow runs.
 *
 * @param executor the connection's event loop: its clock and its timers
 * @param roll the connection's luck; all chance of the flow follows from it
 * @param reset ends the connection with an RST towards both sides
 */
public record ToxicContext(EventExecutor executor, long roll, Runnable reset) {}
