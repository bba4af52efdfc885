package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Waits for the first bytes of a connection without TLS, and makes way for the handler of HTTP/2 if
 * they are its preface, of HTTP/1.1 otherwise. Confined to its worker's event loop.
 */
@WorkerConfined
final class CodecChooser extends ChannelInboundHandlerAdapter implements HttpService.Connection {

  private final HttpService service;
  private final HttpSettings.View settings;
  private final ConnectionFacts facts;
  private @Nullable ByteBuf seen;
  private @Nullable ChannelHandlerContext ctx;
  private @Nullable ScheduledFuture<?> patience;
  private boolean chosen;

  CodecChooser(HttpService service, HttpSettings.View settings, ConnectionFacts facts) {
    this.service = service;
    this.settings = settings;
    this.facts = facts;
  }

  @Override
  public ConnectionFacts facts() {
    return facts;
  }

  @Override
  public void drain() {
    ChannelHandlerContext context = ctx;
    if (context != null) {
      choose(context, false); // it knows how to end a connection that has said nothing
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
    service.opened(this);
    if (service.draining(facts)) {
      choose(context, false);
      return;
    }
    long idle = settings.current().config().timeouts().connectionIdle().toNanos();
    if (idle > 0) {
      patience = context.executor().schedule(() -> context.close(), idle, TimeUnit.NANOSECONDS);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf in = (ByteBuf) message;
    if (chosen) {
      in.release();
      return;
    }
    ByteBuf before = seen;
    if (before != null) {
      before.writeBytes(in);
      in.release();
      in = before;
    }
    ByteBuf preface = Http2CodecUtil.connectionPrefaceBuf();
    int common = Math.min(preface.readableBytes(), in.readableBytes());
    for (int i = 0; i < common; i++) {
      if (in.getByte(in.readerIndex() + i) != preface.getByte(i)) {
        seen = in;
        choose(context, false);
        return;
      }
    }
    if (common == preface.readableBytes()) {
      seen = in;
      choose(context, true);
    } else if (before == null) {
      // Its own, so that what comes next can be put behind it.
      ByteBuf kept = context.alloc().buffer(64 * 1024).writeBytes(in);
      in.release();
      seen = kept;
      wait(context);
    }
  }

  /** Half a preface is a head that does not come. */
  private void wait(ChannelHandlerContext context) {
    ScheduledFuture<?> timer = patience;
    if (timer != null) {
      timer.cancel(false);
    }
    long limit = settings.current().config().timeouts().requestHeaders().toNanos();
    patience =
        limit > 0
            ? context.executor().schedule(() -> choose(context, false), limit, TimeUnit.NANOSECONDS)
            : null;
  }

  private void choose(ChannelHandlerContext context, boolean http2) {
    if (chosen) {
      return;
    }
    chosen = true;
    end();
    ChannelHandler next =
        http2
            ? new Http2Downstream(service, settings, facts).handler()
            : new Http1Downstream(service, settings, facts);
    ByteBuf bytes = seen;
    seen = null;
    context.pipeline().replace(this, null, next);
    if (bytes != null) {
      context.fireChannelRead(bytes);
    }
  }

  private void end() {
    service.closed(this);
    ScheduledFuture<?> timer = patience;
    if (timer != null) {
      timer.cancel(false);
      patience = null;
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    end();
    ByteBuf bytes = seen;
    if (bytes != null) {
      seen = null;
      bytes.release();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof ChannelInputShutdownEvent) {
      if (seen == null) {
        context.close();
        return;
      }
      choose(context, false);
    }
    context.fireUserEventTriggered(event);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    end();
    context.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close();
  }
}
