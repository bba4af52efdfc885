package dev.outrigger.proxy.outcome;

/**
 * What is said to a caller about an error.
 *
 * @param code the stable code of {@code x-outrigger-error}, described by {@code outrigger explain}
 * @param status HTTP status; 0 says nothing and resets
 * @param grpcStatus gRPC status code
 * @param closesConnection whether the downstream connection is of no further use
 */
public record ErrorReply(ErrorCode code, int status, int grpcStatus, boolean closesConnection) {

  /** For logs and metrics. */
  public ResponseFlag flag() {
    return code.flag();
  }
}
