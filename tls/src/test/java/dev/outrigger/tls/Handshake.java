package dev.outrigger.tls;

import io.netty.buffer.ByteBuf;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslHandler;
import org.jspecify.annotations.Nullable;

/** A client and a server that hand each other their bytes until neither has any more. */
final class Handshake implements AutoCloseable {
  final SslHandler client;
  final SslHandler server;
  final EmbeddedChannel clientEnd;
  final EmbeddedChannel serverEnd;
  int firstFlightBytes;

  Handshake(ClientTls clientTls, ServerTls serverTls, @Nullable SpiffeId expected) {
    client = clientTls.newHandler(io.netty.buffer.ByteBufAllocator.DEFAULT, "mesh.test", expected);
    server = serverTls.newHandler(io.netty.buffer.ByteBufAllocator.DEFAULT);
    serverEnd = new EmbeddedChannel(server);
    clientEnd = new EmbeddedChannel(client);
    exchange();
  }

  void exchange() {
    boolean moved = true;
    while (moved) {
      moved = move(clientEnd, serverEnd, true);
      moved |= move(serverEnd, clientEnd, false);
    }
  }

  private boolean move(EmbeddedChannel from, EmbeddedChannel to, boolean fromClient) {
    boolean moved = false;
    for (ByteBuf bytes = from.readOutbound(); bytes != null; bytes = from.readOutbound()) {
      if (fromClient && firstFlightBytes == 0) {
        firstFlightBytes = bytes.readableBytes();
      }
      moved = true;
      try {
        to.writeInbound(bytes);
      } catch (Exception e) {
        // The handler's future has it too, and that is what the tests look at.
      }
    }
    from.runPendingTasks();
    return moved;
  }

  boolean succeeded() {
    return client.handshakeFuture().isSuccess() && server.handshakeFuture().isSuccess();
  }

  /** The innermost reason that the client gave, or else the server. */
  String refusal() {
    StringBuilder all = new StringBuilder();
    for (SslHandler end : new SslHandler[] {client, server}) {
      for (Throwable t = end.handshakeFuture().cause(); t != null; t = t.getCause()) {
        all.append(t.getMessage()).append(" | ");
      }
    }
    return all.toString();
  }

  @Override
  public void close() {
    try {
      clientEnd.finishAndReleaseAll();
    } catch (Exception e) {
      // As above.
    }
    try {
      serverEnd.finishAndReleaseAll();
    } catch (Exception e) {
      // As above.
    }
  }
}
