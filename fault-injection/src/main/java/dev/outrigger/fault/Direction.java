package dev.outrigger.fault;

/** Which bytes of a connection. */
public enum Direction {
  BOTH,
  /** From the client to the server. */
  UPSTREAM,
  /** From the server to the client. */
  DOWNSTREAM;

  /** Whether bytes of the given way, which is not {@link #BOTH}, are meant. */
  public boolean covers(Direction way) {
    return this == BOTH || this == way;
  }
}
