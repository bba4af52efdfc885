package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Tunnel;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.http.codec.HalfClose;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.UpstreamReset.How;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * A connection to an endpoint for the bytes of one CONNECT that ended here: that it is open is the
 * agreement. Confined to its worker's event loop.
 */
@WorkerConfined
final class RawUpstream extends ChannelInboundHandlerAdapter implements UpstreamStream {
  private final ConnectionPool pool;

  @SuppressWarnings("NullAway.Init") // set by handlerAdded, before any event
  private ChannelHandlerContext ctx;

  @SuppressWarnings("NullAway.Init") // likewise
  private FlowGate gate;

  private @Nullable StreamListener listener;
  private boolean started;
  private boolean agreed;
  private boolean inputEnded;
  private boolean outputEnded;
  private boolean sawReset;

  RawUpstream(ConnectionPool pool) {
    this.pool = pool;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
    gate = new FlowGate(context.channel());
    context.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
    // A server that speaks first is not read before there is somebody to hear it.
    gate.hold(FlowGate.WAITING);
  }

  boolean usable() {
    return !started && ctx.channel().isActive();
  }

  void close() {
    started = true;
    ctx.close();
  }

  @Override
  public void start(
      StreamListener answers, RequestHead head, BodyKind body, @Nullable Tunnel tunnel) {
    started = true;
    listener = answers;
    // Not from within: who started it is not done yet.
    ctx.executor().execute(this::agree);
  }

  private void agree() {
    StreamListener to = listener;
    if (to != null && ctx.channel().isActive()) {
      agreed = true;
      to.onHead(new ResponseHead(200, HttpVersion.HTTP_1_1, new Headers()), BodyKind.TUNNEL);
      to.onAnswerReadComplete();
      gate.release(FlowGate.WAITING);
      if (inputEnded && listener != null) {
        to.onAnswerEnd(null);
        closeIfBothEnded();
      }
    }
  }

  @Override
  public void body(ByteBuf bytes) {
    if (listener == null || outputEnded) {
      bytes.release();
    } else {
      ctx.write(bytes, ctx.voidPromise());
    }
  }

  @Override
  public void end(@Nullable Headers trailers) {
    if (!outputEnded) {
      outputEnded = true;
      HalfClose.send(ctx.channel());
      closeIfBothEnded();
    }
  }

  @Override
  public void flush() {
    ctx.flush();
  }

  @Override
  public boolean writable() {
    return ctx.channel().isWritable();
  }

  @Override
  public @Nullable SocketAddress localAddress() {
    return ctx.channel().localAddress();
  }

  @Override
  public boolean touched() {
    return agreed;
  }

  @Override
  public FlowGate answerGate() {
    return gate;
  }

  @Override
  public void cancel() {
    listener = null;
    if (ctx.channel().isActive()) {
      ctx.channel().config().setOption(ChannelOption.SO_LINGER, 0);
      ctx.close();
    }
  }

  @Override
  public void discardRest() {
    cancel();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    StreamListener to = listener;
    ByteBuf bytes = (ByteBuf) message;
    if (to == null) {
      bytes.release();
    } else {
      to.onAnswerBody(bytes);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    StreamListener to = listener;
    if (to != null) {
      to.onAnswerReadComplete();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    StreamListener to = listener;
    if (to != null && context.channel().isWritable()) {
      to.onWritable();
    }
    context.fireChannelWritabilityChanged();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (HalfClose.ends(event)) {
      inputEnded();
    }
    context.fireUserEventTriggered(event);
  }

  private void inputEnded() {
    StreamListener to = listener;
    if (!inputEnded) {
      inputEnded = true;
      if (to != null && agreed) {
        to.onAnswerEnd(null);
        closeIfBothEnded();
      }
    }
  }

  private void closeIfBothEnded() {
    if (inputEnded && outputEnded) {
      listener = null;
      ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    sawReset = cause instanceof IOException;
    context.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    started = true;
    pool.closed(this);
    if (agreed && !sawReset) {
      inputEnded();
    }
    StreamListener to = listener;
    listener = null;
    if (to != null) {
      to.onFailure(
          new ProxyError.UpstreamReset(
              pool.endpointName(), sawReset ? How.RESET : How.CLOSED, !agreed),
          false);
    }
    context.fireChannelInactive();
  }
}
