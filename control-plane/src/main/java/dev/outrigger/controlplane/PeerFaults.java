package dev.outrigger.controlplane;

import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.netty.handler.codec.http2.Http2Exception;
import java.util.List;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Keeps out of the log what gRPC reports, with a stack each time, about bytes that a peer got
 * wrong: whoever reaches a port could fill the log with it. The peer is told by its status, or
 * loses its connection. All else that gRPC reports goes through.
 */
final class PeerFaults implements Filter {
  /** Held here, for loggers that nobody holds lose their filters. */
  private static final List<Logger> LOGGERS =
      List.of(
          Logger.getLogger("io.grpc.netty.NettyServerTransport.connections"),
          Logger.getLogger("io.grpc.netty.NettyServerStream"),
          Logger.getLogger("io.grpc.netty.NettyServerHandler"),
          Logger.getLogger("io.grpc.internal.SerializingExecutor"));

  private PeerFaults() {}

  /** For the whole process. */
  static void keepOutOfTheLog() {
    Filter filter = new PeerFaults();
    LOGGERS.forEach(logger -> logger.setFilter(filter));
  }

  @Override
  public boolean isLoggable(LogRecord entry) {
    Throwable thrown = entry.getThrown();
    boolean peers =
        thrown instanceof Http2Exception
            || thrown instanceof StatusRuntimeException
            || thrown instanceof StatusException;
    return !peers;
  }
}
