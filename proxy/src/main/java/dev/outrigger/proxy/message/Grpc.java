package dev.outrigger.proxy.message;

/** What gRPC says in the headers and trailers of HTTP (gRPC, PROTOCOL-HTTP2.md). */
public final class Grpc {
  /** Stands for no status, or one that is no number. */
  public static final int NO_STATUS = -1;

  private static final byte[] TYPE = {
    'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o', 'n', '/', 'g', 'r', 'p', 'c'
  };
  private static final int MAX_STATUS = 16;

  private Grpc() {}

  /** Whether a request is a call of gRPC, or of one of its kind such as gRPC-Web. */
  public static boolean isCall(Headers headers) {
    int at = headers.indexOf(HeaderName.CONTENT_TYPE, 0);
    if (at < 0 || headers.valueLength(at) < TYPE.length) {
      return false;
    }
    byte[] bytes = headers.array();
    int offset = headers.valueOffset(at);
    for (int i = 0; i < TYPE.length; i++) {
      if (bytes[offset + i] != TYPE[i]) {
        return false;
      }
    }
    return true;
  }

  /** The status of a call that these headers or trailers end; 0 to 16, or {@link #NO_STATUS}. */
  public static int status(Headers headers) {
    int at = headers.indexOf(HeaderName.GRPC_STATUS, 0);
    if (at < 0) {
      return NO_STATUS;
    }
    byte[] bytes = headers.array();
    int offset = headers.valueOffset(at);
    int length = headers.valueLength(at);
    if (length < 1 || length > 2) {
      return NO_STATUS;
    }
    int status = 0;
    for (int i = offset; i < offset + length; i++) {
      if (bytes[i] < '0' || bytes[i] > '9') {
        return NO_STATUS;
      }
      status = status * 10 + bytes[i] - '0';
    }
    return status <= MAX_STATUS ? status : NO_STATUS;
  }

  /** The status of HTTP that says the same; 499 for a call that was cancelled. */
  public static int httpStatusOf(int status) {
    return switch (status) {
      case 0 -> 200;
      case 1 -> 499;
      case 3, 9, 11 -> 400;
      case 4 -> 504;
      case 5 -> 404;
      case 6, 10 -> 409;
      case 7 -> 403;
      case 8 -> 429;
      case 12 -> 501;
      case 14 -> 503;
      case 16 -> 401;
      default -> 500; // UNKNOWN, INTERNAL, DATA_LOSS
    };
  }
}
