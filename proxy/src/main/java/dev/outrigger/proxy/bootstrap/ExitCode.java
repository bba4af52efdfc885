package dev.outrigger.proxy.bootstrap;

/** How the proxy's process ends. The numbers are a promise to scripts. */
public enum ExitCode {
  OK(0),
  /** Something that no other code names. */
  FAILED(1),
  /** The command line or an environment variable is wrong. */
  USAGE(2),
  /** The configuration is wrong. */
  BAD_CONFIG(3),
  /** A listener's address cannot be bound. */
  CANNOT_BIND(4),
  /** The transport that was asked for does not work here. */
  NO_TRANSPORT(5),
  /** The control plane refused this proxy. */
  CANNOT_JOIN(6);

  private final int number;

  ExitCode(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }
}
