package dev.outrigger.proxy.toxiproxy;

import dev.outrigger.fault.relay.RelayLoop;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.worker.BindReason;
import dev.outrigger.proxy.worker.Transport;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/**
 * A drop-in for toxiproxy-server: its HTTP API, and the proxies that are made by it. Both run on an
 * event loop of their own, away from the workers. Its methods may be called from any thread but
 * that loop.
 */
public final class ToxiproxyServer implements AutoCloseable {
  private static final int MAX_CONNECTIONS = 256;
  private static final int MAX_BODY_BYTES = 1 << 20;
  private static final int IDLE_SECONDS = 60;

  private final EventLoop loop;
  private final ToxiproxyApi api;
  private final InetSocketAddress address;
  private int connections; // on the loop

  /**
   * Listens.
   *
   * @param chance decides which connections a toxicity below 1 hits
   * @throws IOException if the address cannot be bound
   */
  public static ToxiproxyServer start(
      SocketAddressConfig address, Transport transport, RandomGenerator chance) throws IOException {
    EventLoop loop =
        new MultiThreadIoEventLoopGroup(
                1,
                new DefaultThreadFactory("outrigger-toxiproxy", true),
                transport.newHandlerFactory())
            .next();
    try {
      return new ToxiproxyServer(loop, address, transport, chance);
    } catch (IOException e) {
      loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      throw e;
    }
  }

  private ToxiproxyServer(
      EventLoop loop, SocketAddressConfig address, Transport transport, RandomGenerator chance)
      throws IOException {
    this.loop = loop;
    this.api =
        new ToxiproxyApi(
            new RelayLoop(
                loop,
                transport.serverChannel(),
                transport.socketChannel(),
                Executors.newVirtualThreadPerTaskExecutor(),
                chance));
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loop)
            .channel(transport.serverChannel())
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept(channel);
                  }
                })
            .bind(address.host(), address.port())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      BindException refused =
          new BindException("cannot bind " + address + ": " + BindReason.of(bound.cause()));
      refused.initCause(bound.cause());
      throw refused;
    }
    this.address = (InetSocketAddress) bound.channel().localAddress();
  }

  private void accept(Channel channel) {
    if (connections >= MAX_CONNECTIONS) {
      channel.close();
      return;
    }
    connections++;
    channel.closeFuture().addListener(_ -> connections--);
    channel
        .pipeline()
        .addLast(new ReadTimeoutHandler(IDLE_SECONDS, TimeUnit.SECONDS))
        .addLast(new HttpServerCodec(4096, 16 * 1024, 8192))
        .addLast(new HttpObjectAggregator(MAX_BODY_BYTES))
        .addLast(new ApiConnection(api));
  }

  /** Where the API listens. */
  public InetSocketAddress address() {
    return address;
  }

  /** Closes all proxies and their connections; waits for it. */
  @Override
  public void close() {
    loop.submit(api::close).awaitUninterruptibly(2, TimeUnit.SECONDS);
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }
}
