package dev.outrigger.proxy.telemetry;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.latin1;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The access log: whatever a client puts into a request, one line of JSON that says just that. */
public final class JsonLineFuzz {
  private static final byte[] BYTES = JsonLine.name("bytes");
  private static final byte[] TEXT = JsonLine.name("text");
  private static final byte[] ADDRESS = JsonLine.name("address");
  private static final byte[] NUMBER = JsonLine.name("number");

  private JsonLineFuzz() {}

  /** The input is what a client sent. */
  public static void fuzzerTestOneInput(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    LogLine out = new LogLine(1);
    JsonLine line = new JsonLine(out);
    line.begin();
    line.text(BYTES, input, 0, input.length);
    line.text(TEXT, text);
    line.address(ADDRESS, text, input.length);
    line.number(NUMBER, -(long) input.length);
    line.end();
    out.raw('\n');
    byte[] written = java.util.Arrays.copyOf(out.bytes(), out.length());
    for (int i = 0; i < written.length - 1; i++) {
      int b = written[i] & 0xff;
      check(b >= 0x20 && b != 0x7f, "a log line holds the byte " + b);
    }
    check(written[written.length - 1] == '\n', "a log line does not end");
    try {
      String json = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(written)).toString();
      JsonObject read = JsonParser.parseString(json).getAsJsonObject();
      same(cut(latin1(input)), read.get("bytes").getAsString(), "bytes are logged as others");
      same(
          cut(text),
          text.isEmpty() ? "" : read.get("text").getAsString(),
          "text is logged as another");
      same(-(long) input.length, read.get("number").getAsLong(), "a number is another");
      check(read.get("address").getAsString().endsWith(":" + input.length), "the port is lost");
    } catch (CharacterCodingException e) {
      throw new AssertionError("a log line is no UTF-8", e);
    }
  }

  private static String cut(String text) {
    return text.substring(0, Math.min(text.length(), LogLine.MAX_TEXT));
  }
}
