package dev.outrigger.proxy.admin;

import dev.outrigger.proxy.admin.AdminPages.Page;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection of the admin server: one request at a time. */
final class AdminHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
  private static final Logger LOG = LoggerFactory.getLogger(AdminHandler.class);

  private final AdminPages pages;

  AdminHandler(AdminPages pages) {
    this.pages = pages;
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    ctx.read();
  }

  @Override
  protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
    boolean keepAlive = HttpUtil.isKeepAlive(request) && request.decoderResult().isSuccess();
    boolean head = request.method().equals(HttpMethod.HEAD);
    if (request.decoderResult().isFailure()) {
      send(ctx, Page.text(400, "not a request that can be understood\n"), false, head);
      return;
    }
    QueryStringDecoder target = new QueryStringDecoder(request.uri());
    String path = target.path();
    Map<String, List<String>> query = target.parameters();
    HttpMethod method = request.method();
    String refusal = refusal(ctx, request);
    if (refusal != null) {
      send(ctx, Page.text(403, refusal + "\n"), keepAlive, head);
    } else if (path.equals("/quitquitquit") && method.equals(HttpMethod.POST)) {
      send(ctx, Page.text(200, "ending\n"), false, false);
      pages.quit();
    } else if (pages.changesSomething(path)
        || (pages.isBoth(path) && method.equals(HttpMethod.POST))) {
      send(
          ctx,
          method.equals(HttpMethod.POST)
              ? pages.change(path, query)
              : Page.text(405, path + " changes something: use POST\n"),
          keepAlive,
          head);
    } else if (!method.equals(HttpMethod.GET) && !head) {
      send(ctx, Page.text(405, path + " can only be read: use GET\n"), keepAlive, head);
    } else {
      pages
          .show(path, query)
          .whenComplete(
              (page, failure) ->
                  ctx.executor()
                      .execute(
                          () -> {
                            if (failure != null) {
                              LOG.warn("admin page {} failed", path, failure);
                              send(ctx, Page.text(500, "see the log\n"), keepAlive, head);
                            } else {
                              send(ctx, page, keepAlive, head);
                            }
                          }));
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    LOG.debug("admin connection closed", cause);
    ctx.close();
  }

  static void send(ChannelHandlerContext ctx, Page page, boolean keepAlive, boolean head) {
    byte[] bytes = page.body().getBytes(StandardCharsets.UTF_8);
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(page.status()),
            head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(bytes));
    HttpHeaders headers = response.headers();
    headers.set(HttpHeaderNames.CONTENT_TYPE, page.type());
    headers.set(HttpHeaderNames.CONTENT_LENGTH, bytes.length);
    headers.set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE);
    headers.set("x-content-type-options", "nosniff");
    if (page.status() == 405) {
      headers.set(HttpHeaderNames.ALLOW, page.body().contains("POST") ? "POST" : "GET, HEAD");
    }
    HttpUtil.setKeepAlive(response, keepAlive);
    ChannelFuture written = ctx.writeAndFlush(response);
    written.addListener(
        _ -> {
          if (keepAlive) {
            ctx.read();
          } else {
            ctx.close();
          }
        });
  }

  private @Nullable String refusal(ChannelHandlerContext ctx, FullHttpRequest request) {
    boolean changes = !request.method().equals(HttpMethod.GET);
    if ((changes || isLoopback(ctx.channel().localAddress()))
        && !isLoopbackHost(hostOf(request.headers().get(HttpHeaderNames.HOST)))) {
      return "the host header must name a loopback address such as localhost or 127.0.0.1";
    }
    if (changes && !isLoopback(ctx.channel().remoteAddress())) {
      return "changes are taken from a loopback address only";
    }
    String origin = request.headers().get(HttpHeaderNames.ORIGIN);
    if (changes && origin != null && !isLoopbackHost(hostOfOrigin(origin))) {
      return "changes are not taken from the pages of other sites";
    }
    return null;
  }

  private static boolean isLoopback(SocketAddress address) {
    return address instanceof InetSocketAddress inet
        && inet.getAddress() != null
        && inet.getAddress().isLoopbackAddress();
  }

  private static @Nullable String hostOf(@Nullable String header) {
    if (header == null) {
      return null;
    }
    int colon = header.lastIndexOf(':');
    return colon > header.lastIndexOf(']') ? header.substring(0, colon) : header;
  }

  private static @Nullable String hostOfOrigin(String origin) {
    try {
      return URI.create(origin).getHost();
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static boolean isLoopbackHost(@Nullable String host) {
    if (host == null || host.isEmpty()) {
      return false;
    }
    if (host.toLowerCase(Locale.ROOT).equals("localhost")) {
      return true;
    }
    try {
      // ofLiteral never asks a name server.
      return InetAddress.ofLiteral(
              host.startsWith("[") && host.endsWith("]")
                  ? host.substring(1, host.length() - 1)
                  : host)
          .isLoopbackAddress();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
