package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ResponseFlag;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * All that can be said of one exchange or connection, filled anew for each and read by filters and
 * formats. Every worker has one; nothing is kept between two lines.
 */
final class LogEntry {
  /** When a line is written. */
  enum Moment {
    HTTP_START("DownstreamStart"),
    HTTP_INTERVAL("DownstreamPeriodic"),
    HTTP_END("DownstreamEnd"),
    TCP_START("TcpUpstreamConnected"),
    TCP_INTERVAL("TcpPeriodic"),
    TCP_END("TcpConnectionEnd");

    /** As Envoy's {@code %ACCESS_LOG_TYPE%} says it. */
    final String text;

    Moment(String text) {
      this.text = text;
    }
  }

  Moment moment = Moment.HTTP_END;
  @Nullable ConnectionFacts facts;
  @Nullable ClientText client;
  @Nullable RequestHead head;
  @Nullable Headers response;
  @Nullable Headers trailers;
  @Nullable ClusterConfig cluster;
  @Nullable Endpoint endpoint;
  @Nullable InetSocketAddress upstreamLocal;
  @Nullable ProxyError error;
  @Nullable String method;
  @Nullable String path;
  @Nullable String authority;
  @Nullable String route;
  @Nullable String requestId;
  @Nullable String experiment;
  @Nullable String fault;
  @Nullable String code;
  @Nullable String details;
  @Nullable String termination;
  @Nullable String transportFailure;
  String flags = "-";
  ResponseFlag cause = ResponseFlag.NONE;
  boolean delayed;
  boolean retriesUsedUp;
  boolean traced;
  boolean sampled;
  long traceHigh;
  long traceLow;
  long startMillis;
  long bytesReceived;
  long bytesSent;
  int status;
  int attempts;

  /** Nanoseconds from the beginning; -1 for what has not happened. */
  long duration = -1;

  long requestEnded = -1;
  long answered = -1;

  /** Forgets everything. */
  void clear() {
    moment = Moment.HTTP_END;
    facts = null;
    client = null;
    head = null;
    response = null;
    trailers = null;
    cluster = null;
    endpoint = null;
    upstreamLocal = null;
    error = null;
    method = null;
    path = null;
    authority = null;
    route = null;
    requestId = null;
    experiment = null;
    fault = null;
    code = null;
    details = null;
    termination = null;
    transportFailure = null;
    flags = "-";
    cause = ResponseFlag.NONE;
    delayed = false;
    retriesUsedUp = false;
    traced = false;
    sampled = false;
    traceHigh = 0;
    traceLow = 0;
    startMillis = 0;
    bytesReceived = 0;
    bytesSent = 0;
    status = 0;
    attempts = 0;
    duration = -1;
    requestEnded = -1;
    answered = -1;
  }

  boolean http() {
    return moment.compareTo(Moment.HTTP_END) <= 0;
  }

  /** {@code grpc-status}, from the trailers or from the head of an answer without a body. */
  int grpcStatus() {
    int status = grpcStatus(trailers);
    return status >= 0 ? status : grpcStatus(response);
  }

  private static int grpcStatus(@Nullable Headers headers) {
    int index = headers == null ? -1 : headers.indexOf(HeaderName.GRPC_STATUS, 0);
    if (headers == null || index < 0) {
      return -1;
    }
    byte[] array = headers.array();
    int offset = headers.valueOffset(index);
    int length = headers.valueLength(index);
    int value = 0;
    for (int i = offset; i < offset + length; i++) {
      if (length > 4 || array[i] < '0' || array[i] > '9') {
        return -1;
      }
      value = value * 10 + array[i] - '0';
    }
    return length == 0 ? -1 : value;
  }
}
