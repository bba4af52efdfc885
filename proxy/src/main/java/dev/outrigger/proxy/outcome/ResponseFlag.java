package dev.outrigger.proxy.outcome;

/** The short words of access logs, as operators know them from Envoy. */
public enum ResponseFlag {
  /** Nothing to remark. */
  NONE("-"),
  /** No healthy upstream. */
  UH("UH"),
  /** Connecting to the upstream failed. */
  UF("UF"),
  /** A pool or breaker was full. */
  UO("UO"),
  /** No route. */
  NR("NR"),
  /** The cluster does not exist. */
  NC("NC"),
  /** The upstream did not answer in time. */
  UT("UT"),
  /** The upstream reset the stream. */
  UR("UR"),
  /** The upstream closed the connection. */
  UC("UC"),
  /** The upstream broke the protocol. */
  UPE("UPE"),
  /** Retries were used up. */
  URX("URX"),
  /** The client went away. */
  DC("DC"),
  /** The client broke the protocol. */
  DPE("DPE"),
  /** A delay was injected. */
  DI("DI"),
  /** An error was injected. */
  FI("FI"),
  /** A rate limit refused. */
  RL("RL"),
  /** An authorization policy refused. */
  UAEX("UAEX"),
  /** The stream was idle for too long. */
  SI("SI"),
  /** The connection or stream lived too long. */
  DT("DT"),
  /** The proxy is overloaded. */
  OM("OM"),
  /** A local reset. */
  LR("LR");

  private final String text;

  ResponseFlag(String text) {
    this.text = text;
  }

  @Override
  public String toString() {
    return text;
  }
}
