package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ErrorReply;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Puts an error into words: always the code and who says it as headers, and a body in the form that
 * the caller reads. Who is outside the mesh is told the code, but no names or addresses inside.
 */
final class Refusals {
  private static final HeaderName GRPC_MESSAGE = HeaderName.of("grpc-message");
  private static final String PAGES = "https://outrigger.dev/e/";
  private static final Pattern UUID =
      Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

  private Refusals() {}

  /**
   * What is said about an error; its status is not 0.
   *
   * @param head of the request; null if it could not be read
   * @param requestId null if there is none
   */
  static LocalReplies.Rendered render(
      ProxyError error,
      ConnectionFacts facts,
      @Nullable RequestHead head,
      @Nullable String requestId) {
    ErrorReply reply = ErrorReplies.replyFor(error);
    Headers headers = new Headers();
    headers.add(HeaderName.OUTRIGGER_ERROR, reply.code().toString());
    headers.add(HeaderName.OUTRIGGER_SOURCE, source(facts, error.origin()));
    if (error instanceof ProxyError.FaultInjected fault) {
      headers.add(HeaderName.OUTRIGGER_FAULT, fault.experiment());
    }
    boolean outsider = facts.inbound() && facts.peer() == null;
    boolean ownDoing = error.origin() == Origin.DOWNSTREAM;
    String detail = outsider && !ownDoing ? null : error.detail();
    return switch (ReplyForm.of(head)) {
      case GRPC -> grpc(reply, detail, headers, "application/grpc");
      case GRPC_WEB -> grpc(reply, detail, headers, "application/grpc-web+proto");
      case TEXT ->
          LocalReplies.rendered(
              reply.status(), headers, "text/plain", text(reply, detail, requestId));
      case PROBLEM_JSON ->
          LocalReplies.rendered(
              reply.status(),
              headers,
              "application/problem+json",
              problem(reply, detail, requestId, source(facts, error.origin())));
    };
  }

  /** Which proxy says it, seen from the application beside it, and whose doing it is. */
  private static String source(ConnectionFacts facts, Origin cause) {
    return switch (cause) {
      case DOWNSTREAM ->
          facts.inbound() ? "inbound; cause=downstream" : "outbound; cause=downstream";
      case UPSTREAM -> facts.inbound() ? "inbound; cause=upstream" : "outbound; cause=upstream";
      case LOCAL -> facts.inbound() ? "inbound; cause=local" : "outbound; cause=local";
      case CONTROL_PLANE ->
          facts.inbound() ? "inbound; cause=control-plane" : "outbound; cause=control-plane";
    };
  }

  private static LocalReplies.Rendered grpc(
      ErrorReply reply, @Nullable String detail, Headers headers, String type) {
    headers.add(HeaderName.CONTENT_TYPE, type);
    headers.add(HeaderName.GRPC_STATUS, Integer.toString(reply.grpcStatus()));
    String message = reply.code() + ": " + (detail == null ? reply.code().title() : detail);
    headers.add(GRPC_MESSAGE, percentEncoded(message));
    return LocalReplies.trailersOnly(headers);
  }

  private static String text(
      ErrorReply reply, @Nullable String detail, @Nullable String requestId) {
    StringBuilder text = new StringBuilder(160);
    text.append(reply.code()).append(": ");
    text.append(detail == null ? reply.code().title() : detail).append('\n');
    if (requestId != null) {
      text.append("request ").append(requestId).append('\n');
    }
    return text.toString();
  }

  /** RFC 9457. */
  private static String problem(
      ErrorReply reply, @Nullable String detail, @Nullable String requestId, String source) {
    StringBuilder json = new StringBuilder(320);
    json.append("{\"type\":\"").append(PAGES).append(reply.code()).append('"');
    member(json, "title", reply.code().title());
    json.append(",\"status\":").append(reply.status());
    if (detail != null) {
      member(json, "detail", detail);
    }
    if (requestId != null && UUID.matcher(requestId).matches()) {
      member(json, "instance", "urn:uuid:" + requestId);
    }
    member(json, "code", reply.code().toString());
    member(json, "source", source);
    if (requestId != null) {
      member(json, "requestId", requestId);
    }
    return json.append("}\n").toString();
  }

  private static void member(StringBuilder json, String name, String value) {
    json.append(",\"").append(name).append("\":\"");
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < 0x20 || c >= 0x7f) {
        json.append("\\u");
        for (int shift = 12; shift >= 0; shift -= 4) {
          json.append(Character.forDigit(c >> shift & 15, 16));
        }
      } else {
        json.append(c);
      }
    }
    json.append('"');
  }

  /** As gRPC over HTTP/2 writes {@code Status-Message}. */
  private static String percentEncoded(String message) {
    StringBuilder encoded = new StringBuilder(message.length() + 16);
    for (byte b : message.getBytes(StandardCharsets.UTF_8)) {
      if (b >= 0x20 && b < 0x7f && b != '%') {
        encoded.append((char) b);
      } else {
        encoded.append('%');
        encoded.append(Character.toUpperCase(Character.forDigit(b >> 4 & 15, 16)));
        encoded.append(Character.toUpperCase(Character.forDigit(b & 15, 16)));
      }
    }
    return encoded.toString();
  }
}
