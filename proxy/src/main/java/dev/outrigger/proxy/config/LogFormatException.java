package dev.outrigger.proxy.config;

/** The text of an access log's format is wrong; the message is for whoever wrote it. */
public final class LogFormatException extends Exception {
  private static final long serialVersionUID = 1;

  /**
   * @param position of the first character that is wrong, from 1 on
   */
  LogFormatException(int position, String reason) {
    super("at position " + position + ": " + reason);
  }
}
