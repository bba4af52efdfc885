package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.outcome.Origin;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class Http1BodyReaderTest {

  @Test
  void chunkedBodiesComeOutWholeHoweverTheyAreCut() {
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      StringBuilder body = new StringBuilder();
      StringBuilder wire = new StringBuilder();
      for (int i = random.nextInt(6); i > 0; i--) {
        String chunk = "x".repeat(1 + random.nextInt(300));
        body.append(chunk);
        wire.append(Integer.toHexString(chunk.length()))
            .append(random.nextBoolean() ? ";name=\"v\"" : "")
            .append("\r\n")
            .append(chunk)
            .append("\r\n");
      }
      boolean trailers = random.nextBoolean();
      wire.append("0\r\n").append(trailers ? "x-sum: 1\r\nx-b: 2\r\n" : "").append("\r\n");
      wire.append("NEXT");
      Http1BodyReader reader = new Http1BodyReader(Origin.DOWNSTREAM);
      reader.beginChunked();
      StringBuilder got = new StringBuilder();
      ByteBuf all = bytes(wire.toString());
      while (!reader.done()) {
        ByteBuf piece = all.readRetainedSlice(Math.min(all.readableBytes(), random.nextInt(40)));
        drain(reader, piece, got);
        assertThat(reader.error()).isNull();
        all.readerIndex(all.readerIndex() - piece.readableBytes());
        piece.release();
      }
      assertThat(got.toString()).isEqualTo(body.toString());
      assertThat(all.toString(StandardCharsets.ISO_8859_1)).isEqualTo("NEXT");
      Headers fields = reader.trailers();
      assertThat(fields != null).isEqualTo(trailers);
      if (fields != null) {
        assertThat(fields.get(HeaderName.of("x-b"))).isEqualTo("2");
      }
      all.release();
    }
  }

  @Test
  void whateverIsChangedIsReadTheSameInOnePieceAndInMany() {
    Random random = new Random(12);
    int refused = 0;
    for (int round = 0; round < 20_000; round++) {
      StringBuilder text =
          new StringBuilder(
              "3\r\nabc\r\n1a;e=\"v\"\r\n" + "z".repeat(26) + "\r\n0\r\nx-sum: 1\r\n\r\nNEXT");
      for (int change = random.nextInt(3); change >= 0; change--) {
        int at = random.nextInt(text.length());
        char any =
            random.nextBoolean()
                ? "\r\n;0fF-x: \0".charAt(random.nextInt(11))
                : (char) random.nextInt(256);
        switch (random.nextInt(3)) {
          case 0 -> text.setCharAt(at, any);
          case 1 -> text.insert(at, any);
          default -> text.deleteCharAt(at);
        }
      }
      String whole = outcome(text.toString(), text.length());
      assertThat(outcome(text.toString(), 1 + random.nextInt(4)))
          .as(text.toString())
          .isEqualTo(whole);
      refused += whole.startsWith("refused") ? 1 : 0;
    }
    assertThat(refused).isBetween(5_000, 19_000);
  }

  /** What a chunked body comes to when it arrives in pieces of a size. */
  private static String outcome(String text, int size) {
    Http1BodyReader reader = new Http1BodyReader(Origin.DOWNSTREAM);
    reader.beginChunked();
    StringBuilder body = new StringBuilder();
    for (int at = 0; at < text.length(); at += size) {
      ByteBuf in = bytes(text.substring(at, Math.min(text.length(), at + size)));
      for (ByteBuf piece = reader.next(in); piece != null; piece = reader.next(in)) {
        body.append(piece.toString(StandardCharsets.ISO_8859_1));
        piece.release();
      }
      int left = in.readableBytes();
      in.release();
      if (reader.error() != null) {
        return "refused " + reader.error();
      }
      if (reader.done()) {
        Headers trailers = reader.trailers();
        int end = Math.min(text.length(), at + size) - left;
        return body
            + " "
            + end
            + " "
            + (trailers == null ? "" : trailers.get(HeaderName.of("x-sum")));
      }
      assertThat(left).isZero();
    }
    return "incomplete " + body;
  }

  static List<String> badChunks() {
    return List.of(
        "\r\n",
        "x\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "+1\r\na\r\n",
        "-1\r\na\r\n",
        "0x1\r\na\r\n",
        "1\na\r\n",
        "1\r\nab\r\n",
        "1\r\na\n",
        "1\r\na0\r\n\r\n",
        "1;a\nb\r\na\r\n",
        "1;\u0000\r\na\r\n",
        "1;" + "a".repeat(300) + "\r\na\r\n",
        "1;\r\na\r\n",
        "1; \r\na\r\n",
        "1;a=\r\na\r\n",
        "1;a=b \r\na\r\n",
        "1;a b\r\na\r\n",
        "1;a=b c\r\na\r\n",
        "1;a=\"b\r\na\r\n",
        "1;a=\"b\\\"\r\na\r\n",
        "1;a=\"b\"c\r\na\r\n",
        "1;a(b\r\na\r\n",
        "1;a=\u00e9\r\na\r\n",
        "1;=b\r\na\r\n",
        "10000000000000000\r\n",
        "0000000000000000000001\r\n",
        "0\r\n\n",
        "0\r\nname\r\n\r\n",
        "0\r\n name: a\r\n\r\n",
        "0\r\nname : a\r\n\r\n",
        "0\r\nname: a\u0000\r\n\r\n",
        "0\r\ncontent-length: 1\r\n\r\n",
        "0\r\ntransfer-encoding: chunked\r\n\r\n",
        "0\r\nhost: b\r\n\r\n",
        "0\r\n" + "x: y\r\n".repeat(100) + "\r\n",
        "0\r\nx: " + "y".repeat(9000) + "\r\n\r\n",
        "1\r\na\r\r0\r\n\r\n",
        "\u00b9\r\na\r\n");
  }

  @Test
  void extensionsOfChunksAreReadByTheirGrammarAndThrownAway() {
    Http1BodyReader reader = new Http1BodyReader(Origin.DOWNSTREAM);
    reader.beginChunked();
    ByteBuf in =
        bytes("1;a\r\na\r\n1;a=b\r\nb\r\n1; a = \"\\\";=\u00e9 \" ; c\r\nc\r\n0;d=\"\"\r\n\r\n");
    StringBuilder got = new StringBuilder();
    drain(reader, in, got);
    assertThat(reader.error()).isNull();
    assertThat(reader.done()).isTrue();
    assertThat(got.toString()).isEqualTo("abc");
    in.release();
  }

  @ParameterizedTest
  @MethodSource("badChunks")
  void badChunksAreRefused(String wire) {
    Http1BodyReader reader = new Http1BodyReader(Origin.DOWNSTREAM);
    reader.beginChunked();
    ByteBuf in = bytes(wire + "\r\n\r\n");
    drain(reader, in, new StringBuilder());
    assertThat(reader.error()).isNotNull();
    assertThat(Objects.requireNonNull(reader.error()).origin()).isEqualTo(Origin.DOWNSTREAM);
    in.release();
  }

  @Test
  void aBodyOfKnownLengthLeavesTheRest() {
    Http1BodyReader reader = new Http1BodyReader(Origin.DOWNSTREAM);
    reader.beginLength(5);
    ByteBuf in = bytes("helloGET");
    StringBuilder got = new StringBuilder();
    drain(reader, in, got);
    assertThat(got.toString()).isEqualTo("hello");
    assertThat(reader.done()).isTrue();
    assertThat(in.readableBytes()).isEqualTo(3);
    in.release();
  }

  private static void drain(Http1BodyReader reader, ByteBuf in, StringBuilder into) {
    for (ByteBuf piece = reader.next(in); piece != null; piece = reader.next(in)) {
      into.append(piece.toString(StandardCharsets.ISO_8859_1));
      piece.release();
    }
  }

  private static ByteBuf bytes(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
  }
}
