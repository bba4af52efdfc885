package dev.outrigger.proxy.config;

/** Where finished exchanges and connections are written, one JSON object a line. */
public sealed interface AccessLogConfig {

  /** Nowhere. */
  record Off() implements AccessLogConfig {}

  /** To standard output. */
  record StandardOutput() implements AccessLogConfig {}

  /** To standard error. */
  record StandardError() implements AccessLogConfig {}

  /** Appended to a file. */
  record File(String path) implements AccessLogConfig {}
}
