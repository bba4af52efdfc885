package dev.outrigger.fault.toxic;

/**
 * What goes wrong with the bytes of a connection. Settings only; what is going on lives in the
 * flow, so that one toxic serves many connections.
 *
 * <pre>
 *   socket -> [flow] -> [flow] -> socket      one chain for each direction of a connection
 * </pre>
 */
public interface Toxic {

  /** Begins on one direction of a connection, which may have been open for long. */
  ToxicFlow attach(ToxicContext context);
}
