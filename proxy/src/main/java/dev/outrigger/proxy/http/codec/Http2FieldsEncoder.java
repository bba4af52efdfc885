package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.AsciiString;
import org.jspecify.annotations.Nullable;

/**
 * Writes our heads as header blocks: names in lower case, without what is meant for one connection
 * (RFC 9113, section 8.2.2).
 */
final class Http2FieldsEncoder {
  private static final AsciiString[] STATUS = new AsciiString[1000];
  private static final AsciiString CONNECT = AsciiString.cached("CONNECT");
  private static final AsciiString METHOD = Http2Headers.PseudoHeaderName.METHOD.value();
  private static final AsciiString SCHEME = Http2Headers.PseudoHeaderName.SCHEME.value();
  private static final AsciiString PATH = Http2Headers.PseudoHeaderName.PATH.value();
  private static final AsciiString AUTHORITY = Http2Headers.PseudoHeaderName.AUTHORITY.value();
  private static final AsciiString STATUS_NAME = Http2Headers.PseudoHeaderName.STATUS.value();
  private static final AsciiString PROTOCOL = Http2Headers.PseudoHeaderName.PROTOCOL.value();
  private static final AsciiString GET = AsciiString.cached("GET");
  private static final AsciiString POST = AsciiString.cached("POST");
  private static final AsciiString HTTP = AsciiString.cached("http");
  private static final AsciiString HTTPS = AsciiString.cached("https");

  static {
    for (int i = 100; i < STATUS.length; i++) {
      STATUS[i] = AsciiString.cached(Integer.toString(i));
    }
  }

  private final HpackFields fields = new HpackFields();
  private final DefaultHttp2HeadersEncoder hpack = new DefaultHttp2HeadersEncoder(fields, true);

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; more than the usual is not made use of. */
  void tableSize(long size) throws Http2Exception {
    hpack.maxHeaderTableSize(Math.min(size, 4096));
  }

  void close() {
    hpack.close();
  }

  /**
   * A request's head.
   *
   * @param protocol what an extended CONNECT asks for, or null
   */
  void request(int stream, RequestHead head, @Nullable String protocol, ByteBuf out)
      throws Http2Exception {
    Headers headers = head.headers();
    fields.begin();
    if (protocol != null) {
      fields.put(METHOD, CONNECT);
      fields.put(PROTOCOL, new AsciiString(protocol));
    } else {
      fields.put(METHOD, method(head.method()));
    }
    if (protocol == null && head.method().equals("CONNECT")) {
      fields.put(AUTHORITY, new AsciiString(head.path())); // has the port that host may lack
    } else {
      fields.put(SCHEME, head.scheme().equals("https") ? HTTPS : HTTP);
      fields.put(PATH, new AsciiString(head.path()));
      int host = headers.indexOf(HeaderName.HOST, 0);
      fields.put(
          AUTHORITY,
          host < 0
              ? new AsciiString(head.authority())
              : new AsciiString(
                  headers.array(), headers.valueOffset(host), headers.valueLength(host), true));
    }
    regular(headers);
    hpack.encodeHeaders(stream, fields, out);
  }

  private static AsciiString method(String method) {
    return switch (method) {
      case "GET" -> GET;
      case "POST" -> POST;
      default -> new AsciiString(method);
    };
  }

  void response(int stream, ResponseHead head, ByteBuf out) throws Http2Exception {
    fields.begin();
    fields.put(STATUS_NAME, STATUS[head.status()]);
    regular(head.headers());
    hpack.encodeHeaders(stream, fields, out);
  }

  void trailers(int stream, Headers trailers, ByteBuf out) throws Http2Exception {
    fields.begin();
    regular(trailers);
    hpack.encodeHeaders(stream, fields, out);
  }

  private void regular(Headers headers) {
    for (int i = 0; i < headers.size(); i++) {
      if (headers.nameIs(i, HeaderName.HOST)
          || headers.nameIs(i, HeaderName.CONNECTION)
          || headers.nameIs(i, HeaderName.KEEP_ALIVE)
          || headers.nameIs(i, HeaderName.PROXY_CONNECTION)
          || headers.nameIs(i, HeaderName.TRANSFER_ENCODING)
          || headers.nameIs(i, HeaderName.UPGRADE)) {
        continue;
      }
      fields.put(headers, i);
    }
  }
}
