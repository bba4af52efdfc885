package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.CallTimes;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The bounds of a route beside its timeout, with what calls of gRPC may say. */
final class CallTimesDecoder {
  private CallTimesDecoder() {}

  @SuppressWarnings("deprecation") // Control planes and files still use the old forms.
  static CallTimes decode(RouteAction route, Scope scope) throws InvalidResourceException {
    RouteAction.MaxStreamDuration stream = route.getMaxStreamDuration();
    Scope at = scope.in("max_stream_duration");
    @Nullable Duration whole =
        stream.hasMaxStreamDuration()
            ? at.in("max_stream_duration").duration(stream.getMaxStreamDuration())
            : null;
    @Nullable Duration headerMax =
        stream.hasGrpcTimeoutHeaderMax()
            ? at.in("grpc_timeout_header_max").duration(stream.getGrpcTimeoutHeaderMax())
            : null;
    Duration headerOffset =
        stream.hasGrpcTimeoutHeaderOffset()
            ? at.in("grpc_timeout_header_offset").duration(stream.getGrpcTimeoutHeaderOffset())
            : Duration.ZERO;
    // The newer form outweighs the older one.
    boolean old = !route.hasMaxStreamDuration();
    @Nullable Duration routeMax =
        old && route.hasMaxGrpcTimeout()
            ? scope.in("max_grpc_timeout").duration(route.getMaxGrpcTimeout())
            : null;
    Duration routeOffset =
        old && route.hasGrpcTimeoutOffset()
            ? scope.in("grpc_timeout_offset").duration(route.getGrpcTimeoutOffset())
            : Duration.ZERO;
    return new CallTimes(whole, headerMax, headerOffset, routeMax, routeOffset);
  }
}
