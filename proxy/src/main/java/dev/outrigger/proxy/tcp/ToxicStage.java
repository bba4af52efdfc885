package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.FaultSubject;
import dev.outrigger.fault.Place;
import dev.outrigger.fault.toxic.ChunkSink;
import dev.outrigger.fault.toxic.LatencyToxic;
import dev.outrigger.fault.toxic.ResetPeerToxic;
import dev.outrigger.fault.toxic.ToxicChain;
import dev.outrigger.fault.toxic.ToxicContext;
import dev.outrigger.proxy.telemetry.ConnectionRecord;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.util.concurrent.PromiseNotifier;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where toxics get at the bytes of one relayed connection: between the client's socket (and TLS)
 * and the relay. Without a toxic it hands everything on. What toxics hold is bounded: beyond it the
 * side that sends is not read. Confined to its worker's event loop.
 *
 * <p>A relay that wants to half-close towards the client calls {@link #endDownstream}, since {@code
 * shutdownOutput} does not pass through pipelines.
 */
@WorkerConfined
public final class ToxicStage extends ChannelDuplexHandler {
  /** Per direction: 100 ms at 160 MB/s. */
  private static final long MAX_HELD_BYTES = 16 << 20;

  /** Of the writability flags that are ours to use. */
  private static final int WRITABILITY = 7;

  private final ToxicStages stages;
  private final Subject subject;
  private final String id;
  private final boolean inbound;
  private final ConnectionRecord record;
  private final Supplier<@Nullable Channel> server;
  private final Map<String, FaultRule> attached = new HashMap<>();
  private final ToxicChain upstream = new ToxicChain(new UpstreamExit());
  private final ToxicChain downstream = new ToxicChain(new DownstreamExit());
  private final Deque<Written> promises = new ArrayDeque<>();
  private final List<Object> heldEvents = new ArrayList<>();

  private @Nullable ChannelHandlerContext context;
  private @Nullable Runnable afterDownstream;
  private long downstreamIn;
  private long downstreamOut;
  private boolean reading = true;
  private boolean readBefore;
  private boolean readWanted;
  private boolean writable = true;
  private boolean downstreamEnded;

  /** The promise of a write is kept when all bytes up to this one are out. */
  private record Written(long end, ChannelPromise promise) {}

  ToxicStage(
      ToxicStages stages,
      Subject subject,
      String id,
      boolean inbound,
      ConnectionRecord record,
      Supplier<@Nullable Channel> server) {
    this.stages = stages;
    this.subject = subject;
    this.id = id;
    this.inbound = inbound;
    this.record = record;
    this.server = server;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    // Toxics act at the caller only.
    if (!inbound) {
      stages.opened(this);
      FaultPlan plan = stages.plan();
      if (!plan.isEmpty()) {
        follow(plan);
      }
    }
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    detachAll();
    stages.closed(this);
    context = null;
  }

  /**
   * Half-closes towards the client once nothing is held any more.
   *
   * @param shutdownOutput does it; run at once where nothing is held
   */
  public void endDownstream(Runnable shutdownOutput) {
    if (downstream.isEmpty()) {
      shutdownOutput.run();
    } else {
      afterDownstream = shutdownOutput;
      downstream.onEnd();
    }
  }

  /** Attaches what the plan has for this connection, and detaches what it has no longer. */
  void follow(FaultPlan plan) {
    Map<String, FaultDecision.Hit> wanted = new HashMap<>();
    for (FaultDecider decider : plan.at(Place.CONNECTION, subject.destinationService())) {
      if (decider.rule().match().matches(subject)
          && decider.decide(id, 0) instanceof FaultDecision.Hit hit) {
        wanted.put(decider.rule().fullName(), hit);
      }
    }
    for (FaultRule rule : List.copyOf(attached.values())) {
      FaultDecision.Hit hit = wanted.get(rule.fullName());
      if (hit == null || !hit.rule().equals(rule)) {
        detach(rule);
      }
    }
    wanted.forEach(
        (name, hit) -> {
          if (!attached.containsKey(name) && stages.active().enter(hit.rule())) {
            attach(hit);
          }
        });
  }

  private void attach(FaultDecision.Hit hit) {
    ChannelHandlerContext ctx = context;
    if (ctx == null) {
      stages.active().leave(hit.rule());
      return;
    }
    FaultRule rule = hit.rule();
    attached.put(rule.fullName(), rule);
    record.faultApplied(rule.experiment(), rule.name());
    ToxicContext toxic = new ToxicContext(ctx.executor(), hit.roll(), this::reset);
    switch (rule.fault()) {
      case Fault.Latency(var latency, var jitter, var direction) -> {
        LatencyToxic settings = new LatencyToxic(latency, jitter);
        if (direction.covers(Direction.UPSTREAM)) {
          upstream.attach(rule.fullName(), settings, toxic);
        }
        if (direction.covers(Direction.DOWNSTREAM)) {
          downstream.attach(rule.fullName(), settings, toxic);
        }
      }
      case Fault.ResetPeer(var after) ->
          upstream.attach(rule.fullName(), new ResetPeerToxic(after), toxic);
      // A rule has no others at this place.
      case Fault.Delay _, Fault.Abort _, Fault.Reset _ -> {}
    }
  }

