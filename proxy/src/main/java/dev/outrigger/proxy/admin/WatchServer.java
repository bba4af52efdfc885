package dev.outrigger.proxy.admin;

import dev.outrigger.proxy.admin.AdminPages.Page;
import dev.outrigger.proxy.config.AppProbe;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.health.AppProber;
import dev.outrigger.proxy.health.ProbeResult;
import dev.outrigger.proxy.worker.BindReason;
import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.Transport;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.ReadTimeoutHandler;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What those who watch over a pod from outside may read: health for kubelet, metrics for
 * Prometheus, each on a port of its own that capture leaves alone. Nothing can be changed here. On
 * the config loop, so that no probe costs a worker anything.
 */
public final class WatchServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(WatchServer.class);
  private static final int MAX_CONNECTIONS = 128;
  private static final int MAX_BODY_BYTES = 1024;
  private static final int IDLE_SECONDS = 60;

  private final ConfigLoop loop;
  private final Transport transport;
  private final Function<String, @Nullable CompletionStage<Page>> pages;
  private @Nullable Channel server;
  private int connections;

  private WatchServer(
      ConfigLoop loop,
      Transport transport,
      Function<String, @Nullable CompletionStage<Page>> pages) {
    this.loop = loop;
    this.transport = transport;
    this.pages = pages;
  }

  /** Serves the metrics. */
  public static WatchServer ofMetrics(
      ConfigLoop loop, Transport transport, Supplier<? extends CompletionStage<String>> metrics) {
    return new WatchServer(
        loop,
        transport,
        path ->
            switch (path) {
              case "/metrics", "/stats/prometheus" -> metrics.get().thenApply(Page::metrics);
              default -> null;
            });
  }

  /**
   * Serves life and readiness of the proxy, and of the application what kubelet asks for.
   *
   * @param probes of the application, by path
   */
  public static WatchServer ofHealth(
      ConfigLoop loop,
      Transport transport,
      Readiness readiness,
      Map<String, AppProbe> probes,
      AppProber prober) {
    Map<String, AppProbe> known = Map.copyOf(probes);
    return new WatchServer(
        loop,
        transport,
        path ->
            switch (path) {
              case "/ready", "/readyz", "/healthz/ready" ->
                  CompletableFuture.completedFuture(AdminPages.ready(readiness));
              // Whoever reads this answer has seen the loop run.
              case "/live", "/livez", "/healthz", "/healthz/live" ->
                  CompletableFuture.completedFuture(Page.text(200, "LIVE\n"));
              default -> {
                AppProbe probe = known.get(path);
                yield probe == null ? null : ask(prober, probe);
              }
            });
  }

  private static CompletionStage<Page> ask(AppProber prober, AppProbe probe) {
    CompletableFuture<Page> page = new CompletableFuture<>();
    prober.ask(
        probe,
        result ->
            page.complete(
                switch (result) {
                  case ProbeResult.Passed _ -> Page.text(200, "OK\n");
                  case ProbeResult.Unanswered none -> Page.text(503, none.reason() + "\n");
                  case ProbeResult.Wrong wrong -> Page.text(503, wrong.reason() + "\n");
                }));
    return page;
  }

  /**
   * Binds, and waits until it is bound; not to be called on a loop.
   *
   * @param address whose host {@code 0.0.0.0} means every address of either family
   * @return where it listens
   * @throws IOException if the address cannot be bound
   */
  public InetSocketAddress start(SocketAddressConfig address) throws IOException {
    InetSocketAddress wanted =
        address.host().equals("0.0.0.0")
            ? new InetSocketAddress(address.port())
            : new InetSocketAddress(address.host(), address.port());
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loop.loop())
            .channel(transport.serverChannel())
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childHandler(new Connections())
            .bind(wanted)
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
          .addLast(new Requests());
    }
  }

  /** One connection: one request at a time. */
  private final class Requests extends SimpleChannelInboundHandler<FullHttpRequest> {
    @Override
    public void channelActive(ChannelHandlerContext context) {
      context.read();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
      boolean good = request.decoderResult().isSuccess();
      boolean keepAlive = good && HttpUtil.isKeepAlive(request);
      boolean head = request.method().equals(HttpMethod.HEAD);
      if (!good) {
        AdminHandler.send(context, Page.text(400, "not a request\n"), false, head);
        return;
      }
      if (!head && !request.method().equals(HttpMethod.GET)) {
        AdminHandler.send(context, Page.text(405, "only to be read\n"), keepAlive, false);
        return;
      }
      String path = new QueryStringDecoder(request.uri()).path();
      @Nullable CompletionStage<Page> page = pages.apply(path);
      if (page == null) {
        AdminHandler.send(context, Page.text(404, "no such page\n"), keepAlive, head);
        return;
      }
      page.whenComplete(
          (answer, failure) ->
              context
                  .executor()
                  .execute(
                      () -> {
                        if (failure != null) {
                          LOG.warn("{} failed", path, failure);
                          AdminHandler.send(
                              context, Page.text(500, "see the log\n"), keepAlive, head);
                        } else {
                          AdminHandler.send(context, answer, keepAlive, head);
                        }
                      }));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      LOG.debug("watching connection closed", cause);
      context.close();
    }
  }
}
