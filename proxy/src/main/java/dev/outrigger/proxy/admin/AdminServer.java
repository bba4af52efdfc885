package dev.outrigger.proxy.admin;

import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.worker.BindReason;
import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.Transport;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.ReadTimeoutHandler;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The admin pages over HTTP, on the config loop, meant for a loopback address.
 *
 * <p>A browser is kept from being used against it: where it is bound to a loopback address, every
 * request must name a loopback host; what changes something is POST only, must come from a loopback
 * address, name a loopback host and carry no foreign {@code Origin}.
 */
public final class AdminServer implements AutoCloseable {
  private static final int MAX_CONNECTIONS = 64;
  private static final int MAX_BODY_BYTES = 4096;
  private static final int IDLE_SECONDS = 60;

  private final ConfigLoop loop;
  private final Transport transport;
  private final AdminPages pages;
  private @Nullable Channel server;
  private int connections;

  public AdminServer(ConfigLoop loop, Transport transport, AdminSources sources) {
    this.loop = loop;
    this.transport = transport;
    this.pages = new AdminPages(sources);
  }

  /**
   * Binds, and waits until it is bound; not to be called on a loop.
   *
   * @return where it listens
   * @throws IOException if the address cannot be bound
   */
  public InetSocketAddress start(SocketAddressConfig address) throws IOException {
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loop.loop())
            .channel(transport.serverChannel())
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childHandler(new Connections())
            .bind(address.host(), address.port())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      BindException refused =
          new BindException("cannot bind " + address + ": " + BindReason.of(bound.cause()));
      refused.initCause(bound.cause());
      throw refused;
    }
    server = bound.channel();
    return (InetSocketAddress) bound.channel().localAddress();
  }

  /** Takes no more connections; does not wait. */
  @Override
  public void close() {
    Channel listening = server;
    if (listening != null) {
      listening.close();
    }
  }

  // All connections are on the one config loop, so a plain count will do.
  private final class Connections extends ChannelInitializer<Channel> {
    @Override
    protected void initChannel(Channel channel) {
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
          .addLast(new FlowControlHandler())
          .addLast(new AdminHandler(pages));
    }
  }
}
