package dev.outrigger.proxy.admin;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** Changes what is logged while the process runs. */
final class LogLevels {
  private LogLevels() {}

  /** Sets the level of a logger and all below it; returns what is wrong, or null. */
  static @Nullable String set(String logger, String level) {
    Level wanted =
        switch (level.toLowerCase(Locale.ROOT)) {
          case "error" -> Level.ERROR;
          case "warn", "warning" -> Level.WARN;
          case "info" -> Level.INFO;
          case "debug" -> Level.DEBUG;
          case "trace" -> Level.TRACE;
          default -> null;
        };
    if (wanted == null) {
      return "unknown level '" + level + "'; expected error, warn, info, debug or trace";
    }
    if (!(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
      return "this process logs by other means than logback";
    }
    context.getLogger(logger).setLevel(wanted);
    return null;
  }
}
