package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersEncoder;
import io.netty.util.AsciiString;
import org.jspecify.annotations.Nullable;

/**
 * Writes our heads as header blocks: names in lower case, without what is meant for one connection
 * (RFC 9113, section 8.2.2).
 */
final class Http2FieldsEncoder {
  private static final AsciiString[] STATUS = new AsciiString[1000];
  private static final AsciiString CONNECT = AsciiString.cached("CONNECT");
  private static final AsciiString HTTP = AsciiString.cached("http");
  private static final AsciiString HTTPS = AsciiString.cached("https");

  static {
    for (int i = 100; i < STATUS.length; i++) {
      STATUS[i] = AsciiString.cached(Integer.toString(i));
    }
  }

  private final DefaultHttp2HeadersEncoder hpack =
      new DefaultHttp2HeadersEncoder(Http2HeadersEncoder.NEVER_SENSITIVE, true);

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
    String host = headers.get(HeaderName.HOST);
    Http2Headers fields = new DefaultHttp2Headers(false, headers.size() + 4);
    fields.method(protocol == null ? new AsciiString(head.method()) : CONNECT);
    if (protocol != null) {
      fields.add(Http2Headers.PseudoHeaderName.PROTOCOL.value(), new AsciiString(protocol));
    }
    if (protocol == null && head.method().equals("CONNECT")) {
      fields.authority(new AsciiString(head.path())); // which has the port that host may lack
    } else {
      fields.scheme(head.scheme().equals("https") ? HTTPS : HTTP);
      fields.path(new AsciiString(head.path()));
      fields.authority(new AsciiString(host == null ? head.authority() : host));
    }
    regular(headers, fields);
    hpack.encodeHeaders(stream, fields, out);
  }

  void response(int stream, ResponseHead head, ByteBuf out) throws Http2Exception {
    Http2Headers fields = new DefaultHttp2Headers(false, head.headers().size() + 1);
    fields.status(STATUS[head.status()]);
    regular(head.headers(), fields);
    hpack.encodeHeaders(stream, fields, out);
  }

  void trailers(int stream, Headers trailers, ByteBuf out) throws Http2Exception {
    Http2Headers fields = new DefaultHttp2Headers(false, trailers.size());
    regular(trailers, fields);
    hpack.encodeHeaders(stream, fields, out);
  }

  private static void regular(Headers headers, Http2Headers to) {
    byte[] array = headers.array();
    for (int i = 0; i < headers.size(); i++) {
      if (headers.nameIs(i, HeaderName.HOST)
          || headers.nameIs(i, HeaderName.CONNECTION)
          || headers.nameIs(i, HeaderName.KEEP_ALIVE)
          || headers.nameIs(i, HeaderName.PROXY_CONNECTION)
          || headers.nameIs(i, HeaderName.TRANSFER_ENCODING)
          || headers.nameIs(i, HeaderName.UPGRADE)) {
        continue;
      }
      // Copies, since HPACK's table keeps them.
      AsciiString name = new AsciiString(array, headers.nameOffset(i), headers.nameLength(i), true);
      AsciiString value =
          new AsciiString(array, headers.valueOffset(i), headers.valueLength(i), true);
      to.add(name.toLowerCase(), value);
    }
  }
}
