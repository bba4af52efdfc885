package dev.outrigger.proxy.config;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long exchanges of a route may take in all, and what a call of gRPC may say about it itself
 * (xDS: {@code max_stream_duration}, {@code max_grpc_timeout} and {@code grpc_timeout_offset} of
 * {@code RouteAction}).
 *
 * @param stream from the head of the request to the end of the answer; zero is no bound, null
 *     leaves it to the connection manager
 * @param headerMax caps what {@code grpc-timeout} asks for, which then holds in place of {@code
 *     stream}; zero is no cap, null does not look at the header
 * @param headerOffset taken off what the header asks for
 * @param routeMax the older form: what {@code grpc-timeout} asks for, capped by this, holds in
 *     place of the route's timeout; zero is no cap, null does not look at the header
 * @param routeOffset taken off that, unless nothing would be left
 */
public record CallTimes(
    @Nullable Duration stream,
    @Nullable Duration headerMax,
    Duration headerOffset,
    @Nullable Duration routeMax,
    Duration routeOffset) {
  /** No bounds, and the header is not looked at. */
  public static final CallTimes NONE =
      new CallTimes(null, null, Duration.ZERO, null, Duration.ZERO);
}
