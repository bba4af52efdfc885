package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.LogFormat.Piece;
import dev.outrigger.proxy.config.TimePattern;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.ResponseFlag;
import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What each operator of a format writes. */
final class LogValues {
  private static final String[] GRPC_CAMEL = {
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated"
  };
  private static final String[] GRPC_SNAKE = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED"
  };

  // An address object belongs to one connection; its text is made once.
  private final IdentityCache<InetSocketAddress, String> hosts =
      new IdentityCache<>(
          address ->
              address.getAddress() == null
                  ? address.getHostString()
                  : NetUtil.toAddressString(address.getAddress()));

  /** The value of an operator with its arguments. */
  LogValue of(Piece.Value value) {
    LogValue plain = plain(value);
    int max = value.maxLength();
    if (max == 0) {
      return plain;
    }
    return (line, entry) -> {
      line.maxText(max);
      boolean any = plain.write(line, entry);
      line.maxText(0);
      return any;
    };
  }

  /** Whether it writes a number, which JSON does not quote. */
  static boolean isNumber(Piece.Value value) {
    return switch (value.operator()) {
      case RESPONSE_CODE,
          BYTES_RECEIVED,
          BYTES_SENT,
          DURATION,
          REQUEST_DURATION,
          RESPONSE_DURATION,
          RESPONSE_TX_DURATION,
          UPSTREAM_REMOTE_PORT,
          UPSTREAM_LOCAL_PORT,
          UPSTREAM_REQUEST_ATTEMPT_COUNT,
          DOWNSTREAM_REMOTE_PORT,
          DOWNSTREAM_DIRECT_REMOTE_PORT,
          DOWNSTREAM_LOCAL_PORT,
          DOWNSTREAM_DIRECT_LOCAL_PORT,
          GRPC_STATUS_NUMBER ->
          true;
      case GRPC_STATUS -> value.argument().equals("NUMBER");
      case START_TIME,
          REQ,
          RESP,
          TRAILER,
          PROTOCOL,
          RESPONSE_CODE_DETAILS,
          RESPONSE_FLAGS,
          RESPONSE_FLAGS_LONG,
          CONNECTION_TERMINATION_DETAILS,
          UPSTREAM_HOST,
          UPSTREAM_REMOTE_ADDRESS,
          UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT,
          UPSTREAM_LOCAL_ADDRESS,
          UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT,
          UPSTREAM_CLUSTER,
          UPSTREAM_CLUSTER_RAW,
          UPSTREAM_TRANSPORT_FAILURE_REASON,
          ROUTE_NAME,
          DOWNSTREAM_REMOTE_ADDRESS,
          DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT,
          DOWNSTREAM_DIRECT_REMOTE_ADDRESS,
          DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT,
          DOWNSTREAM_LOCAL_ADDRESS,
          DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT,
          DOWNSTREAM_DIRECT_LOCAL_ADDRESS,
          DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT,
          DOWNSTREAM_PEER_URI_SAN,
          REQUESTED_SERVER_NAME,
          TRACE_ID,
          STREAM_ID,
          ACCESS_LOG_TYPE,
          OUTRIGGER_CODE,
          OUTRIGGER_DETAIL,
          OUTRIGGER_FAULT_EXPERIMENT,
          OUTRIGGER_FAULT,
          OUTRIGGER_WORKLOAD,
          OUTRIGGER_LISTENER ->
          false;
    };
  }

  private LogValue plain(Piece.Value value) {
    return switch (value.operator()) {
      case START_TIME -> startTime(value.argument());
      case REQ -> either(request(value.argument()), value.otherwise(), LogValues::request);
      case RESP -> either(response(value.argument()), value.otherwise(), LogValues::response);
      case TRAILER -> either(trailer(value.argument()), value.otherwise(), LogValues::trailer);
      case PROTOCOL ->
          (line, entry) -> entry.head != null && line.text(entry.head.version().toString());
      case RESPONSE_CODE -> (line, entry) -> number(line, entry.status);
      case RESPONSE_CODE_DETAILS -> (line, entry) -> line.text(entry.details);
      case RESPONSE_FLAGS -> (line, entry) -> !entry.flags.equals("-") && line.text(entry.flags);
      case RESPONSE_FLAGS_LONG -> LogValues::longFlags;
      case CONNECTION_TERMINATION_DETAILS -> (line, entry) -> line.text(entry.termination);
      case BYTES_RECEIVED -> (line, entry) -> number(line, entry.bytesReceived);
      case BYTES_SENT -> (line, entry) -> number(line, entry.bytesSent);
      case DURATION -> (line, entry) -> millis(line, entry.duration);
      case REQUEST_DURATION -> (line, entry) -> millis(line, entry.requestEnded);
      case RESPONSE_DURATION -> (line, entry) -> millis(line, entry.answered);
      case RESPONSE_TX_DURATION ->
          (line, entry) ->
              entry.answered >= 0 && millis(line, Math.max(0, entry.duration - entry.answered));
      case UPSTREAM_HOST, UPSTREAM_REMOTE_ADDRESS ->
          (line, entry) -> {
            Endpoint endpoint = entry.endpoint;
            return endpoint != null
                && line.address(endpoint.address().host(), endpoint.address().port());
          };
      case UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT ->
          (line, entry) -> entry.endpoint != null && line.text(entry.endpoint.address().host());
      case UPSTREAM_REMOTE_PORT ->
          (line, entry) -> entry.endpoint != null && number(line, entry.endpoint.address().port());
      case UPSTREAM_LOCAL_ADDRESS -> (line, entry) -> address(line, entry.upstreamLocal);
      case UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT -> (line, entry) -> host(line, entry.upstreamLocal);
      case UPSTREAM_LOCAL_PORT -> (line, entry) -> port(line, entry.upstreamLocal);
      case UPSTREAM_CLUSTER, UPSTREAM_CLUSTER_RAW ->
          (line, entry) -> entry.cluster != null && line.text(entry.cluster.name());
      case UPSTREAM_REQUEST_ATTEMPT_COUNT -> (line, entry) -> number(line, entry.attempts);
      case UPSTREAM_TRANSPORT_FAILURE_REASON -> (line, entry) -> line.text(entry.transportFailure);
      case ROUTE_NAME -> (line, entry) -> line.text(entry.route);
      case DOWNSTREAM_REMOTE_ADDRESS, DOWNSTREAM_DIRECT_REMOTE_ADDRESS ->
          (line, entry) -> {
            ClientText client = entry.client;
            return client != null && line.address(client.address(), client.port());
          };
      case DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT, DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT ->
          (line, entry) -> entry.client != null && line.text(entry.client.address());
      case DOWNSTREAM_REMOTE_PORT, DOWNSTREAM_DIRECT_REMOTE_PORT ->
          (line, entry) -> entry.client != null && number(line, entry.client.port());
      case DOWNSTREAM_LOCAL_ADDRESS ->
          connection((line, facts) -> address(line, facts.destination()));
      case DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT ->
          connection((line, facts) -> host(line, facts.destination()));
      case DOWNSTREAM_LOCAL_PORT -> connection((line, facts) -> port(line, facts.destination()));
      case DOWNSTREAM_DIRECT_LOCAL_ADDRESS ->
          connection((line, facts) -> address(line, facts.local()));
      case DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT ->
          connection((line, facts) -> host(line, facts.local()));
      case DOWNSTREAM_DIRECT_LOCAL_PORT -> connection((line, facts) -> port(line, facts.local()));
      case DOWNSTREAM_PEER_URI_SAN ->
          (line, entry) ->
              entry.facts != null
                  && entry.facts.peer() != null
                  && entry.client != null
                  && line.text(entry.client.principal());
      case REQUESTED_SERVER_NAME -> connection((line, facts) -> line.text(facts.serverName()));
      case TRACE_ID ->
          (line, entry) -> {
            if (entry.traced) {
              line.hex(entry.traceHigh, entry.traceLow);
            }
            return entry.traced;
          };
      case STREAM_ID -> (line, entry) -> line.text(entry.requestId);
      case GRPC_STATUS -> grpc(value.argument());
      case GRPC_STATUS_NUMBER -> LogValues::grpcNumber;
      case ACCESS_LOG_TYPE -> (line, entry) -> line.text(entry.moment.text);
      case OUTRIGGER_CODE -> (line, entry) -> line.text(entry.code);
      case OUTRIGGER_DETAIL ->
          (line, entry) -> entry.error != null && line.text(entry.error.detail());
      case OUTRIGGER_FAULT_EXPERIMENT -> (line, entry) -> line.text(entry.experiment);
      case OUTRIGGER_FAULT -> (line, entry) -> line.text(entry.fault);
      case OUTRIGGER_WORKLOAD ->
          (line, entry) -> entry.endpoint != null && line.text(entry.endpoint.workload());
      case OUTRIGGER_LISTENER -> connection((line, facts) -> line.text(facts.listener()));
    };
  }

  private static LogValue startTime(String pattern) {
    TimeText text = pattern.isEmpty() ? TimeText.RFC_3339 : new TimeText(TimePattern.of(pattern));
    return (line, entry) -> {
      text.write(line, entry.startMillis);
      return true;
    };
  }

  // Headers.

  private static LogValue either(
      LogValue first, String otherwise, Function<String, LogValue> kind) {
    if (otherwise.isEmpty()) {
      return first;
    }
    LogValue second = kind.apply(otherwise);
    return (line, entry) -> first.write(line, entry) || second.write(line, entry);
  }

  private static LogValue request(String name) {
    return switch (name) {
      case ":method" -> (line, entry) -> line.text(entry.method);
      // As it came: routes may have changed it since.
      case ":path" -> (line, entry) -> line.text(entry.path);
      case ":authority", "host" -> (line, entry) -> line.text(entry.authority);
      case ":scheme" -> (line, entry) -> entry.head != null && line.text(entry.head.scheme());
      default -> {
        HeaderName header = HeaderName.of(name);
        yield (line, entry) -> {
          RequestHead head = entry.head;
          return head != null && field(line, head.headers(), header);
        };
      }
    };
  }

  private static LogValue response(String name) {
    if (name.equals(":status")) {
      return (line, entry) -> entry.status > 0 && number(line, entry.status);
    }
    HeaderName header = HeaderName.of(name);
    return (line, entry) -> entry.response != null && field(line, entry.response, header);
  }

  private static LogValue trailer(String name) {
    HeaderName header = HeaderName.of(name);
    return (line, entry) -> entry.trailers != null && field(line, entry.trailers, header);
  }

  private static boolean field(LogLine line, Headers headers, HeaderName name) {
    int index = headers.indexOf(name, 0);
    return index >= 0
        && line.text(headers.array(), headers.valueOffset(index), headers.valueLength(index));
  }

  // Addresses.

  /** What a connection says. */
  @FunctionalInterface
  private interface OfConnection {
    boolean write(LogLine line, ConnectionFacts facts);
  }

  private static LogValue connection(OfConnection value) {
    return (line, entry) -> entry.facts != null && value.write(line, entry.facts);
  }

  private boolean address(LogLine line, @Nullable InetSocketAddress address) {
    return address != null && line.address(hosts.of(address), address.getPort());
  }

  private boolean host(LogLine line, @Nullable InetSocketAddress address) {
    return address != null && line.text(hosts.of(address));
  }

  private static boolean port(LogLine line, @Nullable InetSocketAddress address) {
    return address != null && number(line, address.getPort());
  }

  // Numbers and names.

  private static boolean number(LogLine line, long value) {
    line.number(value);
    return true;
  }

  private static boolean millis(LogLine line, long nanos) {
    if (nanos >= 0) {
      line.number(nanos / 1_000_000);
    }
    return nanos >= 0;
  }

  private static boolean longFlags(LogLine line, LogEntry entry) {
    boolean any = entry.cause != ResponseFlag.NONE;
    if (any) {
      line.text(entry.cause.longText());
    }
    if (entry.delayed) {
      comma(line, any);
      any = line.text(ResponseFlag.DI.longText());
    }
    if (entry.retriesUsedUp) {
      comma(line, any);
      any = line.text(ResponseFlag.URX.longText());
    }
    return any;
  }

  private static void comma(LogLine line, boolean any) {
    if (any) {
      line.raw(',');
    }
  }

  private static LogValue grpc(String form) {
    if (form.equals("NUMBER")) {
      return LogValues::grpcNumber;
    }
    String[] names = form.equals("SNAKE_STRING") ? GRPC_SNAKE : GRPC_CAMEL;
    return (line, entry) -> {
      int status = entry.grpcStatus();
      if (status >= names.length) {
        return number(line, status);
      }
      return status >= 0 && line.text(names[status]);
    };
  }

  private static boolean grpcNumber(LogLine line, LogEntry entry) {
    int status = entry.grpcStatus();
    return status >= 0 && number(line, status);
  }
}
