package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.Endpoint;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A connection of its own for one probe. A pooled one would say less: that a connection opened some
 * time ago still stands.
 */
final class ProbeConnection {
  private final EventLoop loop;
  private final Class<? extends SocketChannel> channelType;
  private final Securing tls;

  ProbeConnection(EventLoop loop, Class<? extends SocketChannel> channelType, Securing tls) {
    this.loop = loop;
    this.channelType = channelType;
    this.tls = tls;
  }

  /** Decides about the TLS of a connection. */
  interface Securing {
    /** A handler for a new connection, or null where bytes go as they are. */
    @Nullable SslHandler newHandler(Channel channel, Endpoint endpoint);
  }

  /** What a probe does once the connection, with its TLS, stands. */
  interface Conversation {
    void begin(Channel channel, Consumer<ProbeResult> finish);
  }

  void open(
      Endpoint endpoint, Duration timeout, Conversation conversation, Consumer<ProbeResult> done) {
    Probe probe = new Probe(conversation, done);
    probe.deadline =
        loop.schedule(
            () -> probe.finish(new ProbeResult.Unanswered("no answer within " + timeout)),
            timeout.toNanos(),
            TimeUnit.NANOSECONDS);
    InetSocketAddress address =
        new InetSocketAddress(endpoint.address().host(), endpoint.address().port());
    if (address.isUnresolved()) {
      probe.finish(new ProbeResult.Unanswered("no address for " + endpoint.address().host()));
      return;
    }
    ChannelFuture connecting =
        new Bootstrap()
            .group(loop)
            .channel(channelType)
            .option(
                ChannelOption.CONNECT_TIMEOUT_MILLIS,
                Math.clamp(timeout.toMillis(), 1, Integer.MAX_VALUE))
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    probe.channel = channel;
                    SslHandler handler = tls.newHandler(channel, endpoint);
                    if (handler != null) {
                      handler.setHandshakeTimeoutMillis(0); // the deadline of the probe covers it
                      channel.pipeline().addLast(handler);
                      probe.secured = true;
                    }
                    channel.pipeline().addLast(probe);
                  }
                })
            .connect(address);
    connecting.addListener(
        future -> {
          if (!future.isSuccess()) {
            probe.finish(unanswered(future.cause()));
          }
        });
  }

  private static ProbeResult unanswered(@Nullable Throwable cause) {
    String message = cause == null ? null : cause.getMessage();
    return new ProbeResult.Unanswered(message == null ? "connection failed" : message);
  }

  private static final class Probe extends ChannelInboundHandlerAdapter {
    private final Conversation conversation;
    private final Consumer<ProbeResult> done;
    private @Nullable Channel channel;
    private @Nullable ScheduledFuture<?> deadline;
    private boolean secured;
    private boolean finished;

    Probe(Conversation conversation, Consumer<ProbeResult> done) {
      this.conversation = conversation;
      this.done = done;
    }

    void finish(ProbeResult result) {
      if (finished) {
        return;
      }
      finished = true;
      if (deadline != null) {
        deadline.cancel(false);
      }
      if (channel != null) {
        channel.close();
      }
      done.accept(result);
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      if (!secured && !finished) {
        conversation.begin(context.channel(), this::finish);
      }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event instanceof SslHandshakeCompletionEvent handshake) {
        if (!handshake.isSuccess()) {
          finish(new ProbeResult.Unanswered("TLS: " + handshake.cause().getMessage()));
        } else if (!finished) {
          conversation.begin(context.channel(), this::finish);
        }
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ReferenceCountUtil.release(message);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      finish(new ProbeResult.Unanswered("closed without an answer"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      finish(unanswered(cause));
    }
  }
}
