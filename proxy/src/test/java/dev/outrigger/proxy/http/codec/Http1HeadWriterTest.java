package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.http.codec.Http1HeadWriter.ConnectionWord;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class Http1HeadWriterTest {
  private final Http1HeadWriter writer = new Http1HeadWriter();

  private static String text(ByteBuf written) {
    try {
      return written.toString(StandardCharsets.ISO_8859_1);
    } finally {
      written.release();
    }
  }

  private static Headers headers() {
    Headers headers = new Headers();
    headers.add("x-a1b_c", "a: b-c");
    headers.add("CONTENT-type", "x");
    headers.add("eTAG", "\"e\"");
    return headers;
  }

  @Test
  void wordsOfNamesBeginInUpperCaseWhereThatIsAskedFor() {
    UnpooledByteBufAllocator alloc = UnpooledByteBufAllocator.DEFAULT;
    RequestHead request =
        new RequestHead("GET", "/x-y", "a", "http", HttpVersion.HTTP_1_1, headers());
    assertThat(text(writer.request(request, true, NameCase.PROPER, alloc)))
        .isEqualTo(
            "GET /x-y HTTP/1.1\r\nX-A1b_C: a: b-c\r\nContent-Type: x\r\nEtag: \"e\"\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n");
    assertThat(
            text(
                writer.response(
                    new ResponseHead(200, HttpVersion.HTTP_1_1, headers()),
                    false,
                    ConnectionWord.CLOSE,
                    NameCase.PROPER,
                    alloc)))
        .isEqualTo(
            "HTTP/1.1 200 OK\r\nX-A1b_C: a: b-c\r\nContent-Type: x\r\nEtag: \"e\"\r\n"
                + "Connection: close\r\n\r\n");
    assertThat(text(writer.chunksEnd(false, headers(), NameCase.PROPER, alloc)))
        .isEqualTo("\r\n0\r\nX-A1b_C: a: b-c\r\nContent-Type: x\r\nEtag: \"e\"\r\n\r\n");
  }

  @Test
  void otherwiseTheyStayAsTheyCame() {
    assertThat(
            text(
                writer.chunksEnd(
                    true, headers(), NameCase.AS_WRITTEN, UnpooledByteBufAllocator.DEFAULT)))
        .contains("x-a1b_c: a: b-c\r\n", "CONTENT-type: x\r\n", "eTAG: ");
  }
}
