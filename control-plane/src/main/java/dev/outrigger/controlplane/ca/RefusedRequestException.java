package dev.outrigger.controlplane.ca;

/** A request for a certificate that the authority does not sign; the message says why. */
public final class RefusedRequestException extends Exception {
  private static final long serialVersionUID = 1L;

  RefusedRequestException(String message) {
    super(message);
  }
}
