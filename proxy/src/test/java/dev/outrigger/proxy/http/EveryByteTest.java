package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.BreakerConfig;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.http.MixedTraffic.Plan;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Ten thousand requests through every pair of protocols, with ends, breaks and slow readers on both
 * sides: each byte arrives, or the side that can know of the failure is told.
 */
class EveryByteTest {
  private static final int REQUESTS = 2500;
  private static final int LANES = 8;
  private static final long MOST_MEMORY = 192L << 20;

  private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
  private final AtomicLong next = new AtomicLong();
  private final CountDownLatch lanes = new CountDownLatch(LANES);
  private MultiThreadIoEventLoopGroup group;
  private boolean two;
  private int port;

  @ParameterizedTest
  @CsvSource({"HTTP1,HTTP1,11", "HTTP1,HTTP2,12", "HTTP2,HTTP1,21", "HTTP2,HTTP2,22"})
  void arrivesOrTheFailureDoes(Codec spoken, Speech behind, long seed) throws Exception {
    group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    two = spoken == Codec.HTTP2;
    next.set(seed * 1_000_000);
    long end = next.get() + REQUESTS;
    Channel server = server(behind == Speech.HTTP2);
    ProxyBed.Setup setup =
        new ProxyBed.Setup().to(((InetSocketAddress) server.localAddress()).getPort());
    setup.codec = spoken;
    setup.timeout = Duration.ZERO;
    setup.breaker = new BreakerConfig(1024, 1024, 1024, 20, 3);
    setup.pool =
        new PoolConfig(
            0,
            0,
            Duration.ofSeconds(30),
            Duration.ZERO,
            0,
            behind,
            ClusterConfig.UPSTREAM_HTTP2,
            ClusterConfig.AnswerLimits.DEFAULT);
    try (ProxyBed bed = new ProxyBed(setup)) {
      port = bed.port();
      for (int i = 0; i < LANES; i++) {
        lane(end);
      }
      boolean ended = false;
      long most = 0;
      for (int i = 0; i < 10_000 && !ended; i++) {
        ended = lanes.await(10, TimeUnit.MILLISECONDS);
        most = Math.max(most, PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory());
      }
      assertThat(ended).as("requests that do not end").isTrue();
      assertThat(wrong).isEmpty();
      assertThat(most).as("memory, at any time").isLessThan(MOST_MEMORY);
      // A client that has gone may be ahead of the proxy, which is yet to see it go.
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> bed.inLoop(() -> bed.service().activeExchanges()) == 0);
    } finally {
      group.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
    }
  }

  private Channel server(boolean framed) throws Exception {
    return new ServerBootstrap()
        .group(group)
        .channel(NioServerSocketChannel.class)
        .childHandler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel opened) {
                if (!framed) {
                  opened
                      .pipeline()
                      .addLast(new HttpServerCodec(), new MixedTraffic.Server(wrong::add));
                  return;
                }
                opened
                    .pipeline()
                    .addLast(
                        Http2FrameCodecBuilder.forServer().build(),
                        new Http2MultiplexHandler(
                            new ChannelInitializer<Channel>() {
                              @Override
                              protected void initChannel(Channel stream) {
                                stream
                                    .pipeline()
                                    .addLast(
                                        new Http2StreamFrameToHttpObjectCodec(true),
                                        new MixedTraffic.Server(wrong::add));
                              }
                            }));
              }
            })
        .bind(InetAddress.getLoopbackAddress(), 0)
        .sync()
        .channel();
  }

  /** One connection after the other, each as long as it lasts. */
  private void lane(long end) {
    if (next.get() >= end) {
      lanes.countDown();
      return;
    }
    MixedTraffic.Client client = new MixedTraffic.Client(wrong::add);
    new Bootstrap()
        .group(group)
        .channel(NioSocketChannel.class)
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel opened) {
                if (two) {
                  opened
                      .pipeline()
                      .addLast(
                          Http2FrameCodecBuilder.forClient().build(),
                          new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()));
                } else {
                  opened.pipeline().addLast(new HttpClientCodec(), client);
                }
              }
            })
        .connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
        .addListener(
            (io.netty.channel.ChannelFuture opened) -> {
              if (!opened.isSuccess()) {
                wrong.add("no connection: " + opened.cause());
                lanes.countDown();
              } else if (two) {
                stream(opened.channel(), end);
              } else {
                ask(opened.channel().pipeline().context(client), client, end);
              }
            });
  }

  private void ask(ChannelHandlerContext context, MixedTraffic.Client client, long end) {
    long seed = next.getAndIncrement();
    if (seed >= end) {
      context.close();
      lanes.countDown();
      return;
    }
    client.ask(
        context,
        Plan.of(seed),
        reusable -> {
          if (reusable) {
            context.executor().execute(() -> ask(context, client, end));
          } else {
            context.close();
            context.executor().execute(() -> lane(end));
          }
        });
  }

  private void stream(Channel connection, long end) {
    long seed = next.getAndIncrement();
    if (seed >= end) {
      connection.close();
      lanes.countDown();
      return;
    }
    MixedTraffic.Client client = new MixedTraffic.Client(wrong::add);
    new Http2StreamChannelBootstrap(connection)
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel stream) {
                stream.pipeline().addLast(new Http2StreamFrameToHttpObjectCodec(false), client);
              }
            })
        .open()
        .addListener(
            (io.netty.util.concurrent.Future<Http2StreamChannel> opened) -> {
              if (!opened.isSuccess()) {
                wrong.add("no stream: " + opened.cause());
                lanes.countDown();
                return;
              }
              Http2StreamChannel stream = opened.getNow();
              client.ask(
                  stream.pipeline().context(client),
                  Plan.of(seed),
                  _ -> stream.eventLoop().execute(() -> stream(connection, end)));
            });
  }
}
