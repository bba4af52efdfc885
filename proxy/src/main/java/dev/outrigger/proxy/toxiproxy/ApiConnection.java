package dev.outrigger.proxy.toxiproxy;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection to the API. Requests that come ahead of answers wait, within a bound. */
final class ApiConnection extends SimpleChannelInboundHandler<FullHttpRequest> {
  private static final Logger LOG = LoggerFactory.getLogger(ApiConnection.class);

  private static final int MOST_WAITING = 32;

  private final ToxiproxyApi api;
  private int waiting;

  ApiConnection(ToxiproxyApi api) {
    this.api = api;
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    if (++waiting == MOST_WAITING) {
      context.channel().config().setAutoRead(false);
    }
    String target = request.uri();
    if (request.decoderResult().isFailure() || !target.startsWith("/")) {
      send(context, Answer.error(400, "400 Bad Request"), false);
      return;
    }
    boolean keepAlive = HttpUtil.isKeepAlive(request);
    int query = target.indexOf('?');
    api.handle(
            new ToxiproxyApi.Request(
                request.method().name(),
                query < 0 ? target : target.substring(0, query),
                request.headers().get(HttpHeaderNames.USER_AGENT),
                request.content().toString(StandardCharsets.UTF_8)))
        // The API answers in the order of the requests.
        .thenAccept(answer -> send(context, answer, keepAlive));
  }

  private void send(ChannelHandlerContext context, Answer answer, boolean keepAlive) {
    byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(answer.status()),
            Unpooled.wrappedBuffer(bytes));
    HttpHeaders headers = response.headers();
    if (!answer.type().isEmpty()) {
      headers.set(HttpHeaderNames.CONTENT_TYPE, answer.type());
    }
    if (answer.type().startsWith("text/plain;") && answer.status() >= 400) {
      headers.set("x-content-type-options", "nosniff");
    }
    if (answer.status() != 204) {
      headers.set(HttpHeaderNames.CONTENT_LENGTH, bytes.length);
    }
    headers.set(HttpHeaderNames.SERVER, "outrigger");
    HttpUtil.setKeepAlive(response, keepAlive);
    context
        .writeAndFlush(response)
        .addListener(
            _ -> {
              if (--waiting < MOST_WAITING) {
                context.channel().config().setAutoRead(true);
              }
              if (!keepAlive) {
                context.close();
              }
            });
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("connection to the Toxiproxy API closed", cause);
    context.close();
  }
}
