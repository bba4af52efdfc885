package dev.outrigger.controlplane.ca;

/**
 * Why a proxy with a service account's token is not let in; {@code outrigger explain} has a page of
 * each. The first word of what the proxy is told.
 */
public enum JoinRefusal {
  /** The API server does not vouch for it, or not for our audience. */
  TOKEN("OR3001"),
  /** It is good, and not of a service account's pod. */
  NO_POD("OR3002"),
  /** It is of another pod than the proxy says it stands beside. */
  OTHER_POD("OR3003"),
  /** The API server cannot be asked. */
  UNREACHABLE("OR3004");

  private final String id;

  JoinRefusal(String id) {
    this.id = id;
  }

  /** Stable, such as OR3001. */
  public String id() {
    return id;
  }

  /** The words for the proxy. */
  public String text(String reason) {
    return id + ": " + reason;
  }
}
