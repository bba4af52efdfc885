package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.accesslog.v3.AccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.file.v3.FileAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StderrAccessLog;
import io.envoyproxy.envoy.extensions.access_loggers.stream.v3.StdoutAccessLog;
import java.util.List;

/** Where access logs go; their format is ours. */
final class AccessLogDecoder {
  private AccessLogDecoder() {}

  static AccessLogConfig decode(List<AccessLog> logs, Scope scope) throws InvalidResourceException {
    AccessLogConfig first = new AccessLogConfig.Off();
    for (int i = 0; i < logs.size(); i++) {
      AccessLogConfig read = one(logs.get(i), scope.in("access_log", i));
      if (first instanceof AccessLogConfig.Off) {
        first = read;
      } else if (!(read instanceof AccessLogConfig.Off)) {
        scope.in("access_log", i).unsupported("one access log is written, keep the first");
      }
    }
    return first;
  }

  private static AccessLogConfig one(AccessLog log, Scope scope) throws InvalidResourceException {
    Any any = log.getTypedConfig();
    Scope at = scope.in("typed_config");
    if (any.is(StdoutAccessLog.class)) {
      return new AccessLogConfig.StandardOutput();
    }
    if (any.is(StderrAccessLog.class)) {
      return new AccessLogConfig.StandardError();
    }
    if (any.is(FileAccessLog.class)) {
      FileAccessLog file = at.unpack(any, FileAccessLog.class);
      String path = at.in("path").required(file.getPath());
      return switch (path) {
        case "/dev/stdout" -> new AccessLogConfig.StandardOutput();
        case "/dev/stderr" -> new AccessLogConfig.StandardError();
        default -> new AccessLogConfig.File(path);
      };
    }
    at.unsupported("expected FileAccessLog, StdoutAccessLog or StderrAccessLog");
    return new AccessLogConfig.Off();
  }
}
