package dev.outrigger.proxy.bootstrap;

/** A command line or environment that cannot be followed. The message is for the user. */
public final class UsageException extends Exception {
  private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }
}
