package dev.outrigger.controlplane.chaos;

/** Why something was not done to an experiment; {@code outrigger explain} has a page of each. */
public enum Refusal {
  UNKNOWN("OR2001", 404),
  /** Not in a phase in which that can be done. */
  PHASE("OR2002", 409),
  /** Proxies may still hold leases of its last run. */
  LEASES("OR2003", 409),
  /** A halt is fresh. */
  HALT("OR2004", 409),
  FREEZE("OR2005", 409),
  /** It names what experiments must leave alone. */
  PROTECTED("OR2006", 403),
  /** As many run as may. */
  EXPERIMENTS("OR2007", 409),
  WORKLOADS("OR2008", 403),
  REQUESTS("OR2009", 403),
  /** Another one touches the same callers and destinations. */
  SAME_PATH("OR2010", 409),
  /** Another one of the same name runs, so that answers could not tell them apart. */
  NAMESAKE("OR2011", 409),
  /** It is written in the folder, or in the cluster by somebody else, and changes only there. */
  ELSEWHERE("OR2012", 409),
  /** The text that was submitted cannot be taken. */
  DOCUMENT("OR2013", 400),
  /** A probe runs a program, and the operator has not allowed that. */
  COMMANDS("OR2014", 403),
  /** It has no schedule, or that stands so already. */
  SCHEDULE("OR2015", 409),
  /** The request shows no token, or one that is not good. */
  TOKEN("OR2016", 401),
  /** The token is good, and not for this. */
  ROLE("OR2017", 403),
  /** As many previews look on as may. */
  PREVIEWS("OR2020", 409),
  /** A proxy that it means is an Envoy, which cannot do one of its faults. */
  ENVOY("OR2021", 409),
  /** Another replica of the control plane leads, and this one only follows. */
  FOLLOWS("OR2022", 503),
  /** The API server, which keeps what is submitted, does not take it now. */
  STORE("OR2023", 503);

  private final String id;
  private final int status;

  Refusal(String id, int status) {
    this.id = id;
    this.status = status;
  }

  /** Stable, such as OR2004. */
  public String id() {
    return id;
  }

  /** Of HTTP. */
  public int status() {
    return status;
  }
}
