package dev.outrigger.proxy.outcome;

import dev.outrigger.proxy.outcome.ProxyError.DeadlinePassed.Timer;
import dev.outrigger.proxy.outcome.ProxyError.TooLarge.What;
import dev.outrigger.proxy.outcome.ProxyError.UpstreamReset.How;
import org.jspecify.annotations.Nullable;

/** The one place where an error becomes a status, a gRPC status, a flag and a code. */
public final class ErrorReplies {
  private static final int GRPC_UNKNOWN = 2;
  private static final int GRPC_DEADLINE_EXCEEDED = 4;
  private static final int GRPC_PERMISSION_DENIED = 7;
  private static final int GRPC_RESOURCE_EXHAUSTED = 8;
  private static final int GRPC_UNIMPLEMENTED = 12;
  private static final int GRPC_INTERNAL = 13;
  private static final int GRPC_UNAVAILABLE = 14;
  private static final int GRPC_UNAUTHENTICATED = 16;

  private ErrorReplies() {}

  /**
   * Whether the request has reached no application and another replica may well serve it: what a
   * proxy beside an application tells the caller's proxy with {@code x-outrigger-untouched}.
   */
  public static boolean anotherMayServe(ProxyError error) {
    return switch (error) {
      case ProxyError.ConnectRefused _,
          ProxyError.ConnectTimedOut _,
          ProxyError.TlsRejected _,
          ProxyError.NoHealthyEndpoint _,
          ProxyError.PoolOverflow _,
          ProxyError.Draining _ ->
          true;
      case ProxyError.NoRoute _,
          ProxyError.NoCluster _,
          ProxyError.DeadlinePassed _,
          ProxyError.UpstreamReset _,
          ProxyError.DownstreamGone _,
          ProxyError.ProtocolViolation _,
          ProxyError.UnknownCoding _,
          ProxyError.Denied _,
          ProxyError.UpgradeRefused _,
          ProxyError.RateLimited _,
          ProxyError.FaultInjected _,
          ProxyError.TooLarge _,
          ProxyError.Bug _ ->
          false;
    };
  }

  /** What is said to the caller. */
  public static ErrorReply replyFor(ProxyError error) {
    return switch (error) {
      case ProxyError.NoRoute _ -> keep(ErrorCode.NO_ROUTE, 404, GRPC_UNIMPLEMENTED);
      case ProxyError.NoCluster _ -> keep(ErrorCode.NO_CLUSTER, 503, GRPC_UNAVAILABLE);
      case ProxyError.NoHealthyEndpoint _ ->
          keep(ErrorCode.NO_HEALTHY_ENDPOINT, 503, GRPC_UNAVAILABLE);
      case ProxyError.ConnectRefused _ -> keep(ErrorCode.CONNECT_REFUSED, 503, GRPC_UNAVAILABLE);
      case ProxyError.ConnectTimedOut _ -> keep(ErrorCode.CONNECT_TIMEOUT, 503, GRPC_UNAVAILABLE);
      case ProxyError.TlsRejected _ -> keep(ErrorCode.TLS_REJECTED, 503, GRPC_UNAVAILABLE);
      case ProxyError.PoolOverflow _ -> keep(ErrorCode.POOL_OVERFLOW, 503, GRPC_UNAVAILABLE);
      case ProxyError.DeadlinePassed passed -> deadline(passed.timer());
      case ProxyError.UpstreamReset reset ->
          reset.how() == How.CLOSED
              ? keep(ErrorCode.UPSTREAM_CLOSED, 503, GRPC_UNAVAILABLE)
              : keep(ErrorCode.UPSTREAM_RESET, 503, GRPC_UNAVAILABLE);
      case ProxyError.DownstreamGone _ -> close(ErrorCode.DOWNSTREAM_GONE, 499, 1);
      case ProxyError.ProtocolViolation violation ->
          violation.origin() == Origin.DOWNSTREAM
              ? close(ErrorCode.BAD_REQUEST, 400, GRPC_INTERNAL)
              : keep(ErrorCode.UPSTREAM_PROTOCOL_ERROR, 502, GRPC_UNAVAILABLE);
      case ProxyError.UnknownCoding _ -> close(ErrorCode.UNKNOWN_CODING, 501, GRPC_UNIMPLEMENTED);
      case ProxyError.Denied _ -> keep(ErrorCode.DENIED, 403, GRPC_PERMISSION_DENIED);
      case ProxyError.UpgradeRefused _ ->
          keep(ErrorCode.UPGRADE_REFUSED, 403, GRPC_PERMISSION_DENIED);
      case ProxyError.RateLimited _ -> keep(ErrorCode.RATE_LIMITED, 429, GRPC_RESOURCE_EXHAUSTED);
      case ProxyError.FaultInjected fault ->
          keep(
              ErrorCode.FAULT_INJECTED,
              fault.status(),
              grpcStatusOf(fault.grpcStatus(), fault.status()));
      case ProxyError.Draining _ -> close(ErrorCode.DRAINING, 503, GRPC_UNAVAILABLE);
      case ProxyError.TooLarge large -> tooLarge(large);
      case ProxyError.Bug _ -> close(ErrorCode.INTERNAL_ERROR, 500, GRPC_INTERNAL);
    };
  }

