package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import com.google.protobuf.Struct;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.AccessLogConfig.Log;
import dev.outrigger.proxy.config.AccessLogConfig.Target;
import dev.outrigger.proxy.config.LogFormat;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.accesslog.v3.AccessLog;
import io.envoyproxy.envoy.config.core.v3.SubstitutionFormatString;
import io.envoyproxy.envoy.extensions.access_loggers.file.v3.FileAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StderrAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StdoutAccessLog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where access logs go, what their lines look like, and what is worth a line. */
final class AccessLogDecoder {
  private static final int MAX_LOGS = 16;
  private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(1);

  private AccessLogDecoder() {}

  /**
   * @param interval null or zero where lasting exchanges are logged at their end only
   */
  static AccessLogConfig decode(
      List<AccessLog> logs,
      com.google.protobuf.@Nullable Duration interval,
      boolean atStart,
      Scope scope)
      throws InvalidResourceException {
    if (logs.size() > MAX_LOGS) {
      throw scope.in("access_log").refuse("has " + logs.size() + " logs, at most " + MAX_LOGS);
    }
    List<Log> read = new ArrayList<>();
    for (int i = 0; i < logs.size(); i++) {
      Log log = one(logs.get(i), scope.in("access_log", i));
      if (log != null) {
        read.add(log);
      }
    }
    Duration every =
        interval == null ? Duration.ZERO : scope.in("access_log_flush_interval").duration(interval);
    if (!every.isZero() && every.compareTo(SHORTEST_INTERVAL) < 0) {
      throw scope.in("access_log_flush_interval").refuse("must be at least 1 ms");
    }
    return read.isEmpty() ? AccessLogConfig.OFF : new AccessLogConfig(read, every, atStart);
  }

  private static @Nullable Log one(AccessLog log, Scope scope) throws InvalidResourceException {
    Any any = log.getTypedConfig();
    Scope at = scope.in("typed_config");
    Target target;
    LogFormat format = new LogFormat.Standard();
    if (any.is(StdoutAccessLog.class)) {
      StdoutAccessLog out = at.unpack(any, StdoutAccessLog.class);
      target = new Target.StandardOutput();
      if (out.hasLogFormat()) {
        format = format(out.getLogFormat(), at.in("log_format"));
      }
    } else if (any.is(StderrAccessLog.class)) {
      StderrAccessLog err = at.unpack(any, StderrAccessLog.class);
      target = new Target.StandardError();
      if (err.hasLogFormat()) {
        format = format(err.getLogFormat(), at.in("log_format"));
      }
    } else if (any.is(FileAccessLog.class)) {
      FileAccessLog file = at.unpack(any, FileAccessLog.class);
      String path = at.in("path").required(file.getPath());
      target =
          switch (path) {
            case "/dev/stdout" -> new Target.StandardOutput();
            case "/dev/stderr" -> new Target.StandardError();
            default -> new Target.File(path);
          };
      format = fileFormat(file, at);
    } else {
      at.unsupported("expected FileAccessLog, StdoutAccessLog or StderrAccessLog");
      return null;
    }
    return new Log(target, format, LogFilterDecoder.decode(log, scope));
  }

  @SuppressWarnings("deprecation") // configurations in the field still say it so
  private static LogFormat fileFormat(FileAccessLog file, Scope at)
      throws InvalidResourceException {
    return switch (file.getAccessLogFormatCase()) {
      case FORMAT ->
          new LogFormat.Text(LogFormatDecoder.pieces(file.getFormat(), at.in("format")), false);
      case JSON_FORMAT -> json(file.getJsonFormat(), at.in("json_format"));
      case TYPED_JSON_FORMAT -> json(file.getTypedJsonFormat(), at.in("typed_json_format"));
      case LOG_FORMAT -> format(file.getLogFormat(), at.in("log_format"));
      case ACCESSLOGFORMAT_NOT_SET -> new LogFormat.Standard();
    };
  }

  private static LogFormat json(Struct struct, Scope at) throws InvalidResourceException {
    return new LogFormat.Json(LogFormatDecoder.members(struct, false, at), false);
  }

  @SuppressWarnings("deprecation") // text_format, likewise
  private static LogFormat format(SubstitutionFormatString format, Scope at)
      throws InvalidResourceException {
    boolean omitEmpty = format.getOmitEmptyValues();
    return switch (format.getFormatCase()) {
      case TEXT_FORMAT ->
          new LogFormat.Text(
              LogFormatDecoder.pieces(format.getTextFormat(), at.in("text_format")), omitEmpty);
      case TEXT_FORMAT_SOURCE -> {
        Scope source = at.in("text_format_source");
        if (!format.getTextFormatSource().hasInlineString()) {
          throw source.refuse("expected inline_string");
        }
        yield new LogFormat.Text(
            LogFormatDecoder.pieces(
                format.getTextFormatSource().getInlineString(), source.in("inline_string")),
            omitEmpty);
      }
      case JSON_FORMAT ->
          new LogFormat.Json(
              LogFormatDecoder.members(
                  format.getJsonFormat(),
                  format.getJsonFormatOptions().getSortProperties(),
                  at.in("json_format")),
              omitEmpty);
      case FORMAT_NOT_SET ->
          throw at.refuse("expected text_format_source, text_format or json_format");
    };
  }
}
