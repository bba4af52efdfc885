package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.UInt32Value;
import dev.outrigger.proxy.config.Http2Config;
import dev.outrigger.proxy.config.Http2Config.FrameLimits;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.Http2ProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.KeepaliveSettings;
import java.time.Duration;

/** The limits of HTTP/2, on either side. */
final class Http2OptionsDecoder {
  private static final int LEAST_WINDOW = 65_535;
  private static final int MOST_FRAMES = 1_000_000;

  private Http2OptionsDecoder() {}

  static Http2Config decode(Http2ProtocolOptions options, Http2Config defaults, Scope scope)
      throws InvalidResourceException {
    KeepaliveSettings keepAlive = options.getConnectionKeepalive();
    Scope at = scope.in("connection_keepalive");
    return new Http2Config(
        options.hasMaxConcurrentStreams()
            ? scope
                .in("max_concurrent_streams")
                .number(options.getMaxConcurrentStreams(), 1, Integer.MAX_VALUE)
            : defaults.maxStreams(),
        options.hasInitialStreamWindowSize()
            ? scope
                .in("initial_stream_window_size")
                .number(options.getInitialStreamWindowSize(), LEAST_WINDOW, Integer.MAX_VALUE)
            : defaults.streamWindow(),
        options.hasInitialConnectionWindowSize()
            ? scope
                .in("initial_connection_window_size")
                .number(options.getInitialConnectionWindowSize(), LEAST_WINDOW, Integer.MAX_VALUE)
            : defaults.connectionWindow(),
        keepAlive.hasInterval()
            ? at.in("interval").positive(keepAlive.getInterval())
            : Duration.ZERO,
        keepAlive.hasTimeout()
            ? at.in("timeout").positive(keepAlive.getTimeout())
            : defaults.keepAliveTimeout(),
        frames(options, defaults.frames(), scope),
        options.getAllowConnect());
  }

  private static FrameLimits frames(Http2ProtocolOptions options, FrameLimits defaults, Scope scope)
      throws InvalidResourceException {
    return new FrameLimits(
        limit(
            options.hasMaxOutboundFrames(),
            options.getMaxOutboundFrames(),
            1,
            defaults.unsent(),
            scope.in("max_outbound_frames")),
        limit(
            options.hasMaxOutboundControlFrames(),
            options.getMaxOutboundControlFrames(),
            1,
            defaults.unsentReplies(),
            scope.in("max_outbound_control_frames")),
        limit(
            options.hasMaxConsecutiveInboundFramesWithEmptyPayload(),
            options.getMaxConsecutiveInboundFramesWithEmptyPayload(),
            0,
            defaults.emptyInARow(),
            scope.in("max_consecutive_inbound_frames_with_empty_payload")),
        limit(
            options.hasMaxInboundPriorityFramesPerStream(),
            options.getMaxInboundPriorityFramesPerStream(),
            0,
            defaults.priorityPerStream(),
            scope.in("max_inbound_priority_frames_per_stream")),
        limit(
            options.hasMaxInboundWindowUpdateFramesPerDataFrameSent(),
            options.getMaxInboundWindowUpdateFramesPerDataFrameSent(),
            1,
            defaults.windowUpdatesPerData(),
            scope.in("max_inbound_window_update_frames_per_data_frame_sent")));
  }

  private static int limit(boolean set, UInt32Value value, int least, int otherwise, Scope scope)
      throws InvalidResourceException {
    return set ? Math.min(scope.atLeast(value, least), MOST_FRAMES) : otherwise;
  }
}
