package dev.outrigger.proxy.listen;

import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.ListenerConfig.Destination;
import dev.outrigger.proxy.config.ListenerConfig.Inspector;
import dev.outrigger.proxy.config.ListenerConfig.OnDetectionTimeout;
import dev.outrigger.proxy.config.ProxyProtocol;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.tcp.HandshakeFaults;
import dev.outrigger.proxy.worker.WorkerConfined;
import dev.outrigger.tls.PeerIdentity;
import dev.outrigger.tls.ServerTls;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sets one accepted connection up, in this order: limits, original destination, the header of the
 * PROXY protocol where one is awaited, detection, filter chain, TLS, the chain's own handler; then
 * it leaves the pipeline. Bytes that were looked at are handed on untouched. Confined to its
 * worker's event loop.
 */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
@WorkerConfined
final class ConnectionSetup extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(ConnectionSetup.class);
  private static final long HANDSHAKE_SECONDS = 10;

  private final WorkerListeners worker;
  private final CompiledListener listener;
  private final InetSocketAddress bound;
  private @Nullable InetSocketAddress remote;
  private @Nullable InetSocketAddress destination;
  private boolean awaitsHeader;
  private @Nullable ByteBuf seen;
  private @Nullable ScheduledFuture<?> patience;
  private @Nullable CompiledChain chain;
  private Detection detection = new Detection.Opaque();
  private HandshakeFaults.@Nullable Spoiled spoiled;
  private boolean done;

  ConnectionSetup(WorkerListeners worker, CompiledListener listener, InetSocketAddress bound) {
    this.worker = worker;
    this.listener = listener;
    this.bound = bound;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    ListenerConfig config = listener.config();
    InetSocketAddress local = (InetSocketAddress) context.channel().localAddress();
    InetSocketAddress meant = local;
    if (config.destination() == Destination.ORIGINAL) {
      InetSocketAddress original = OriginalDestination.of(context.channel());
      if (original != null) {
        meant = original;
      }
      // Also what was never redirected: its destination is this listener, and to go on to there
      // would come back here for ever.
      boolean own =
          worker.isOwnPort(meant.getPort())
              && (meant.equals(local) || meant.getAddress().isLoopbackAddress());
      if (own) {
        worker.ownRefused(config.name(), bound);
        refuse(context, "own_listener");
        return;
      }
    }
    destination = meant;
    remote = (InetSocketAddress) context.channel().remoteAddress();
    awaitsHeader = config.proxyProtocol() != null;
    if (!awaitsHeader && !listener.needsBytes(meant)) {
      choose(context);
      return;
    }
    long limit = config.detectionTimeout().toNanos();
    if (limit > 0) {
      patience = context.executor().schedule(() -> timedOut(context), limit, TimeUnit.NANOSECONDS);
    }
    if (!context.channel().config().isAutoRead()) {
      context.read();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (done || chain != null || !(message instanceof ByteBuf bytes)) {
      context.fireChannelRead(message);
      return;
    }
    ByteBuf before = seen;
    if (before == null) {
      seen = bytes;
    } else {
      ByteBuf joined = context.alloc().buffer(before.readableBytes() + bytes.readableBytes());
      joined.writeBytes(before).writeBytes(bytes);
      before.release();
      bytes.release();
      seen = joined;
    }
    if (destination == null) {
      return;
    }
    look(context);
  }

  private void look(ChannelHandlerContext context) {
    ByteBuf bytes = seen;
    if (bytes == null) {
      return;
    }
    ProxyProtocol policy = listener.config().proxyProtocol();
    if (awaitsHeader && policy != null) {
      readHeader(context, bytes, policy);
      if (awaitsHeader || done || chain != null) {
        return;
      }
      InetSocketAddress meant = destination;
      if (meant != null && !listener.needsBytes(meant)) {
        choose(context);
        return;
      }
      bytes = seen;
      if (bytes == null) {
        return;
      }
    }
    var inspectors = listener.config().inspectors();
    Detection found =
        ProtocolDetector.detect(
            bytes, inspectors.contains(Inspector.TLS), inspectors.contains(Inspector.HTTP));
    if (found instanceof Detection.NeedMore) {
      return;
    }
    detection = found;
    choose(context);
  }

  /** Takes what a load balancer says of the connection before the client's own bytes. */
  private void readHeader(ChannelHandlerContext context, ByteBuf bytes, ProxyProtocol policy) {
    switch (ProxyHeader.read(bytes, policy)) {
      case ProxyHeader.NeedMore _ -> {}
      case ProxyHeader.Absent _ -> awaitsHeader = false;
      case ProxyHeader.Malformed(String reason) -> refuseHeader(context, reason);
      case ProxyHeader.Found found -> {
        awaitsHeader = false;
        InetSocketAddress source = found.source();
        if (source != null) {
          remote = source;
        }
        // Where the kernel says what was meant, nobody else is asked.
        InetSocketAddress meant = found.destination();
        if (meant != null && listener.config().destination() == Destination.LOCAL_ADDRESS) {
          destination = meant;
        }
        bytes.skipBytes(found.length());
        if (!bytes.isReadable()) {
          seen = null;
          bytes.release();
        }
      }
    }
  }

  private void refuseHeader(ChannelHandlerContext context, String reason) {
    LOG.debug(
        "{}: the PROXY header of {}: {}",
        listener.config().name(),
        context.channel().remoteAddress(),
        reason);
    refuse(context, "proxy_header_rejected");
  }

  private boolean lacksHeader() {
    ProxyProtocol policy = listener.config().proxyProtocol();
    return awaitsHeader && policy != null && !policy.optional();
  }

  private void timedOut(ChannelHandlerContext context) {
    if (chain != null || done) {
      return;
    }
    worker.telemetry().detectionTimedOut(listener.config().name());
    if (lacksHeader()) {
      refuseHeader(context, "it did not come in time");
    } else if (listener.config().onDetectionTimeout() == OnDetectionTimeout.CLOSE) {
      refuse(context, "detection_timeout");
    } else {
      choose(context);
    }
  }

  private void choose(ChannelHandlerContext context) {
    ScheduledFuture<?> timer = patience;
    if (timer != null) {
      timer.cancel(false);
      patience = null;
    }
    InetSocketAddress from = remote;
    InetSocketAddress meant = destination;
    if (meant == null || from == null) {
      context.close();
      return;
    }
    CompiledChain found = listener.find(meant, detection, from.getAddress());
    if (found == null) {
      refuse(context, "no_filter_chain");
      return;
    }
    chain = found;
    ServerTls tls = found.tls();
    if (tls == null) {
      finish(context, null);
      return;
    }
    HandshakeFaults.Spoiled met =
        listener.config().direction() == ListenerConfig.Direction.INBOUND
            ? worker.spoil(found)
            : null;
    spoiled = met;
    ServerTls used = met == null ? tls : worker.serverTls(found, tls, met);
    SslHandler handler = used.newHandler(context.alloc());
    handler.setHandshakeTimeout(HANDSHAKE_SECONDS, TimeUnit.SECONDS);
    context.pipeline().addBefore(context.name(), "tls", handler);
    if (met != null) {
      met.begin(context.channel());
    }
    ByteBuf bytes = seen;
    seen = null;
    if (bytes != null) {
      // From the head, so that TLS sees them as it would have seen them from the socket.
      if (context.pipeline().context(handler) != null) {
        context.pipeline().fireChannelRead(bytes);
        context.pipeline().fireChannelReadComplete();
      } else {
        bytes.release();
        context.close();
      }
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof SslHandshakeCompletionEvent handshake) {
      if (handshake.isSuccess()) {
        finish(context, context.pipeline().get(SslHandler.class));
      } else {
        LOG.debug(
            "{}: TLS with {} failed: {}",
            listener.config().name(),
            context.channel().remoteAddress(),
            handshake.cause().getMessage());
        if (!failByFault(context)) {
          refuse(context, "tls_rejected");
        }
      }
      return;
    }
    if (event instanceof ChannelInputShutdownEvent && chain == null) {
      if (lacksHeader()) {
        refuseHeader(context, "the connection ended within it");
        return;
      }
      if (seen == null) {
        context.close();
        return;
      }
      // Whatever there is must be decided upon now.
      choose(context);
    }
    context.fireUserEventTriggered(event);
  }

  private void finish(ChannelHandlerContext context, @Nullable SslHandler tls) {
    CompiledChain found = chain;
    InetSocketAddress meant = destination;
    InetSocketAddress from = remote;
    if (found == null || meant == null || from == null || done) {
      return;
    }
    done = true;
    endFault();
    ListenerConfig config = listener.config();
    PeerIdentity peer = tls == null ? null : PeerIdentity.of(tls);
    ConnectionFacts facts =
        new ConnectionFacts(
            config.name(),
            config.direction() == ListenerConfig.Direction.INBOUND,
            from,
            (InetSocketAddress) context.channel().localAddress(),
            meant,
            tls != null,
            peer,
            detection instanceof Detection.Tls hello ? hello.serverName() : null,
            tls == null ? null : tls.applicationProtocol(),
            tls == null ? null : tls.engine().getSession());
    worker.install(context.channel(), config.name(), found, facts);
    ByteBuf bytes = seen;
    seen = null;
    if (bytes != null) {
      context.fireChannelRead(bytes);
      context.fireChannelReadComplete();
    }
    context.pipeline().remove(this);
  }

  private void endFault() {
    HandshakeFaults.Spoiled met = spoiled;
    spoiled = null;
    if (met != null) {
      met.end();
    }
  }

  /** Whether a fault met the handshake, which has failed. */
  private boolean failByFault(ChannelHandlerContext context) {
    HandshakeFaults.Spoiled met = spoiled;
    if (met == null) {
      return false;
    }
    worker.handshakeFailed(met);
    refuse(context, "fault_injected");
    return true;
  }

  private void refuse(ChannelHandlerContext context, String code) {
    endFault();
    if (!done) {
      done = true;
      worker.telemetry().connectionRefused(listener.config().name(), code);
      context.close();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    // TLS says nothing of a handshake of which it has seen no byte.
    var _ = failByFault(context);
    release();
    context.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    release();
  }

  private void release() {
    done = true;
    endFault();
    ScheduledFuture<?> timer = patience;
    if (timer != null) {
      timer.cancel(false);
      patience = null;
    }
    ByteBuf bytes = seen;
    seen = null;
    if (bytes != null) {
      bytes.release();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("{}: {}", listener.config().name(), cause.toString());
    context.close();
  }
}
