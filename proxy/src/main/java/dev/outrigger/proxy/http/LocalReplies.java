package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** The proxy's own answers, ready to be written. */
final class LocalReplies {
  private LocalReplies() {}

  /** An answer ready to be written. */
  record Rendered(ResponseHead head, ByteBuf body) {}

  /** What configuration says. */
  static Rendered render(LocalReply.Answer answer) {
    Headers headers = new Headers();
    for (HeaderValue value : answer.headers()) {
      headers.add(value.name(), value.value().text());
    }
    return rendered(answer.status(), headers, "text/plain", answer.body());
  }

  /** With a body, where the status allows one. */
  static Rendered rendered(int status, Headers headers, String type, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    boolean mayHaveBody = status != 204 && status != 304;
    if (mayHaveBody) {
      if (bytes.length > 0) {
        headers.add(HeaderName.CONTENT_TYPE, type);
      }
      headers.add(HeaderName.CONTENT_LENGTH, Integer.toString(bytes.length));
    }
    return new Rendered(
        new ResponseHead(status, HttpVersion.HTTP_1_1, headers),
        mayHaveBody ? Unpooled.wrappedBuffer(bytes) : Unpooled.EMPTY_BUFFER);
  }

  /** For gRPC: status 200, and the head is all there is. */
  static Rendered trailersOnly(Headers headers) {
    return new Rendered(
        new ResponseHead(200, HttpVersion.HTTP_1_1, headers), Unpooled.EMPTY_BUFFER);
  }
}