  /** The gRPC status that stands for an HTTP status (gRPC, http-grpc-status-mapping). */
  public static int grpcStatusForHttp(int status) {
    return switch (status) {
      case 400 -> GRPC_INTERNAL;
      case 401 -> GRPC_UNAUTHENTICATED;
      case 403 -> GRPC_PERMISSION_DENIED;
      case 404 -> GRPC_UNIMPLEMENTED;
      case 429, 502, 503, 504 -> GRPC_UNAVAILABLE;
      default -> GRPC_UNKNOWN;
    };
  }

  private static int grpcStatusOf(@Nullable Integer given, int httpStatus) {
    return given == null ? grpcStatusForHttp(httpStatus) : given;
  }

  private static ErrorReply deadline(Timer timer) {
    return switch (timer) {
      case ROUTE -> keep(ErrorCode.UPSTREAM_TIMEOUT, 504, GRPC_DEADLINE_EXCEEDED);
      case STREAM -> keep(ErrorCode.STREAM_TIMEOUT, 504, GRPC_DEADLINE_EXCEEDED);
      case PER_TRY -> keep(ErrorCode.PER_TRY_TIMEOUT, 504, GRPC_DEADLINE_EXCEEDED);
      case PER_TRY_IDLE -> keep(ErrorCode.PER_TRY_IDLE_TIMEOUT, 504, GRPC_DEADLINE_EXCEEDED);
      case REQUEST -> close(ErrorCode.REQUEST_TIMEOUT, 408, GRPC_DEADLINE_EXCEEDED);
      case REQUEST_HEADERS -> close(ErrorCode.REQUEST_HEADER_TIMEOUT, 408, GRPC_UNAVAILABLE);
      case REQUEST_BODY -> close(ErrorCode.REQUEST_BODY_TIMEOUT, 408, GRPC_UNAVAILABLE);
      case STREAM_IDLE -> close(ErrorCode.STREAM_IDLE_TIMEOUT, 408, GRPC_UNAVAILABLE);
    };
  }

  private static ErrorReply tooLarge(ProxyError.TooLarge large) {
    if (large.origin() != Origin.DOWNSTREAM) {
      return keep(ErrorCode.UPSTREAM_TOO_LARGE, 502, GRPC_UNAVAILABLE);
    }
    return switch (large.what()) {
      case What.HEADERS, What.HEADER_COUNT ->
          close(ErrorCode.HEADERS_TOO_LARGE, 431, GRPC_RESOURCE_EXHAUSTED);
      case What.URI -> close(ErrorCode.URI_TOO_LONG, 414, GRPC_RESOURCE_EXHAUSTED);
      case What.BODY -> close(ErrorCode.BODY_TOO_LARGE, 413, GRPC_RESOURCE_EXHAUSTED);
    };
  }

  private static ErrorReply keep(ErrorCode code, int status, int grpcStatus) {
    return new ErrorReply(code, status, grpcStatus, false);
  }

  private static ErrorReply close(ErrorCode code, int status, int grpcStatus) {
    return new ErrorReply(code, status, grpcStatus, true);
  }
}
