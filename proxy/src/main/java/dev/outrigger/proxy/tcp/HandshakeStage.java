package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.HandshakeFault.Then;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Upsets one handshake: it stands between the socket and TLS, holds the client's first message for
 * a while, and then lets it go or ends the handshake. Confined to its worker's event loop.
 *
 * <p>States: waiting for the first message → holding → gone, silent or closed.
 */
@WorkerConfined
final class HandshakeStage extends ChannelDuplexHandler {
  /** Which side of the handshake this proxy is. */
  enum Side {
    CLIENT,
    SERVER
  }

  /** A first message is a few kilobytes; nobody may make us hold much more. */
  private static final int MAX_HELD_BYTES = 64 * 1024;

  /** A record of TLS 1.2, as all alerts before the keys, with a fatal handshake_failure. */
  private static final byte[] ALERT = {21, 3, 3, 0, 2, 2, 40};

  private final Side side;
  private final Duration delay;
  private final Then then;
  private final Deque<Held> held = new ArrayDeque<>();
  private int heldBytes;
  private boolean silent;
  private @Nullable Future<?> timer;

  /**
   * @param promise of what was written; null for what was read
   */
  private record Held(Object message, @Nullable ChannelPromise promise) {}

  HandshakeStage(Side side, Duration delay, Then then) {
    this.side = side;
    this.delay = delay;
    this.then = then;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (side == Side.SERVER) {
      hold(context, message, null);
    } else if (silent) {
      ReferenceCountUtil.release(message);
    } else {
      context.fireChannelRead(message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    if (side == Side.CLIENT || held.isEmpty()) {
      context.fireChannelReadComplete();
    } else if (!context.channel().config().isAutoRead()) {
      context.read();
    }
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (side == Side.CLIENT) {
      hold(context, message, promise);
    } else {
      var _ = context.write(message, promise);
    }
  }

  private void hold(
      ChannelHandlerContext context, Object message, @Nullable ChannelPromise promise) {
    heldBytes += message instanceof ByteBuf bytes ? bytes.readableBytes() : 0;
    if (silent || heldBytes > MAX_HELD_BYTES) {
      drop(new Held(message, promise));
      if (!silent) {
        context.close();
      }
      return;
    }
    held.add(new Held(message, promise));
    if (timer == null) {
      timer =
          context
              .executor()
              .schedule(() -> proceed(context), delay.toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  private void proceed(ChannelHandlerContext context) {
    if (context.isRemoved() || !context.channel().isActive()) {
      return;
    }
    switch (then) {
      case GO_ON -> {
        letGo(context);
        context.pipeline().remove(this);
      }
      case SILENCE -> {
        silent = true;
        dropAll();
      }
      case RESET -> {
        dropAll();
        ToxicStage.reset(context.channel());
      }
      case ALERT -> {
        silent = true;
        dropAll();
        ByteBuf alert = Unpooled.wrappedBuffer(ALERT);
        if (side == Side.CLIENT) {
          context.fireChannelRead(alert);
          context.fireChannelReadComplete();
        } else {
          context.writeAndFlush(alert).addListener(ChannelFutureListener.CLOSE);
        }
      }
    }
  }

  private void letGo(ChannelHandlerContext context) {
    for (Held one = held.poll(); one != null; one = held.poll()) {
      ChannelPromise promise = one.promise();
      if (promise == null) {
        context.fireChannelRead(one.message());
      } else {
        var _ = context.write(one.message(), promise);
      }
    }
    if (side == Side.CLIENT) {
      context.flush();
    } else {
      context.fireChannelReadComplete();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    stop();
    context.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    stop();
  }

  private void stop() {
    if (timer != null) {
      timer.cancel(false);
    }
    dropAll();
  }

  private void dropAll() {
    for (Held one = held.poll(); one != null; one = held.poll()) {
      drop(one);
    }
  }

  private static void drop(Held one) {
    ReferenceCountUtil.release(one.message());
    ChannelPromise promise = one.promise();
    if (promise != null && !promise.isVoid()) {
      promise.tryFailure(new ClosedChannelException());
    }
  }
}
