package dev.outrigger.proxy.tcp;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.balance.PickContext;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.NetworkFilter;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.ConnectionRecord;
import dev.outrigger.proxy.upstream.Upstream;
import dev.outrigger.proxy.upstream.UpstreamConnector;
import dev.outrigger.proxy.worker.WorkerConfined;
import dev.outrigger.tls.PeerIdentity;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Bytes both ways between a client and one endpoint. A side that is slow stops the reading of the
 * other; an end one way leaves the other way open; a reset is passed on as a reset. Confined to its
 * worker's event loop.
 *
 * <p>States: connecting (the client is read no further than what came with detection), open,
 * closed. From connecting to open when an endpoint is reached, to closed when none can be; from
 * open to closed when both ways have ended, one side was reset, or the relay was idle for too long.
 */
@WorkerConfined
final class TcpRelay extends ChannelInboundHandlerAdapter {
  private final TcpService service;
  private final NetworkFilter.Tcp config;
  private final ConnectionFacts facts;
  private final int bufferBytes;
  private final ConnectionRecord record;
  private final Deque<ByteBuf> early = new ArrayDeque<>();
  private final Set<Endpoint> tried = new HashSet<>();

  private @Nullable ChannelHandlerContext client;
  private @Nullable Channel server;
  private @Nullable Upstream upstream;
  private @Nullable Endpoint endpoint;
  private @Nullable ToxicStage stage;
  private @Nullable Consumer<FaultPlan> following;
  private @Nullable ScheduledFuture<?> idleTimer;
  private long lastByte;
  private boolean clientEnded;
  private boolean serverEnded;
  private boolean finished;
  private boolean began;

  TcpRelay(TcpService service, NetworkFilter.Tcp config, ConnectionFacts facts, int bufferBytes) {
    this.service = service;
    this.config = config;
    this.facts = facts;
    this.bufferBytes = Math.clamp(bufferBytes, 8 * 1024, 1 << 20);
    this.record = service.telemetry().startConnection(facts, config);
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    client = context;
    service.opened(this);
    // Bytes that are on their way are held; more are not asked for until someone takes them.
    context.channel().config().setAutoRead(false);
    lastByte = now(context);
    Upstream chosen = service.choose(config.clusters());
    if (chosen == null) {
      String name = config.clusters().isEmpty() ? "-" : config.clusters().getFirst().cluster();
      end(new ProxyError.NoCluster(name));
      return;
    }
    upstream = chosen;
    connect(chosen, service.toxics().newConnection(chosen.config(), facts.inbound()), 1);
  }

  private static long now(ChannelHandlerContext context) {
    return context.executor().ticker().nanoTime();
  }

  private void connect(Upstream target, ConnectionLuck rolls, int attempt) {
    PickContext pick = tried::contains;
    Endpoint picked = target.pick(pick, facts.destination());
    if (picked == null) {
      end(target.nothingToPick());
      return;
    }
    tried.add(picked);
    endpoint = picked;
    FaultRule refusal = rolls.refusal(service.toxics().plan());
    if (refusal != null) {
      record.faultApplied(refusal.experiment(), refusal.name());
      new PoisonedConnector.Refused(
              service.worker(), service.toxics(), rolls, target.config(), picked)
          .by(
              refusal,
              this::refusedByFault,
              () -> {
                if (!finished) {
                  tried.remove(picked);
                  connect(target, rolls, attempt);
                }
              });
      return;
    }
    target.began(picked);
    began = true;
    service
        .handshakes()
        .connect(
            service.connector(),
            rolls,
            target.config(),
            picked,
            target.tlsOf(picked),
            new ServerSide(),
            new UpstreamConnector.Listener() {
              @Override
              public void connected(Channel channel) {
                if (finished) {
                  channel.close();
                } else {
                  open(target, rolls, picked, channel);
                }
              }

              @Override
              public void failed(ProxyError error, List<FaultRule> by) {
                by.forEach(rule -> record.faultApplied(rule.experiment(), rule.name()));
                failed(error);
              }

              @Override
              public void failed(ProxyError error) {
                target.failed(picked, error);
                target.ended(picked);
                began = false;
                if (finished) {
                  return;
                }
                if (attempt < config.maxConnectAttempts()) {
                  connect(target, rolls, attempt + 1);
                } else {
                  end(error);
                }
              }
            });
  }

