package dev.outrigger.cli;

/** A verb could not do its work; the message is one line for the user. */
final class CommandFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String hint;

  CommandFailedException(String message, String hint) {
    super(message);
    this.hint = hint;
  }

  CommandFailedException(String message, String hint, Throwable cause) {
    super(message, cause);
    this.hint = hint;
  }

  /** What to do, or empty. */
  String hint() {
    return hint;
  }
}
