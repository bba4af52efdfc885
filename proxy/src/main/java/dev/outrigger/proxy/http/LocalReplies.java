package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ErrorReply;
import dev.outrigger.proxy.outcome.ProxyError;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** Puts the proxy's own answers into words. */
final class LocalReplies {
  private static final HeaderName GRPC_MESSAGE = HeaderName.of("grpc-message");

  private LocalReplies() {}

  /** An answer ready to be written. */
  record Rendered(ResponseHead head, ByteBuf body) {}

  /** What is said about an error; its status is not 0. */
  static Rendered render(ProxyError error, boolean grpc) {
    ErrorReply reply = ErrorReplies.replyFor(error);
    Headers headers = new Headers();
    if (grpc) {
      headers.add(HeaderName.CONTENT_TYPE, "application/grpc");
      headers.add(HeaderName.GRPC_STATUS, Integer.toString(reply.grpcStatus()));
      headers.add(GRPC_MESSAGE, reply.code());
    }
    headers.add(HeaderName.OUTRIGGER_ERROR, reply.code());
    if (error instanceof ProxyError.FaultInjected fault) {
      headers.add(HeaderName.OUTRIGGER_FAULT, fault.experiment());
    }
    String text = grpc ? "" : reply.code() + ": " + error.detail() + "\n";
    return rendered(grpc ? 200 : reply.status(), headers, text);
  }

  /** What configuration says. */
  static Rendered render(LocalReply.Answer answer) {
    Headers headers = new Headers();
    for (HeaderValue value : answer.headers()) {
      headers.add(value.name(), value.value());
    }
    return rendered(answer.status(), headers, answer.body());
  }

  static boolean isGrpc(RequestHead head) {
    String type = head.headers().get(HeaderName.CONTENT_TYPE);
    return type != null && type.startsWith("application/grpc");
  }

  private static Rendered rendered(int status, Headers headers, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    boolean mayHaveBody = status != 204 && status != 304;
    if (mayHaveBody) {
      if (bytes.length > 0) {
        headers.add(HeaderName.CONTENT_TYPE, "text/plain");
      }
      headers.add(HeaderName.CONTENT_LENGTH, Integer.toString(bytes.length));
    }
    return new Rendered(
        new ResponseHead(status, HttpVersion.HTTP_1_1, headers),
        mayHaveBody ? Unpooled.wrappedBuffer(bytes) : Unpooled.EMPTY_BUFFER);
  }
}
