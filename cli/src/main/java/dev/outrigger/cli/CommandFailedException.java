package dev.outrigger.cli;

/** A verb could not do its work; the message is one line for the user. */
final class CommandFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String hint;
  private int exit = Main.FAILED;

  CommandFailedException(String message, String hint) {
    super(message);
    this.hint = hint;
  }

  CommandFailedException(String message, String hint, Throwable cause) {
    super(message, cause);
    this.hint = hint;
  }

  /** The same with an exit code of its own. */
  CommandFailedException exits(int code) {
    exit = code;
    return this;
  }

  /** With what the process ends. */
  int exit() {
    return exit;
  }

  /** What to do, or empty. */
  String hint() {
    return hint;
  }
}
