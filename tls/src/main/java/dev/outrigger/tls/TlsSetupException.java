package dev.outrigger.tls;

/** A context could not be made of the identity, the trust or the settings given. */
public final class TlsSetupException extends Exception {
  private static final long serialVersionUID = 1L;

  TlsSetupException(String message, Throwable cause) {
    super(message, cause);
  }
}
