package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.worker.Transport;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import dev.outrigger.tls.ClientTls;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Opens real connections from one worker. Confined to its event loop. */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
@WorkerConfined
public final class SocketConnector implements UpstreamConnector {
  private static final WriteBufferWaterMark WATER_MARK =
      new WriteBufferWaterMark(32 * 1024, 64 * 1024);

  private final Worker worker;
  private final Transport transport;
  private final Function<UpstreamTls.Originate, @Nullable ClientTls> contexts;

  /**
   * @param contexts gives the context made for a way of beginning TLS; null if it left the
   *     configuration meanwhile
   */
  public SocketConnector(
      Worker worker,
      Transport transport,
      Function<UpstreamTls.Originate, @Nullable ClientTls> contexts) {
    this.worker = worker;
    this.transport = transport;
    this.contexts = contexts;
  }

  @Override
  public void connect(
      ClusterConfig cluster,
      Endpoint endpoint,
      UpstreamTls tls,
      ChannelHandler last,
      Listener listener) {
    assert worker.isCurrent();
    long limit = Math.max(1, cluster.connectTimeout().toMillis());
    // Now, since a new configuration may come before the connection is open.
    @Nullable ClientTls context =
        tls instanceof UpstreamTls.Originate originate ? contexts.apply(originate) : null;
    Bootstrap bootstrap =
        new Bootstrap()
            .group(worker.loop())
            .channel(transport.socketChannel())
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_KEEPALIVE, true)
            .option(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) Math.min(limit, Integer.MAX_VALUE))
            .handler(new Nothing());
    if (cluster.discovery() instanceof Discovery.OriginalDestination original
        && original.sourceAddress() != null) {
      bootstrap.localAddress(new InetSocketAddress(original.sourceAddress(), 0));
    }
    ChannelFuture connecting =
        bootstrap.connect(
            new InetSocketAddress(endpoint.address().host(), endpoint.address().port()));
    if (connecting.isDone()) {
      worker
          .loop()
          .execute(
              () -> opened(connecting, cluster, endpoint, tls, context, last, listener, limit));
    } else {
      connecting.addListener(
          _ -> opened(connecting, cluster, endpoint, tls, context, last, listener, limit));
    }
  }

  private void opened(
      ChannelFuture connecting,
      ClusterConfig cluster,
      Endpoint endpoint,
      UpstreamTls tls,
      @Nullable ClientTls context,
      ChannelHandler last,
      Listener listener,
      long limitMillis) {
    if (!connecting.isSuccess()) {
      listener.failed(connectError(connecting.cause(), cluster, endpoint));
      return;
    }
    Channel channel = connecting.channel();
    listener.opened(channel);
    switch (tls) {
      case UpstreamTls.Plain _ -> {
        channel.pipeline().addLast(last);
        listener.connected(channel);
      }
      case UpstreamTls.Originate originate -> {
        if (context == null) {
          channel.close();
          listener.failed(
              new ProxyError.TlsRejected(
                  Origin.LOCAL, endpoint.address().toString(), "its configuration is gone"));
          return;
        }
        SslHandler handler =
            context.newHandler(channel.alloc(), originate.sni(), endpoint.identity());
        handler.setHandshakeTimeout(limitMillis, TimeUnit.MILLISECONDS);
        // The handler of the protocol comes after the handshake: until then it has nothing to see.
        channel.pipeline().addLast("tls", handler);
        handler
            .handshakeFuture()
            .addListener(
                done -> {
                  if (done.isSuccess()) {
                    channel.pipeline().addLast(last);
                    listener.connected(channel);
                  } else {
                    channel.close();
                    listener.failed(tlsError(done.cause(), cluster, endpoint));
                  }
                });
      }
    }
  }

  private static ProxyError connectError(
      Throwable cause, ClusterConfig cluster, Endpoint endpoint) {
    String where = endpoint.address().toString();
    return cause instanceof ConnectTimeoutException
        ? new ProxyError.ConnectTimedOut(where, cluster.connectTimeout())
        : new ProxyError.ConnectRefused(where, reason(cause));
  }

  private static ProxyError tlsError(Throwable cause, ClusterConfig cluster, Endpoint endpoint) {
    String where = endpoint.address().toString();
    return cause instanceof TimeoutException
        ? new ProxyError.ConnectTimedOut(where, cluster.connectTimeout())
        : new ProxyError.TlsRejected(Origin.UPSTREAM, where, reason(cause));
  }

  private static String reason(Throwable cause) {
    Throwable deepest = cause;
    while (deepest.getCause() != null && deepest.getCause() != deepest) {
      deepest = deepest.getCause();
    }
    String message = deepest.getMessage();
    return message == null ? deepest.getClass().getSimpleName() : message;
  }

  /** A connection gets its handlers once it is open. */
  private static final class Nothing extends ChannelInitializer<Channel> {
    @Override
    protected void initChannel(Channel channel) {}
  }
}
