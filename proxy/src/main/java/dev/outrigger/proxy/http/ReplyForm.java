package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** In which form a caller can read what the proxy itself has to say. Pure. */
enum ReplyForm {
  /** A few lines of text, for people. */
  TEXT,
  /** RFC 9457, for programs that ask for JSON. */
  PROBLEM_JSON,
  /** Trailers only: HTTP status 200 and {@code grpc-status} in the head. */
  GRPC,
  /** The same for browsers. */
  GRPC_WEB;

  private static final String GRPC_TYPE = "application/grpc";

  /** Whether it is a call of gRPC proper, which may be open for as long as it likes. */
  static boolean isGrpc(RequestHead head) {
    String type = head.headers().get(HeaderName.CONTENT_TYPE);
    return type != null && grpc(type) == GRPC;
  }

  private static @Nullable ReplyForm grpc(String type) {
    if (!type.regionMatches(true, 0, GRPC_TYPE, 0, GRPC_TYPE.length())) {
      return null;
    }
    String rest = type.substring(GRPC_TYPE.length()).toLowerCase(Locale.ROOT);
    if (rest.isEmpty() || rest.startsWith("+") || rest.startsWith(";")) {
      return GRPC;
    }
    return rest.startsWith("-web") ? GRPC_WEB : null;
  }

  /** Null stands for a request that could not be read. */
  static ReplyForm of(@Nullable RequestHead head) {
    if (head == null) {
      return TEXT;
    }
    Headers headers = head.headers();
    String type = headers.get(HeaderName.CONTENT_TYPE);
    ReplyForm grpc = type == null ? null : grpc(type);
    if (grpc != null) {
      return grpc;
    }
    for (int i = headers.indexOf(HeaderName.ACCEPT, 0);
        i >= 0;
        i = headers.indexOf(HeaderName.ACCEPT, i + 1)) {
      if (asksForJson(headers.valueAt(i))) {
        return PROBLEM_JSON;
      }
    }
    return TEXT;
  }

  /** Whether JSON stands among the types, and not with the weight zero (RFC 9110, 12.5.1). */
  private static boolean asksForJson(String accept) {
    for (String range : accept.split(",", 64)) {
      String[] parts = range.split(";", 16);
      String type = parts[0].strip().toLowerCase(Locale.ROOT);
      if (type.equals("application/problem+json") || type.equals("application/json")) {
        boolean refused = false;
        for (int i = 1; i < parts.length; i++) {
          refused |= parts[i].strip().toLowerCase(Locale.ROOT).matches("q=0(\\.0{0,3})?");
        }
        if (!refused) {
          return true;
        }
      }
    }
    return false;
  }
}
