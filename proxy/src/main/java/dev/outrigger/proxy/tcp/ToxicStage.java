package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.toxic.ChunkSink;
import dev.outrigger.fault.toxic.Toxic;
import dev.outrigger.fault.toxic.ToxicChain;
import dev.outrigger.fault.toxic.ToxicContext;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.PromiseNotifier;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where toxics get at the bytes of one connection: between a socket (and TLS) and what reads and
 * writes its bytes. Without a toxic it hands everything on. What toxics hold is bounded: beyond it
 * the side that sends is not read. Confined to its worker's event loop.
 *
 * <p>A relay that wants to half-close towards the client calls {@link #endOutward}, since {@code
 * shutdownOutput} does not pass through pipelines.
 */
@WorkerConfined
public final class ToxicStage extends ChannelDuplexHandler {
  /** Whose socket it stands at. */
  enum Side {
    /** What is read goes inward. */
    CLIENT(Direction.UPSTREAM, Direction.DOWNSTREAM),
    /** What is read comes from inward. */
    SERVER(Direction.DOWNSTREAM, Direction.UPSTREAM);

    private final Direction reads;
    private final Direction writes;

    Side(Direction reads, Direction writes) {
      this.reads = reads;
      this.writes = writes;
    }
  }

  /** Of the writability flags that are ours to use. */
  private static final int WRITABILITY = 7;

  /** For a side that is told of the end to take its last bytes. */
  private static final long LINGER_MILLIS = 1_000;

  private final ToxicStages stages;
  private final Side side;
  private final Consumer<FaultRule> onFault;
  private final Supplier<@Nullable Channel> far;
  private final Map<String, FaultRule> attached = new HashMap<>();
  private final ToxicChain inward = new ToxicChain(new InwardExit());
  private final ToxicChain outward = new ToxicChain(new OutwardExit());
  private final Deque<Written> promises = new ArrayDeque<>();
  private final List<Object> heldEvents = new ArrayList<>();

  private @Nullable ChannelHandlerContext context;
  private @Nullable Runnable afterOutward;
  private long outwardIn;
  private long outwardOut;
  private long accounted;
  private boolean reading = true;
  private boolean readBefore;
  private boolean readWanted;
  private boolean writable = true;
  private boolean outwardEnded;
  private boolean closesAtEnd;
  private boolean cut;
  private boolean finishing;
  private boolean resets;
  private boolean slices;
  private boolean completeDue;
  private boolean flushDue;

  /** The promise of a write is kept when all bytes up to this one are out. */
  private record Written(long end, ChannelPromise promise) {}

