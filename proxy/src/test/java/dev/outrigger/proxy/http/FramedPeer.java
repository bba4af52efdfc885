package dev.outrigger.proxy.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2SettingsFrame;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** HTTP/2 as Netty speaks it, of either side: what our own codec is tried against. */
final class FramedPeer implements AutoCloseable {
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

  /** Streams that a client opened. */
  final BlockingQueue<Stream> accepted = new LinkedBlockingQueue<>();

  /** The SETTINGS of the other side. */
  final CompletableFuture<Http2Settings> settings = new CompletableFuture<>();

  private final Queue<Stream> all = new ConcurrentLinkedQueue<>();
  private Channel channel;

  private FramedPeer() {}

  /** One stream; what comes on it waits in a queue, in words. */
  static final class Stream extends ChannelInboundHandlerAdapter {
    final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private final boolean takes;
    volatile Channel channel;

    Stream() {
      this(true);
    }

    Stream(boolean takes) {
      this.takes = takes;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      channel = context.channel();
      channel.config().setAutoRead(takes);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      switch (message) {
        case Http2HeadersFrame head -> {
          heard.add("head " + head.headers());
          if (head.isEndStream()) {
            heard.add("end");
          }
        }
        case Http2DataFrame data -> {
          if (data.content().isReadable()) {
            heard.add(data.content().toString(StandardCharsets.ISO_8859_1));
          }
          if (data.isEndStream()) {
            heard.add("end");
          }
        }
        default -> {}
      }
      ReferenceCountUtil.release(message);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event instanceof Http2ResetFrame reset) {
        heard.add("reset " + Http2Error.valueOf(reset.errorCode()));
      }
    }

    String next() throws InterruptedException {
      String one = heard.poll(15, TimeUnit.SECONDS);
      if (one == null) {
        throw new AssertionError("nothing came");
      }
      return one;
    }

    /** The next bytes, as many as asked for. */
    String bytes(int count) throws InterruptedException {
      StringBuilder all = new StringBuilder();
      while (all.length() < count) {
        all.append(next());
      }
      return all.toString();
    }

    Stream head(Http2Headers head, boolean last) {
      channel.writeAndFlush(new DefaultHttp2HeadersFrame(head, last)).syncUninterruptibly();
      return this;
    }

    Stream send(String text) {
      ByteBuf bytes = Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
      channel.writeAndFlush(new DefaultHttp2DataFrame(bytes)).syncUninterruptibly();
      return this;
    }

    Stream end() {
      channel
          .writeAndFlush(new DefaultHttp2DataFrame(Unpooled.EMPTY_BUFFER, true))
          .syncUninterruptibly();
      return this;
    }

    void reset(Http2Error code) {
      channel.writeAndFlush(new DefaultHttp2ResetFrame(code)).syncUninterruptibly();
    }
  }

  static Http2Headers answer(int status) {
    return new DefaultHttp2Headers().status(Integer.toString(status));
  }

  static Http2Headers extended(String path) {
    return new DefaultHttp2Headers(false)
        .method("CONNECT")
        .scheme("http")
        .authority("shop")
        .path(path)
        .add(Http2Headers.PseudoHeaderName.PROTOCOL.value(), "websocket");
  }

  static Http2Headers connect(String authority) {
    return new DefaultHttp2Headers(false).method("CONNECT").authority(authority);
  }

  static FramedPeer server(Http2Settings offered) throws Exception {
    FramedPeer made = new FramedPeer();
    made.channel =
        new ServerBootstrap()
            .group(made.group)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel opened) {
                    opened
                        .pipeline()
                        .addLast(
                            Http2FrameCodecBuilder.forServer()
                                .initialSettings(offered)
                                .validateHeaders(false)
                                .build(),
                            new Http2MultiplexHandler(
                                new ChannelInitializer<Channel>() {
                                  @Override
                                  protected void initChannel(Channel stream) {
                                    Stream one = new Stream();
                                    stream.pipeline().addLast(one);
                                    made.all.add(one);
                                    made.accepted.add(one);
                                  }
                                }));
                  }
                })
            .bind(InetAddress.getLoopbackAddress(), 0)
            .sync()
            .channel();
    return made;
  }

  static FramedPeer client(int port) throws Exception {
    FramedPeer made = new FramedPeer();
    made.channel =
        new Bootstrap()
            .group(made.group)
            .channel(NioSocketChannel.class)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel opened) {
                    opened
                        .pipeline()
                        .addLast(
                            Http2FrameCodecBuilder.forClient().validateHeaders(false).build(),
                            new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()),
                            new ChannelInboundHandlerAdapter() {
                              @Override
                              public void channelRead(ChannelHandlerContext at, Object message) {
                                if (message instanceof Http2SettingsFrame frame) {
                                  made.settings.complete(frame.settings());
                                }
                                ReferenceCountUtil.release(message);
                              }
                            });
                  }
                })
            .connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .sync()
            .channel();
    return made;
  }

  Stream open(Http2Headers head, boolean last) throws Exception {
    return open(head, last, true);
  }

  Stream open(Http2Headers head, boolean last, boolean takes) throws Exception {
    Stream one = new Stream(takes);
    all.add(one);
    Http2StreamChannel opened =
        new Http2StreamChannelBootstrap(channel).handler(one).open().sync().getNow();
    opened.writeAndFlush(new DefaultHttp2HeadersFrame(head, last)).sync();
    return one;
  }

  /** The next stream that a client opens, once its head has come. */
  Stream take() throws InterruptedException {
    Stream one = accepted.poll(15, TimeUnit.SECONDS);
    if (one == null) {
      throw new AssertionError("no stream came");
    }
    return one;
  }

  int port() {
    return ((InetSocketAddress) channel.localAddress()).getPort();
  }

  @Override
  public void close() {
    for (Stream stream : all) {
      Channel one = stream.channel;
      if (one != null) {
        one.config().setAutoRead(true); // what waits in it is released by being read
        one.close().awaitUninterruptibly(1000);
      }
    }
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }
}
