package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Headers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is written is what a decoder of others reads, head after head on one connection. */
final class Http2FieldsEncoderTest {
  private final Http2FieldsEncoder encoder = new Http2FieldsEncoder();
  private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder(false, 65_536);

  private List<String> read(ByteBuf block) throws Exception {
    List<String> lines = new ArrayList<>();
    Http2Headers headers = decoder.decodeHeaders(1, block);
    headers.forEach(field -> lines.add(field.getKey() + ": " + field.getValue()));
    assertThat(block.isReadable()).isFalse();
    block.release();
    return lines;
  }

  private List<String> request(Headers headers) throws Exception {
    ByteBuf out = Unpooled.buffer();
    encoder.request(
        1,
        new RequestHead("GET", "/a?b", "a.example", "https", HttpVersion.HTTP_2, headers),
        null,
        out);
    return read(out);
  }

  @Test
  void headsOfManyKindsAreReadAsTheyWereWritten() throws Exception {
    Random random = new Random(7);
    String[] names = {
      "Accept",
      "x-request-id",
      "X-Request-ID",
      "Traceparent",
      "content-length",
      "cookie",
      "X-A",
      "x-a",
      "AaAaAa",
      "BBBBBB",
      "grpc-timeout"
    };
    for (int round = 0; round < 2000; round++) {
      Headers headers = new Headers();
      List<String> expected = new ArrayList<>();
      for (int i = random.nextInt(45); i > 0; i--) {
        String name = names[random.nextInt(names.length)];
        if (random.nextInt(4) == 0) {
          name += Integer.toString(random.nextInt(200), 36);
        }
        String value = random.nextInt(3) == 0 ? "" : Integer.toString(random.nextInt(300));
        headers.add(name, value);
        expected.add(name.toLowerCase(Locale.ROOT) + ": " + value);
      }

      List<String> read = request(headers);

      assertThat(read.subList(0, 4))
          .containsExactly(
              ":method: GET", ":scheme: https", ":path: /a?b", ":authority: a.example");
      assertThat(read.subList(4, read.size())).isEqualTo(expected);
    }
  }

  @Test
  void whatIsOfOneConnectionStaysBehindAndTheHostIsTheAuthority() throws Exception {
    Headers headers = new Headers();
    headers.add("Host", "b.example");
    headers.add("Connection", "close, x-hop");
    headers.add("Transfer-Encoding", "chunked");
    headers.add("Keep-Alive", "5");
    headers.add("x-end", "to end");

    assertThat(request(headers))
        .containsExactly(
            ":method: GET",
            ":scheme: https",
            ":path: /a?b",
            ":authority: b.example",
            "x-end: to end");
  }

  @Test
  void valuesThatDoNotComeAgainDoNotPushOutThoseThatDo() throws Exception {
    int largest = 0;
    for (int i = 0; i < 500; i++) {
      Headers headers = new Headers();
      headers.add("x-request-id", "6a1f0c5e-0000-4000-8000-" + (100_000_000_000L + i));
      headers.add("server", "a server whose name is long enough to be worth an entry");
      ByteBuf out = Unpooled.buffer();
      encoder.response(1, new ResponseHead(200, HttpVersion.HTTP_2, headers), out);
      if (i > 0) {
        largest = Math.max(largest, out.readableBytes());
      }
      assertThat(read(out)).hasSize(3);
    }
    // One byte each for the status and the server, and the id as it is.
    assertThat(largest).isLessThan(60);
  }
}