  private void open(Upstream target, ConnectionLuck rolls, Endpoint picked, Channel channel) {
    ChannelHandlerContext context = client;
    if (context == null) {
      channel.close();
      return;
    }
    server = channel;
    target.answered(picked, 200);
    record.connected(target.config(), picked);
    count(false);
    WriteBufferWaterMark mark = new WriteBufferWaterMark(bufferBytes / 2, bufferBytes);
    channel.config().setWriteBufferWaterMark(mark);
    channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
    if (!facts.inbound()) {
      addToxics(context, rolls);
    }
    boolean any = false;
    for (ByteBuf bytes = early.pollFirst(); bytes != null; bytes = early.pollFirst()) {
      record.received(bytes.readableBytes());
      channel.write(bytes, channel.voidPromise());
      any = true;
    }
    if (any) {
      channel.flush();
    }
    if (clientEnded) {
      endTowardsServer();
    }
    long idle = config.idleTimeout().toNanos();
    if (idle > 0) {
      watchIdle(context, idle);
    }
    if (channel.isWritable()) {
      context.channel().config().setAutoRead(true);
    }
  }

  private void addToxics(ChannelHandlerContext context, ConnectionLuck rolls) {
    ToxicStages toxics = service.toxics();
    ToxicStage made =
        new ToxicStage(
            toxics,
            ToxicStage.Side.CLIENT,
            rule -> record.faultApplied(rule.experiment(), rule.name()),
            () -> server);
    stage = made;
    context.pipeline().addBefore(context.name(), "toxics", made);
    Consumer<FaultPlan> follows = plan -> made.follow(rolls.hits(plan));
    following = follows;
    toxics.follow(rolls, follows);
    follows.accept(toxics.plan());
  }

  /** As close as a proxy that has accepted already comes to a refusal. */
  private void refusedByFault(ProxyError error) {
    ChannelHandlerContext context = client;
    if (!finished && context != null) {
      reset(context.channel(), error);
    }
  }

  private void watchIdle(ChannelHandlerContext context, long wait) {
    idleTimer =
        context
            .executor()
            .schedule(
                () -> {
                  long left = config.idleTimeout().toNanos() - (now(context) - lastByte);
                  if (left <= 0) {
                    end(null);
                  } else {
                    watchIdle(context, left);
                  }
                },
                wait,
                TimeUnit.NANOSECONDS);
  }

