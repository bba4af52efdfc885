package dev.outrigger.proxy.outcome;

/**
 * The stable codes of {@code x-outrigger-error}; {@code outrigger explain} has a page for each. A
 * code is never given another meaning.
 */
public enum ErrorCode {
  NO_ROUTE("no_route", "No route matches the request.", ResponseFlag.NR, "route_not_found"),
  NO_CLUSTER(
      "no_cluster",
      "The route leads to a cluster that the proxy does not have.",
      ResponseFlag.NC,
      "cluster_not_found"),
  NO_HEALTHY_ENDPOINT(
      "no_healthy_endpoint",
      "The cluster has no endpoint that may be used.",
      ResponseFlag.UH,
      "no_healthy_upstream"),
  CONNECT_REFUSED(
      "connect_refused",
      "The endpoint refused the connection.",
      ResponseFlag.UF,
      "upstream_reset_before_response_started{remote_connection_failure}"),
  CONNECT_TIMEOUT(
      "connect_timeout",
      "Connecting to the endpoint took longer than the connect timeout.",
      ResponseFlag.UF,
      "upstream_reset_before_response_started{connection_timeout}"),
  TLS_REJECTED(
      "tls_rejected",
      "The TLS handshake with the endpoint failed.",
      ResponseFlag.UF,
      "upstream_reset_before_response_started{remote_connection_failure}"),
  POOL_OVERFLOW(
      "pool_overflow",
      "The limits of the connection pool or circuit breaker are full.",
      ResponseFlag.UO,
      "upstream_reset_before_response_started{overflow}"),
  UPSTREAM_TIMEOUT(
      "upstream_timeout",
      "The whole request took longer than the route allows.",
      ResponseFlag.UT,
      "response_timeout"),
  STREAM_TIMEOUT(
      "stream_timeout",
      "The exchange took longer than its caller, or the route, lets it take in all.",
      ResponseFlag.UT,
      "max_duration_timeout"),
  PER_TRY_TIMEOUT(
      "per_try_timeout",
      "An attempt took longer than one attempt may, and no retry was left.",
      ResponseFlag.UT,
      "upstream_per_try_timeout"),
  PER_TRY_IDLE_TIMEOUT(
      "per_try_idle_timeout",
      "An attempt stood still for longer than one may.",
      ResponseFlag.UT,
      "upstream_per_try_idle_timeout"),
  UPSTREAM_CLOSED(
      "upstream_closed",
      "The endpoint closed the connection before it answered.",
      ResponseFlag.UC,
      "upstream_reset_before_response_started{connection_termination}"),
  UPSTREAM_RESET(
      "upstream_reset",
      "The endpoint reset the connection or stream before it answered.",
      ResponseFlag.UR,
      "upstream_reset_before_response_started{remote_reset}"),
  UPSTREAM_PROTOCOL_ERROR(
      "upstream_protocol_error",
      "The endpoint's answer is not valid HTTP.",
      ResponseFlag.UPE,
      "upstream_reset_before_response_started{protocol_error}"),
  UPSTREAM_TOO_LARGE(
      "upstream_too_large",
      "The endpoint's answer has larger headers than the proxy takes.",
      ResponseFlag.UPE,
      "upstream_reset_before_response_started{protocol_error}"),
  DOWNSTREAM_GONE(
      "downstream_gone",
      "The caller went away before the answer was there.",
      ResponseFlag.DC,
      "downstream_remote_disconnect"),
  BAD_REQUEST(
      "bad_request", "The caller's bytes are not valid HTTP.", ResponseFlag.DPE, "codec_error"),
  UNKNOWN_CODING(
      "unknown_coding",
      "The request's body comes in a transfer coding that is not known here.",
      ResponseFlag.DPE,
      "http1.invalid_transfer_encoding"),
  REQUEST_HEADER_TIMEOUT(
      "request_header_timeout",
      "The caller did not finish its request head in time.",
      ResponseFlag.DPE,
      "request_header_timeout"),
  REQUEST_TIMEOUT(
      "request_timeout",
      "The caller did not finish its request in time.",
      ResponseFlag.DPE,
      "request_overall_timeout"),
  REQUEST_BODY_TIMEOUT(
      "request_body_timeout",
      "The caller sent its request's body too slowly.",
      ResponseFlag.DPE,
      "request_overall_timeout"),
  STREAM_IDLE_TIMEOUT(
      "stream_idle_timeout",
      "Nothing moved on the exchange for longer than the idle timeout.",
      ResponseFlag.SI,
      "stream_idle_timeout"),
  HEADERS_TOO_LARGE(
      "headers_too_large",
      "The request's headers are larger or more than the proxy takes.",
      ResponseFlag.DPE,
      "headers_too_large"),
  URI_TOO_LONG(
      "uri_too_long",
      "The request's path and query are longer than the proxy takes.",
      ResponseFlag.DPE,
      "uri_too_long"),
  BODY_TOO_LARGE(
      "body_too_large",
      "The request's body is larger than the proxy takes where it must hold it.",
      ResponseFlag.DPE,
      "request_payload_too_large"),
  DENIED(
      "denied",
      "An authorization policy refused the request.",
      ResponseFlag.UAEX,
      "rbac_access_denied"),
  UPGRADE_REFUSED(
      "upgrade_refused",
      "The route does not let the protocol through that the caller wants to change to.",
      ResponseFlag.NR,
      "upgrade_failed"),
  RATE_LIMITED(
      "rate_limited", "A rate limit refused the request.", ResponseFlag.RL, "request_rate_limited"),
  FAULT_INJECTED(
      "fault_injected",
      "An experiment aborted the request on purpose.",
      ResponseFlag.FI,
      "fault_filter_abort"),
  DRAINING(
      "draining", "The proxy is about to end and takes nothing new.", ResponseFlag.LR, "draining"),
  INTERNAL_ERROR(
      "internal_error",
      "The proxy met a state that it believes impossible.",
      ResponseFlag.LR,
      "internal_error");

  private static final String BEFORE = "upstream_reset_before_response_started";

  private final String text;
  private final String title;
  private final ResponseFlag flag;
  private final String details;
  private final String detailsOnceBegun;

  ErrorCode(String text, String title, ResponseFlag flag, String details) {
    this.text = text;
    this.title = title;
    this.flag = flag;
    this.details = details;
    this.detailsOnceBegun = details.replace(BEFORE, "upstream_reset_after_response_started");
  }

  /** One sentence for people. */
  public String title() {
    return title;
  }

  /** What logs and metrics flag it with. */
  public ResponseFlag flag() {
    return flag;
  }

  /**
   * The words of Envoy's {@code %RESPONSE_CODE_DETAILS%}; our own where Envoy has none.
   *
   * @param responseBegun whether the client had seen part of an answer
   */
  public String details(boolean responseBegun) {
    return responseBegun ? detailsOnceBegun : details;
  }

  /** As it stands in {@code x-outrigger-error}, such as {@code no_route}. */
  @Override
  public String toString() {
    return text;
  }
}
