package dev.outrigger.tls;

/** PEM text that is not what it should be. The message names the line and what was expected. */
public final class PemException extends Exception {
  private static final long serialVersionUID = 1L;

  PemException(String message) {
    super(message);
  }
}
