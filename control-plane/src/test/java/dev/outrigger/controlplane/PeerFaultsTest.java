package dev.outrigger.controlplane;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

class PeerFaultsTest {
  private static List<String> logged(String name, Throwable thrown) {
    List<String> messages = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            messages.add(entry.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    PeerFaults.keepOutOfTheLog();
    Logger logger = Logger.getLogger(name);
    logger.setUseParentHandlers(false);
    logger.addHandler(handler);
    try {
      logger.log(Level.SEVERE, "said", thrown);
    } finally {
      logger.removeHandler(handler);
      logger.setUseParentHandlers(true);
    }
    return messages;
  }

  @Test
  void bytesThatAPeerGotWrongAreNotLogged() {
    assertThat(
            logged(
                "io.grpc.netty.NettyServerTransport.connections",
                Http2Exception.connectionError(Http2Error.PROTOCOL_ERROR, "no preface")))
        .isEmpty();
    assertThat(
            logged(
                "io.grpc.internal.SerializingExecutor",
                Status.INTERNAL.withDescription("no protobuf").asRuntimeException()))
        .isEmpty();
  }

  @Test
  void mistakesOfOurOwnAreLogged() {
    assertThat(logged("io.grpc.internal.SerializingExecutor", new IllegalStateException("ours")))
        .containsExactly("said");
  }
}