  // From the client.

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!(message instanceof ByteBuf bytes) || finished) {
      ReferenceCountUtil.release(message);
      return;
    }
    Channel to = server;
    if (to == null) {
      early.addLast(bytes);
      return;
    }
    record.received(bytes.readableBytes());
    to.write(bytes, to.voidPromise());
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    Channel to = server;
    if (to != null) {
      lastByte = now(context);
      to.flush();
      if (!to.isWritable()) {
        context.channel().config().setAutoRead(false);
      }
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    Channel from = server;
    if (from != null) {
      from.config().setAutoRead(context.channel().isWritable());
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (ends(event)) {
      clientEnded();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    Consumer<FaultPlan> follows = following;
    if (follows != null) {
      service.toxics().unfollow(follows);
    }
    clientEnded();
    if (!finished && server != null) {
      // Nobody is left to answer to; what came before is still on its way to the server.
      end(null);
    } else if (!finished) {
      end(new ProxyError.DownstreamGone("the client left before an endpoint was reached"));
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    reset(server, new ProxyError.DownstreamGone("the client's connection broke: " + cause));
  }

  private void clientEnded() {
    if (!clientEnded) {
      clientEnded = true;
      if (server != null) {
        endTowardsServer();
      }
    }
  }

  private void endTowardsServer() {
    Channel to = server;
    if (to != null) {
      halfClose(to);
      closeIfBothEnded();
    }
  }

  // From the server.

  private final class ServerSide extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ChannelHandlerContext to = client;
      if (!(message instanceof ByteBuf bytes) || to == null || finished) {
        ReferenceCountUtil.release(message);
        return;
      }
      record.sent(bytes.readableBytes());
      to.write(bytes, to.voidPromise());
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      ChannelHandlerContext to = client;
      if (to != null) {
        lastByte = now(context);
        to.flush();
        if (!to.channel().isWritable()) {
          context.channel().config().setAutoRead(false);
        }
      }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      ChannelHandlerContext from = client;
      if (from != null) {
        from.channel().config().setAutoRead(context.channel().isWritable());
      }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (ends(event)) {
        serverEnded();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      serverEnded();
      if (!finished) {
        end(null);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      Endpoint at = endpoint;
      ChannelHandlerContext to = client;
      reset(
          to == null ? null : to.channel(),
          new ProxyError.UpstreamReset(
              at == null ? "-" : at.address().toString(),
              ProxyError.UpstreamReset.How.RESET,
              false));
    }
  }

  private void serverEnded() {
    if (serverEnded) {
      return;
    }
    serverEnded = true;
    ChannelHandlerContext to = client;
    ToxicStage toxics = stage;
    if (to != null) {
      if (toxics == null) {
        halfClose(to.channel());
      } else {
        toxics.endOutward(() -> halfClose(to.channel()));
      }
      closeIfBothEnded();
    }
  }

  private static boolean ends(Object event) {
    return event instanceof ChannelInputShutdownEvent
        || (event instanceof SslCloseCompletionEvent closed && closed.isSuccess());
  }

  /**
   * FIN after what was written. Over TLS a stranger is told by close_notify. A proxy of the mesh is
   * not: its engine would answer with its own and could send nothing more, so that the answer to a
   * client that half-closes would be lost.
   */
  private static void halfClose(Channel channel) {
    if (!channel.isActive()) {
      return;
    }
    SslHandler tls = channel.pipeline().get(SslHandler.class);
    PeerIdentity peer = tls == null ? null : PeerIdentity.of(tls);
    if (tls != null && (peer == null || peer.spiffeId() == null)) {
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

  private void closeIfBothEnded() {
    if (clientEnded && serverEnded) {
      end(null);
    }
  }

  /** One side was reset: so is the other, at once and without what is still buffered. */
  private void reset(@Nullable Channel other, ProxyError error) {
    if (finished) {
      return;
    }
    if (other != null) {
      other.config().setOption(ChannelOption.SO_LINGER, 0);
      other.unsafe().close(other.voidPromise());
    }
    end(error);
  }

  /** The listener that the client came to. */
  String listener() {
    return facts.listener();
  }

  /** Closes both ways once what is on its way is written; does nothing the second time. */
  void end(@Nullable ProxyError error) {
    if (finished) {
      return;
    }
    finished = true;
    service.closed(this);
    ScheduledFuture<?> timer = idleTimer;
    if (timer != null) {
      timer.cancel(false);
    }
    for (ByteBuf bytes = early.pollFirst(); bytes != null; bytes = early.pollFirst()) {
      bytes.release();
    }
    Upstream target = upstream;
    Endpoint at = endpoint;
    if (target != null && at != null && began && server != null) {
      target.ended(at);
    }
    closeAfterFlush(server);
    ChannelHandlerContext context = client;
    if (context != null) {
      closeAfterFlush(context.channel());
    }
    ToxicStage toxic = stage;
    boolean broke =
        error != null
            && error.origin() != Origin.DOWNSTREAM
            && !(error instanceof ProxyError.Draining);
    if (broke || (toxic != null && toxic.isCut())) {
      count(true);
    }
    record.finish(error);
  }

  /** For those who measure while there are faults. */
  private void count(boolean failed) {
    FaultPlan acting = service.toxics().plan();
    FaultPlan observed = service.toxics().observed();
    Upstream target = upstream;
    if (!acting.isEmpty() || !observed.isEmpty()) {
      record.counted(acting, observed, target == null ? null : target.config().service(), failed);
    }
  }

  private static void closeAfterFlush(@Nullable Channel channel) {
    if (channel != null && channel.isActive()) {
      channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }
  }
}
