package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.fuzz.Oracle;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One direction of an HTTP/1.1 connection, read as the proxy reads it; what was read is kept as
 * text, so that two readings can be compared.
 */
final class Http1Conversation {
  static final int MAX_HEAD_BYTES = 4096;
  static final int MAX_HEADERS = 32;

  /** Is told each head at once, with where in the input it ended. */
  interface Heads {
    void request(RequestHead head, Http1HeadParser parser, int end);

    void response(ResponseHead head, Http1HeadParser parser, int end);
  }

  private final boolean requests;
  private final @Nullable Heads heads;
  private final Http1HeadParser parser;
  private final Http1BodyReader body;
  private final List<String> events = new ArrayList<>();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private boolean inBody;
  private boolean refused;
  private int consumed;

  Http1Conversation(boolean requests, @Nullable Heads heads) {
    this.requests = requests;
    this.heads = heads;
    parser =
        requests
            ? Http1HeadParser.ofRequests(MAX_HEAD_BYTES, MAX_HEADERS)
            : Http1HeadParser.ofResponses(MAX_HEAD_BYTES, MAX_HEADERS);
    body = new Http1BodyReader(requests ? Origin.DOWNSTREAM : Origin.UPSTREAM);
  }

  /** What came of all pieces. */
  static List<String> read(boolean requests, List<byte[]> pieces) {
    Http1Conversation conversation = new Http1Conversation(requests, null);
    for (byte[] piece : pieces) {
      conversation.read(piece);
    }
    return conversation.events();
  }

  void read(byte[] piece) {
    ByteBuf in = Unpooled.copiedBuffer(piece);
    int base = consumed;
    try {
      while (!refused) {
        boolean more = inBody ? body(in) : head(in, base);
        if (!more) {
          break;
        }
      }
      Oracle.check(refused || !in.isReadable(), "bytes were left without a reason");
      consumed = base + piece.length;
    } finally {
      Oracle.check(in.release(), "a slice of the input was kept");
    }
  }

  private boolean head(ByteBuf in, int base) {
    if (!parser.parse(in)) {
      return false;
    }
    ProxyError error = parser.error();
    if (error != null) {
      refused(error);
      return false;
    }
    int end = base + in.readerIndex();
    Heads told = heads;
    if (requests) {
      RequestHead head = parser.request("http");
      events.add(text(head));
      if (told != null) {
        told.request(head, parser, end);
      }
    } else {
      ResponseHead head = parser.response();
      events.add(text(head));
      if (told != null) {
        told.response(head, parser, end);
      }
    }
    events.add(
        "chunked " + parser.chunked() + " length " + parser.contentLength() + parser.keepAlive());
    if (parser.chunked()) {
      body.beginChunked();
    } else if (requests || parser.contentLength() >= 0) {
      body.beginLength(Math.max(0, parser.contentLength()));
    } else {
      body.beginUntilClose();
    }
    inBody = true;
    return true;
  }

  private boolean body(ByteBuf in) {
    ByteBuf piece = body.next(in);
    if (piece != null) {
      byte[] some = new byte[piece.readableBytes()];
      piece.readBytes(some).release();
      bytes.writeBytes(some);
      return true;
    }
    ProxyError error = body.error();
    if (error != null) {
      refused(error);
      return false;
    }
    if (!body.done()) {
      return false;
    }
    events.add("body " + Oracle.latin1(bytes.toByteArray()));
    bytes.reset();
    Headers trailers = body.trailers();
    if (trailers != null) {
      events.add("trailers " + trailers);
    }
    inBody = false;
    return true;
  }

  private void refused(ProxyError error) {
    refused = true;
    events.add(error.toString());
  }

  /** What was read so far, and in what state that leaves the connection. */
  List<String> events() {
    List<String> all = new ArrayList<>(events);
    all.add("rest " + Oracle.latin1(bytes.toByteArray()));
    all.add(inBody + " " + (!refused && parser.midHead()));
    return all;
  }

  static String text(RequestHead head) {
    return head.method()
        + ' '
        + head.path()
        + ' '
        + head.authority()
        + ' '
        + head.version()
        + '\n'
        + head.headers();
  }

  static String text(ResponseHead head) {
    return head.status() + " " + head.version() + '\n' + head.headers();
  }
}
