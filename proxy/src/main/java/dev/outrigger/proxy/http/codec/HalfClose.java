package dev.outrigger.proxy.http.codec;

import dev.outrigger.tls.PeerIdentity;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;

/** The end of one way of a connection, while the other goes on. */
public final class HalfClose {
  private HalfClose() {}

  /** Whether the peer says that it will send no more. */
  public static boolean ends(Object event) {
    return event instanceof ChannelInputShutdownEvent
        || (event instanceof SslCloseCompletionEvent closed && closed.isSuccess());
  }

  /**
   * FIN after what was written. Over TLS a stranger is told by close_notify. A proxy of the mesh is
   * not: its engine would answer with its own and could send nothing more.
   */
  public static void send(Channel channel) {
    if (!channel.isActive()) {
      return;
    }
    SslHandler tls = channel.pipeline().get(SslHandler.class);
    PeerIdentity peer = tls == null ? null : PeerIdentity.of(tls);
    if (tls != null && (peer == null || peer.spiffeId() == null)) {
      channel.flush();
      tls.closeOutbound();
      return;
    }
    channel
        .writeAndFlush(Unpooled.EMPTY_BUFFER)
        .addListener(
            _ -> {
              if (channel instanceof DuplexChannel duplex && channel.isActive()) {
                duplex.shutdownOutput();
              }
            });
  }
}
