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
          ProxyError.Denied _,
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
      case ProxyError.NoRoute _ -> keep("no_route", 404, GRPC_UNIMPLEMENTED, ResponseFlag.NR);
      case ProxyError.NoCluster _ -> keep("no_cluster", 503, GRPC_UNAVAILABLE, ResponseFlag.NC);
      case ProxyError.NoHealthyEndpoint _ ->
          keep("no_healthy_endpoint", 503, GRPC_UNAVAILABLE, ResponseFlag.UH);
      case ProxyError.ConnectRefused _ ->
          keep("connect_refused", 503, GRPC_UNAVAILABLE, ResponseFlag.UF);
      case ProxyError.ConnectTimedOut _ ->
          keep("connect_timeout", 503, GRPC_UNAVAILABLE, ResponseFlag.UF);
      case ProxyError.TlsRejected _ -> keep("tls_rejected", 503, GRPC_UNAVAILABLE, ResponseFlag.UF);
      case ProxyError.PoolOverflow _ ->
          keep("pool_overflow", 503, GRPC_UNAVAILABLE, ResponseFlag.UO);
      case ProxyError.DeadlinePassed passed -> deadline(passed.timer());
      case ProxyError.UpstreamReset reset ->
          reset.how() == How.CLOSED
              ? keep("upstream_closed", 503, GRPC_UNAVAILABLE, ResponseFlag.UC)
              : keep("upstream_reset", 503, GRPC_UNAVAILABLE, ResponseFlag.UR);
      case ProxyError.DownstreamGone _ -> close("downstream_gone", 499, 1, ResponseFlag.DC);
      case ProxyError.ProtocolViolation violation ->
          violation.origin() == Origin.DOWNSTREAM
              ? close("bad_request", 400, GRPC_INTERNAL, ResponseFlag.DPE)
              : keep("upstream_protocol_error", 502, GRPC_UNAVAILABLE, ResponseFlag.UPE);
      case ProxyError.Denied _ -> keep("denied", 403, GRPC_PERMISSION_DENIED, ResponseFlag.UAEX);
      case ProxyError.RateLimited _ ->
          keep("rate_limited", 429, GRPC_RESOURCE_EXHAUSTED, ResponseFlag.RL);
      case ProxyError.FaultInjected fault ->
          keep(
              "fault_injected",
              fault.status(),
              grpcStatusOf(fault.grpcStatus(), fault.status()),
              ResponseFlag.FI);
      case ProxyError.Draining _ -> close("draining", 503, GRPC_UNAVAILABLE, ResponseFlag.LR);
      case ProxyError.TooLarge large -> tooLarge(large);
      case ProxyError.Bug _ -> close("internal_error", 500, GRPC_INTERNAL, ResponseFlag.LR);
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
      case ROUTE -> keep("upstream_timeout", 504, GRPC_DEADLINE_EXCEEDED, ResponseFlag.UT);
      case PER_TRY -> keep("per_try_timeout", 504, GRPC_DEADLINE_EXCEEDED, ResponseFlag.UT);
      case REQUEST_HEADERS ->
          close("request_header_timeout", 408, GRPC_UNAVAILABLE, ResponseFlag.DPE);
      case STREAM_IDLE -> close("stream_idle_timeout", 408, GRPC_UNAVAILABLE, ResponseFlag.SI);
    };
  }

  private static ErrorReply tooLarge(ProxyError.TooLarge large) {
    if (large.origin() != Origin.DOWNSTREAM) {
      return keep("upstream_too_large", 502, GRPC_UNAVAILABLE, ResponseFlag.UPE);
    }
    return switch (large.what()) {
      case What.HEADERS, What.HEADER_COUNT ->
          close("headers_too_large", 431, GRPC_RESOURCE_EXHAUSTED, ResponseFlag.DPE);
      case What.URI -> close("uri_too_long", 414, GRPC_RESOURCE_EXHAUSTED, ResponseFlag.DPE);
      case What.BODY -> close("body_too_large", 413, GRPC_RESOURCE_EXHAUSTED, ResponseFlag.DPE);
    };
  }

  private static ErrorReply keep(String code, int status, int grpcStatus, ResponseFlag flag) {
    return new ErrorReply(code, status, grpcStatus, flag, false);
  }

  private static ErrorReply close(String code, int status, int grpcStatus, ResponseFlag flag) {
    return new ErrorReply(code, status, grpcStatus, flag, true);
  }
}
