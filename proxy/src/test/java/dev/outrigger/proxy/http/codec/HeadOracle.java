package dev.outrigger.proxy.http.codec;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.oneLine;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.http.codec.Http1HeadWriter.ConnectionWord;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.codec.http2.Http2Exception;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What must hold for every head that we accept: as either protocol it goes on well-formed. */
final class HeadOracle {
  private static final int LARGE = 1 << 20;
  private static final ByteBufAllocator ALLOC = UnpooledByteBufAllocator.DEFAULT;
  private static final String TOKEN = "!#$%&'*+-.^_`|~";
  private static final Set<String> OF_THE_CONNECTION =
      Set.of("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade");

  private HeadOracle() {}

  /** A request that was accepted and is to go on; it is changed as the proxy changes it. */
  static void goesOn(RequestHead head, boolean chunked) {
    sound(head.headers());
    token(head.method(), "the method");
    oneLine(head.path(), "the path");
    if (head.method().equals("CONNECT")) {
      check(
          Grammar.isAuthority(head.path()) && Grammar.hasPort(head.path()),
          "CONNECT goes to no host with a port: " + head.path());
      head.headers().remove(HeaderName.CONTENT_LENGTH); // it has no body; a tunnel is no body
    } else {
      check(
          head.path().startsWith("/") || head.path().equals("*"),
          "the path is neither of origin form nor *: " + head.path());
    }
    check(head.path().chars().allMatch(c -> c > ' ' && c < 0x7f && c != '#'), "the path is no URI");
    oneLine(head.authority(), "the authority");
    Connections.strip(head.headers());
    if (!head.headers().contains(HeaderName.HOST)) {
      head.headers().add(HeaderName.HOST, head.authority());
    }
    asHttp1(head, chunked);
    asHttp2(head);
  }

  private static void asHttp1(RequestHead head, boolean chunked) {
    ByteBuf written = new Http1HeadWriter().request(head, chunked, NameCase.AS_WRITTEN, ALLOC);
    try {
      Http1HeadParser parser = Http1HeadParser.ofRequests(LARGE, LARGE);
      check(parser.parse(written), "what is written for a request is not a whole head");
      check(parser.error() == null, "what is written for a request is refused: " + parser.error());
      check(!written.isReadable(), "more than one head is written for a request");
      same(chunked, parser.chunked(), "chunked");
      same(head.headers().contains(HeaderName.CONTENT_LENGTH), parser.contentLength() >= 0, "cl");
      RequestHead read = parser.request("http");
      same(head.method(), read.method(), "method");
      same(head.path(), read.path(), "path");
      sameHost(head, read);
      same(lines(head.headers(), chunked), lines(read.headers(), false), "header fields");
    } finally {
      written.release();
    }
  }

  private static void asHttp2(RequestHead head) {
    if (head.authority().isEmpty()) {
      return; // HTTP/1.0 without a host: HTTP/2 has no such request
    }
    Http2Fields fields = decoded((encoder, out) -> encoder.request(1, head, null, out));
    check(fields.requestFault() == null, "malformed HTTP/2 is sent: " + fields.requestFault());
    RequestHead read = fields.request(head.scheme());
    same(head.method(), read.method(), "method");
    same(head.path(), read.path(), "path");
    sameHost(head, read);
    same(sorted(head.headers()), sorted(read.headers()), "header fields");
  }

  /** A response that was accepted and is to go on. */
  static void goesOn(ResponseHead head, boolean chunked) {
    sound(head.headers());
    check(head.status() >= 100 && head.status() <= 999, "the status is " + head.status());
    Connections.strip(head.headers());
    if (head.status() < 200) {
      head.headers().remove(HeaderName.CONTENT_LENGTH); // as the proxy does: it has no body
    }
    ByteBuf written =
        new Http1HeadWriter()
            .response(head, chunked, ConnectionWord.NONE, NameCase.AS_WRITTEN, ALLOC);
    try {
      Http1HeadParser parser = Http1HeadParser.ofResponses(LARGE, LARGE);
      check(parser.parse(written), "what is written for a response is not a whole head");
      check(parser.error() == null, "what is written for a response is refused: " + parser.error());
      check(!written.isReadable(), "more than one head is written for a response");
      same(chunked, parser.chunked(), "chunked");
      ResponseHead read = parser.response();
      same(head.status(), read.status(), "status");
      same(lines(head.headers(), chunked), lines(read.headers(), false), "header fields");
    } finally {
      written.release();
    }
    if (head.status() == 101) {
      return; // goes to no client of HTTP/2
    }
    Http2Fields fields = decoded((encoder, out) -> encoder.response(1, head, out));
    check(fields.responseFault() == null, "malformed HTTP/2 is sent: " + fields.responseFault());
    ResponseHead answer = fields.response();
    same(head.status(), answer.status(), "status");
    same(sorted(head.headers()), sorted(answer.headers()), "header fields");
  }

