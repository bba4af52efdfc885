package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.List;

/**
 * What is written of exchanges or connections (xDS: {@code access_log}, {@code
 * access_log_options}).
 *
 * @param logs each gets every exchange that its filter passes
 * @param interval an exchange that lasts is also logged each time so much has passed; zero is never
 * @param atStart whether an exchange is also logged when it begins
 */
public record AccessLogConfig(List<Log> logs, Duration interval, boolean atStart) {
  /** Nothing is written. */
  public static final AccessLogConfig OFF = new AccessLogConfig(List.of(), Duration.ZERO, false);

  public AccessLogConfig {
    logs = List.copyOf(logs);
  }

  /** All exchanges in the standard format, when they end. */
  public static AccessLogConfig to(Target target) {
    return new AccessLogConfig(
        List.of(new Log(target, new LogFormat.Standard(), new LogFilter.All())),
        Duration.ZERO,
        false);
  }

  /** One log. */
  public record Log(Target target, LogFormat format, LogFilter filter) {}

  /** Where lines go. */
  public sealed interface Target {

    /** To standard output. */
    record StandardOutput() implements Target {}

    /** To standard error. */
    record StandardError() implements Target {}

    /** Appended to a file. */
    record File(String path) implements Target {}
  }
}
