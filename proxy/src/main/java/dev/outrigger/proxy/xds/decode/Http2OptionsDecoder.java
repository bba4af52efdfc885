package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.Http2Config;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.Http2ProtocolOptions;
import io.envoyproxy.envoy.config.core.v3.KeepaliveSettings;
import java.time.Duration;

/** The limits of HTTP/2, on either side. */
final class Http2OptionsDecoder {
  private static final int LEAST_WINDOW = 65_535;

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
            : defaults.keepAliveTimeout());
  }
}