  /** Trailers that were accepted and are to go on. */
  static void goOn(Headers trailers) {
    sound(trailers);
    ByteBuf written = new Http1HeadWriter().chunksEnd(true, trailers, NameCase.AS_WRITTEN, ALLOC);
    try {
      Http1BodyReader reader = new Http1BodyReader(Origin.UPSTREAM);
      reader.beginChunked();
      check(reader.next(written) == null, "trailers became a body");
      if (written.capacity() < 4096 && trailers.size() <= 32) { // beyond, they may be too many
        check(reader.error() == null, "what is written for trailers is refused: " + reader.error());
        check(reader.done() && !written.isReadable(), "trailers do not end where they end");
        same(lines(trailers, false), lines(reader.trailers(), false), "trailers");
      }
    } finally {
      written.release();
    }
    Http2Fields fields = decoded((encoder, out) -> encoder.trailers(1, trailers, out));
    check(fields.trailerFault() == null, "malformed HTTP/2 is sent: " + fields.trailerFault());
    same(sorted(trailers), sorted(fields.trailers()), "trailers");
  }

  private static void sameHost(RequestHead one, RequestHead other) {
    check(
        one.authority().equalsIgnoreCase(other.authority()),
        one.authority() + " goes on as " + other.authority());
  }

  private interface Encoding {
    void write(Http2FieldsEncoder encoder, ByteBuf out) throws Http2Exception;
  }

  private static Http2Fields decoded(Encoding encoding) {
    Http2FieldsEncoder encoder = new Http2FieldsEncoder();
    HpackReader decoder = new HpackReader(LARGE, LARGE);
    ByteBuf block = Unpooled.buffer();
    try {
      encoding.write(encoder, block);
      return decoder.read(1, block);
    } catch (Http2Exception e) {
      throw new AssertionError("what is encoded cannot be decoded", e);
    } finally {
      block.release();
      encoder.close();
    }
  }

  /** No field can end a line, a head or a message, or change its name on the way. */
  private static void sound(Headers headers) {
    for (int i = 0; i < headers.size(); i++) {
      token(headers.nameAt(i), "a name");
      String value = headers.valueAt(i);
      oneLine(value, "the value of " + headers.nameAt(i));
      same(stripped(value), value, "a value has white space around it");
    }
  }

  private static String stripped(String value) {
    int from = 0;
    int to = value.length();
    while (from < to && (value.charAt(from) == ' ' || value.charAt(from) == '\t')) {
      from++;
    }
    while (to > from && (value.charAt(to - 1) == ' ' || value.charAt(to - 1) == '\t')) {
      to--;
    }
    return value.substring(from, to);
  }

  private static void token(String text, String what) {
    check(!text.isEmpty(), what + " is empty");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      check(letter || (c >= '0' && c <= '9') || TOKEN.indexOf(c) >= 0, what + " is no token");
    }
  }

  private static List<String> lines(Headers headers, boolean chunked) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < headers.size(); i++) {
      String name = headers.nameAt(i);
      check(
          name.equals("transfer-encoding")
              || !OF_THE_CONNECTION.contains(name.toLowerCase(Locale.ROOT)),
          name + " goes on");
      lines.add(name + "=" + headers.valueAt(i));
    }
    if (chunked) {
      lines.add("transfer-encoding=chunked");
    }
    return lines;
  }

  /** Fields as HTTP/2 has them: names in lower case, cookies in one, host apart. */
  private static List<String> sorted(Headers headers) {
    List<String> lines = new ArrayList<>();
    List<String> cookies = new ArrayList<>();
    for (int i = 0; i < headers.size(); i++) {
      String name = headers.nameAt(i).toLowerCase(Locale.ROOT);
      if (name.equals("cookie")) {
        if (!headers.valueAt(i).isEmpty()) {
          cookies.add(headers.valueAt(i));
        }
      } else if (!name.equals("host")) {
        lines.add(name + "=" + headers.valueAt(i));
      }
    }
    if (!cookies.isEmpty()) {
      lines.add("cookie=" + String.join("; ", cookies));
    }
    lines.sort(null);
    return lines;
  }
}
