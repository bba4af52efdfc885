package dev.outrigger.proxy.http.codec;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.latin1;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.fuzz.Cuts;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.outcome.Origin;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Chunked bodies: read the same however cut, as a second reader reads them, and fit to go on. */
public final class Http1BodyFuzz {
  private Http1BodyFuzz() {}

  /** What was read of a body. */
  private record Read(String body, String end, int consumed, @Nullable Headers trailers) {
    String told() {
      return end + ' ' + consumed + ' ' + trailers + '\n' + body;
    }
  }

  /** The input begins with a chunk. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    Read whole = read(List.of(input));
    for (List<byte[]> pieces : Cuts.of(input)) {
      same(whole.told(), read(pieces).told(), "a body in pieces is another body");
    }
    if (whole.end().equals("done")) {
      same(plainly(latin1(input)), whole.body(), "a second reader finds another body");
      goesOn(whole);
    }
  }

  private static Read read(List<byte[]> pieces) {
    Http1BodyReader reader = new Http1BodyReader(Origin.DOWNSTREAM);
    reader.beginChunked();
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    int consumed = 0;
    for (byte[] piece : pieces) {
      ByteBuf in = Unpooled.copiedBuffer(piece);
      for (ByteBuf some = reader.next(in); some != null; some = reader.next(in)) {
        check(some.isReadable(), "an empty piece");
        byte[] bytes = new byte[some.readableBytes()];
        some.readBytes(bytes).release();
        body.writeBytes(bytes);
      }
      consumed += in.readerIndex();
      boolean over = reader.done() || reader.error() != null;
      check(over || !in.isReadable(), "bytes were left without a reason");
      check(in.release(), "a slice of the input was kept");
      if (over) {
        break;
      }
    }
    String end =
        reader.error() != null ? reader.error().toString() : reader.done() ? "done" : "more";
    return new Read(latin1(body.toByteArray()), end, consumed, reader.trailers());
  }

  /** The simplest reading of chunks that are known to be good. */
  private static String plainly(String text) {
    StringBuilder body = new StringBuilder();
    int at = 0;
    while (true) {
      int lineEnd = text.indexOf("\r\n", at);
      String line = text.substring(at, lineEnd);
      int size = Integer.parseInt(line.replaceFirst(";.*", ""), 16);
      at = lineEnd + 2;
      if (size == 0) {
        return body.toString();
      }
      body.append(text, at, at + size);
      check(text.startsWith("\r\n", at + size), "a chunk's data does not end in a line end");
      at += size + 2;
    }
  }

  private static void goesOn(Read whole) {
    Http1HeadWriter writer = new Http1HeadWriter();
    ByteBuf out = Unpooled.buffer();
    byte[] bytes = whole.body().getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
    int first = bytes.length / 3;
    boolean none = true;
    for (int[] range : new int[][] {{0, first}, {first, bytes.length}}) {
      if (range[0] < range[1]) {
        put(writer.chunkStart(range[1] - range[0], none, UnpooledByteBufAllocator.DEFAULT), out);
        out.writeBytes(bytes, range[0], range[1] - range[0]);
        none = false;
      }
    }
    put(
        writer.chunksEnd(
            none, whole.trailers(), NameCase.AS_WRITTEN, UnpooledByteBufAllocator.DEFAULT),
        out);
    byte[] written = new byte[out.readableBytes()];
    out.readBytes(written).release();
    Read again = read(List.of(written));
    same("done", again.end(), "a body that was accepted does not go on");
    same(whole.body(), again.body(), "a body that was accepted goes on changed");
    same(written.length, again.consumed(), "more than a body goes on");
    if (whole.trailers() != null) {
      HeadOracle.goOn(whole.trailers());
    }
  }

  private static void put(ByteBuf from, ByteBuf to) {
    to.writeBytes(from);
    from.release();
  }
}