  private void detach(FaultRule rule) {
    attached.remove(rule.fullName());
    stages.active().leave(rule);
    upstream.detach(rule.fullName());
    downstream.detach(rule.fullName());
    releaseReads();
    releaseWrites();
  }

  private void detachAll() {
    for (FaultRule rule : List.copyOf(attached.values())) {
      detach(rule);
    }
  }

  // From the client to the server.

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (upstream.isEmpty() || !(message instanceof ByteBuf chunk)) {
      ctx.fireChannelRead(message);
      return;
    }
    upstream.onChunk(chunk);
    if (upstream.heldBytes() > MAX_HELD_BYTES) {
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
    if (ends && !upstream.isEmpty()) {
      heldEvents.add(event);
      upstream.onEnd();
    } else if (event instanceof ChannelInputShutdownReadComplete && !heldEvents.isEmpty()) {
      heldEvents.add(event);
    } else {
      ctx.fireUserEventTriggered(event);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    // The client is gone, but what it sent before is still for the server.
    downstream.discard();
    failPromises();
    detachAll();
    stages.closed(this);
    ctx.fireChannelInactive();
  }

  private void releaseReads() {
    ChannelHandlerContext ctx = context;
    if (ctx == null || reading || upstream.heldBytes() > MAX_HELD_BYTES / 2) {
      return;
    }
    reading = true;
    Channel far = server.get();
    if (readBefore && (far == null || far.isWritable())) {
      // Else the relay will ask for more once the server can take it.
      ctx.channel().config().setAutoRead(true);
    }
    readBefore = false;
    if (readWanted) {
      readWanted = false;
      ctx.read();
    }
  }

  private final class UpstreamExit implements ChunkSink {
    @Override
    public void chunk(ByteBuf chunk) {
      ChannelHandlerContext ctx = context;
      if (ctx == null) {
        chunk.release();
        return;
      }
      ctx.fireChannelRead(chunk);
      ctx.fireChannelReadComplete();
      releaseReads();
    }

    @Override
    public void end() {
      ChannelHandlerContext ctx = context;
      List<Object> events = List.copyOf(heldEvents);
      heldEvents.clear();
      if (ctx != null) {
        events.forEach(ctx::fireUserEventTriggered);
      }
    }
  }

  // From the server to the client.

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if (downstream.isEmpty() || downstreamEnded || !(message instanceof ByteBuf chunk)) {
      var _ = ctx.write(message, promise);
      return;
    }
    downstreamIn += chunk.readableBytes();
    if (!promise.isVoid()) {
      promises.addLast(new Written(downstreamIn, promise));
    }
    downstream.onChunk(chunk);
    if (writable && downstream.heldBytes() > MAX_HELD_BYTES) {
      setWritable(ctx, false);
    }
  }

  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    if (downstream.heldBytes() == 0 || !ctx.channel().isActive()) {
      var _ = ctx.close(promise);
    } else {
      afterDownstream =
          () -> {
            var _ = ctx.close(promise);
          };
      downstream.onEnd();
    }
  }

  private void releaseWrites() {
    ChannelHandlerContext ctx = context;
    if (ctx != null && !writable && downstream.heldBytes() <= MAX_HELD_BYTES / 2) {
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

  private void failPromises() {
    for (Written written = promises.pollFirst(); written != null; written = promises.pollFirst()) {
      written.promise().tryFailure(new ClosedChannelException());
    }
  }

  private final class DownstreamExit implements ChunkSink {
    @Override
    public void chunk(ByteBuf chunk) {
      ChannelHandlerContext ctx = context;
      if (ctx == null) {
        chunk.release();
        return;
      }
      downstreamOut += chunk.readableBytes();
      ChannelFuture out = ctx.writeAndFlush(chunk);
      while (!promises.isEmpty() && promises.getFirst().end() <= downstreamOut) {
        out.addListener(new PromiseNotifier<>(promises.removeFirst().promise()));
      }
      releaseWrites();
    }

    @Override
    public void end() {
      downstreamEnded = true;
      Runnable then = afterDownstream;
      afterDownstream = null;
      if (then != null) {
        then.run();
      }
    }
  }

  /** RST on both sides: nothing that is buffered is sent, and nobody takes it for an end. */
  private void reset() {
    ChannelHandlerContext ctx = context;
    if (ctx == null) {
      return;
    }
    Channel far = server.get();
    if (far != null) {
      reset(far);
    }
    reset(ctx.channel());
  }

  private static void reset(Channel channel) {
    channel.config().setOption(ChannelOption.SO_LINGER, 0);
    // Past the pipeline, where TLS would say goodbye first and wait for its flush.
    channel.unsafe().close(channel.voidPromise());
  }

  /** A connection as faults see it. */
  record Subject(@Nullable String sourceIdentity, @Nullable String destinationService)
      implements FaultSubject {
    @Override
    public @Nullable String route() {
      return null;
    }

    @Override
    public @Nullable String method() {
      return null;
    }

    @Override
    public @Nullable String path() {
      return null;
    }

    @Override
    public @Nullable String header(String name) {
      return null;
    }
  }
}