  /**
   * @param onFault told of each fault that reaches the connection
   * @param far the channel of the other side, which ends with this one; null where there is none
   */
  ToxicStage(
      ToxicStages stages, Side side, Consumer<FaultRule> onFault, Supplier<@Nullable Channel> far) {
    this.stages = stages;
    this.side = side;
    this.onFault = onFault;
    this.far = far;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    detachAll();
    if (closesAtEnd) {
      ctx.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false);
    }
    context = null;
  }

  /** Whether a toxic has ended the connection. */
  boolean isCut() {
    return cut;
  }

  /** What acts on the bytes now. */
  List<FaultRule> attached() {
    return List.copyOf(attached.values());
  }

  /** Whether bytes would pass untouched, now and until something is attached. */
  boolean isIdle() {
    return attached.isEmpty() && heldEvents.isEmpty() && afterOutward == null && !cut;
  }

  /**
   * Half-closes towards this side once nothing is held any more.
   *
   * @param shutdownOutput does it; run at once where nothing is held
   */
  public void endOutward(Runnable shutdownOutput) {
    if (cut) {
      return; // It ends by itself, after what was handed on.
    }
    if (outward.isEmpty()) {
      shutdownOutput.run();
    } else {
      afterOutward = shutdownOutput;
      outward.onEnd();
    }
  }

  /** Attaches what hits, and detaches what does no longer. */
  void follow(Map<String, FaultDecision.Hit> wanted) {
    for (FaultRule rule : List.copyOf(attached.values())) {
      FaultDecision.Hit hit = wanted.get(rule.fullName());
      if (hit == null || !hit.rule().equals(rule)) {
        detach(rule);
      }
    }
    wanted.forEach(
        (name, hit) -> {
          if (!attached.containsKey(name) && !cut) {
            attach(hit);
          }
        });
  }

  private void attach(FaultDecision.Hit hit) {
    ChannelHandlerContext ctx = context;
    FaultRule rule = hit.rule();
    if (ctx == null || !(rule.fault() instanceof Fault.OnBytes fault)) {
      return;
    }
    Toxic toxic = Toxic.of(fault);
    if (toxic == null || !stages.active().enter(rule)) {
      return;
    }
    attached.put(rule.fullName(), rule);
    slices = slicing();
    onFault.accept(rule);
    // What ends the connection does so once, whichever way the bytes go.
    boolean ends = fault instanceof Fault.ResetPeer;
    ToxicContext at = new ToxicContext(ctx.executor(), hit.roll(), new End());
    if (fault.direction().covers(side.reads)) {
      inward.attach(rule.fullName(), toxic, at);
    }
    if (fault.direction().covers(side.writes) && !ends) {
      outward.attach(rule.fullName(), toxic, at);
    }
    if (side == Side.SERVER
        && !Boolean.TRUE.equals(
            ctx.channel().config().getOption(ChannelOption.ALLOW_HALF_CLOSURE))) {
      // Else the channel would be gone before what the server sent last has been handed on.
      closesAtEnd = true;
      ctx.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
    }
  }

  private void detach(FaultRule rule) {
    attached.remove(rule.fullName());
    stages.active().leave(rule);
    inward.detach(rule.fullName());
    outward.detach(rule.fullName());
    slices = slicing();
    releaseReads();
    releaseWrites();
  }

  private boolean slicing() {
    for (FaultRule rule : attached.values()) {
      if (rule.fault() instanceof Fault.Slicer) {
        return true;
      }
    }
    return false;
  }

  private void detachAll() {
    for (FaultRule rule : List.copyOf(attached.values())) {
      detach(rule);
    }
  }

  // What is read.

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (cut) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (inward.isEmpty() || !(message instanceof ByteBuf chunk)) {
      ctx.fireChannelRead(message);
      return;
    }
    inward.onChunk(chunk);
    account();
    if (inward.heldBytes() > stages.allowance(inward.heldBytes())) {
      reading = false;
      if (ctx.channel().config().isAutoRead()) {
        readBefore = true;
        ctx.channel().config().setAutoRead(false);
      }
    }
  }

  @Override
  public void read(ChannelHandlerContext ctx) {
    if (reading) {
      ctx.read();
    } else {
      readWanted = true;
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    boolean ends =
        event instanceof ChannelInputShutdownEvent || event instanceof SslCloseCompletionEvent;
    if (ends && !inward.isEmpty()) {
      heldEvents.add(event);
      inward.onEnd();
    } else if (ends && closesAtEnd) {
      var _ = ctx.close();
    } else if (event instanceof ChannelInputShutdownReadComplete && !heldEvents.isEmpty()) {
      heldEvents.add(event);
    } else {
      ctx.fireUserEventTriggered(event);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    // Nobody is there to read, but what came before is still for those who wait for it.
    outward.discard();
    account();
    failPromises();
    detachAll();
    ctx.fireChannelInactive();
  }

  /** Tells how much more or less is held than when it was told last. */
  private void account() {
    long now = inward.heldBytes() + outward.heldBytes();
    if (now != accounted) {
      stages.held(now - accounted);
      accounted = now;
    }
  }

  private void releaseReads() {
    ChannelHandlerContext ctx = context;
    account();
    if (ctx == null || reading || inward.heldBytes() > stages.refill(inward.heldBytes())) {
      return;
    }
    reading = true;
    Channel other = far.get();
    if (readBefore && (other == null || other.isWritable())) {
      // Else the relay will ask for more once the other side can take it.
      ctx.channel().config().setAutoRead(true);
    }
    readBefore = false;
    if (readWanted) {
      readWanted = false;
      ctx.read();
    }
  }

  private final class InwardExit implements ChunkSink {
    @Override
    public void chunk(ByteBuf chunk) {
      ChannelHandlerContext ctx = context;
      if (ctx == null) {
        chunk.release();
        return;
      }
      ctx.fireChannelRead(chunk);
      if (!completeDue) {
        completeDue = true;
        afterThis(ctx, () -> settleReads(ctx));
      }
    }

    @Override
    public void end() {
      ChannelHandlerContext ctx = context;
      if (ctx != null) {
        settleReads(ctx);
      }
      List<Object> events = List.copyOf(heldEvents);
      heldEvents.clear();
      if (ctx != null && closesAtEnd) {
        var _ = ctx.close();
      } else if (ctx != null) {
        events.forEach(ctx::fireUserEventTriggered);
      }
    }
  }

  // What is written.

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if (cut) {
      ReferenceCountUtil.release(message);
      if (!promise.isVoid()) {
        promise.tryFailure(new ClosedChannelException());
      }
      return;
    }
    if (outward.isEmpty() || outwardEnded || !(message instanceof ByteBuf chunk)) {
      var _ = ctx.write(message, promise);
      return;
    }
    outwardIn += chunk.readableBytes();
    if (!promise.isVoid()) {
      promises.addLast(new Written(outwardIn, promise));
    }
    outward.onChunk(chunk);
    account();
    if (writable && outward.heldBytes() > stages.allowance(outward.heldBytes())) {
      setWritable(ctx, false);
    }
  }

  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    if (resets) {
      reset(ctx.channel());
      promise.trySuccess();
    } else if (finishing) {
      ctx.channel().closeFuture().addListener(_ -> promise.trySuccess());
    } else if (outward.isEmpty() || outwardEnded || !ctx.channel().isActive()) {
      var _ = ctx.close(promise);
    } else {
      afterOutward =
          () -> {
            var _ = ctx.close(promise);
          };
      outward.onEnd();
    }
  }

  private void releaseWrites() {
    ChannelHandlerContext ctx = context;
    account();
    if (ctx != null && !writable && outward.heldBytes() <= stages.refill(outward.heldBytes())) {
      setWritable(ctx, true);
    }
  }

  private void setWritable(ChannelHandlerContext ctx, boolean now) {
    writable = now;
    ChannelOutboundBuffer buffer = ctx.channel().unsafe().outboundBuffer();
    if (buffer != null) {
      buffer.setUserDefinedWritability(WRITABILITY, now);
    }
  }

  /**
   * Many chunks are let go of at once: they go on together, as they would have without a toxic.
   * Those of a slicer go on one by one.
   */
  private void afterThis(ChannelHandlerContext ctx, Runnable settle) {
    if (slices) {
      settle.run();
    } else {
      ctx.executor().execute(settle);
    }
  }

  private void settleReads(ChannelHandlerContext ctx) {
    if (completeDue) {
      completeDue = false;
      ctx.fireChannelReadComplete();
      releaseReads();
    }
  }

  private void settleWrites(ChannelHandlerContext ctx) {
    if (flushDue) {
      flushDue = false;
      ctx.flush();
      releaseWrites();
    }
  }

  private void failPromises() {
    for (Written written = promises.pollFirst(); written != null; written = promises.pollFirst()) {
      written.promise().tryFailure(new ClosedChannelException());
    }
  }

  private final class OutwardExit implements ChunkSink {
    @Override
    public void chunk(ByteBuf chunk) {
      ChannelHandlerContext ctx = context;
      if (ctx == null) {
        chunk.release();
        return;
      }
      outwardOut += chunk.readableBytes();
      ChannelFuture out = ctx.write(chunk);
      while (!promises.isEmpty() && promises.getFirst().end() <= outwardOut) {
        out.addListener(new PromiseNotifier<>(promises.removeFirst().promise()));
      }
      if (!flushDue) {
        flushDue = true;
        afterThis(ctx, () -> settleWrites(ctx));
      }
    }

    @Override
    public void end() {
      outwardEnded = true;
      ChannelHandlerContext ctx = context;
      if (ctx != null) {
        settleWrites(ctx);
      }
      Runnable then = afterOutward;
      afterOutward = null;
      if (then != null) {
        then.run();
      }
    }
  }

  /** How toxics end the connection; only the first way counts. */
  private final class End implements ToxicContext.ConnectionEnd {
    @Override
    public void close() {
      ChannelHandlerContext ctx = context;
      if (ctx != null && stopAll()) {
        finish(ctx.channel());
        Channel other = far.get();
        if (other != null) {
          finish(other);
        }
      }
    }

    @Override
    public void reset() {
      ChannelHandlerContext ctx = context;
      if (ctx != null && stopAll()) {
        resets = true;
        Channel other = far.get();
        if (other != null) {
          ToxicStage.reset(other);
        }
        if (side == Side.SERVER) {
          // Who reads it is to take this for no orderly end. What it closes is reset as well.
          ctx.fireExceptionCaught(new IOException("Connection reset by a fault"));
        }
        ToxicStage.reset(ctx.channel());
      }
    }

    private boolean stopAll() {
      if (cut) {
        return false;
      }
      cut = true;
      ChannelHandlerContext ctx = context;
      if (ctx != null) {
        settleReads(ctx); // What was let go of before the end is not part of it.
        settleWrites(ctx);
      }
      inward.discard();
      outward.discard();
      account();
      failPromises();
      return true;
    }
  }

  /** The end after all that was handed on. */
  private void finish(Channel channel) {
    ChannelHandlerContext ctx = context;
    if (!channel.isActive() || ctx == null) {
      return;
    }
    boolean own = channel.equals(ctx.channel());
    // The other side's end makes a relay close this one, maybe before its peer has taken all.
    finishing |= own && side == Side.CLIENT;
    ChannelFuture written =
        own
            ? ctx.writeAndFlush(Unpooled.EMPTY_BUFFER)
            : channel.writeAndFlush(Unpooled.EMPTY_BUFFER);
    written.addListener(
        _ -> {
          finishing &= !own;
          if (side == Side.CLIENT
              && channel instanceof DuplexChannel duplex
              && channel.isActive()
              && channel.pipeline().get(SslHandler.class) == null) {
            // Bytes that nobody reads any more would turn a close into a reset, and that would
            // take away from the peer what it has not read yet.
            duplex.shutdownOutput();
            var _ =
                channel
                    .eventLoop()
                    .schedule(() -> channel.close(), LINGER_MILLIS, TimeUnit.MILLISECONDS);
          } else if (own) {
            ctx.close();
          } else {
            channel.close();
          }
        });
  }

  /** RST: nothing that is buffered is sent, and nobody takes it for an end. */
  static void reset(Channel channel) {
    channel.config().setOption(ChannelOption.SO_LINGER, 0);
    // Past the pipeline, where TLS would say goodbye first and wait for its flush.
    channel.unsafe().close(channel.voidPromise());
  }
}
