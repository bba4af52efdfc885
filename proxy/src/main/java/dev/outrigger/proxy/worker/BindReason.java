package dev.outrigger.proxy.worker;

/** Says why a socket could not be bound, and what to do about it. For any thread. */
public final class BindReason {
  private BindReason() {}

  /** What the operating system meant, in a few words without a line end. */
  public static String of(Throwable failure) {
    String said = String.valueOf(failure.getMessage());
    if (said.contains("already in use")) {
      return "another program has the address (`ss -ltnp` shows which); stop it or take another port";
    }
    if (said.contains("ermission denied")) {
      return "permission denied; a port below 1024 needs the capability NET_BIND_SERVICE";
    }
    if (said.contains("annot assign requested address")) {
      return "no interface of this host has the address";
    }
    return said;
  }
}
