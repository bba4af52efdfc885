package dev.outrigger.proxy.telemetry;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.latin1;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.proxy.config.LogFormat;
import dev.outrigger.proxy.config.LogFormat.Member;
import dev.outrigger.proxy.config.LogFormat.Node;
import dev.outrigger.proxy.config.LogFormat.Piece;
import dev.outrigger.proxy.config.LogFormatException;
import dev.outrigger.proxy.config.LogFormatParser;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Formats of access logs: refused at a place, or lines that nothing a client sends can forge. */
public final class LogFormatFuzz {
  private LogFormatFuzz() {}

  /** A format, a NUL, and what a client sent in a header {@code x} and as its path. */
  public static void fuzzerTestOneInput(byte[] input) {
    String text = latin1(input);
    int end = text.indexOf('\0');
    String format = end < 0 ? text : text.substring(0, end);
    String sent = end < 0 ? "" : text.substring(end + 1);
    List<Piece> pieces;
    try {
      pieces = LogFormatParser.parse(format);
    } catch (LogFormatException e) {
      check(e.getMessage().startsWith("at position "), "refused without a place");
      return;
    }
    LogEntry entry = entry(sent);
    String literals = literals(pieces);
    String plain = write(new LogFormat.Text(pieces, false), entry);
    for (int i = 0; i < plain.length(); i++) {
      char c = plain.charAt(i);
      check(
          (c >= 0x20 && (c < 0x7f || c > 0x9f)) || literals.indexOf(c) >= 0,
          "a client writes the character " + (int) c + " into the log");
    }
    check(
        plain.length() <= format.length() + 8L * LogLine.MAX_TEXT * pieces.size() + 64,
        "a line of any length");
    Node.Members members =
        new Node.Members(
            List.of(new Member(format, new Node.Words(pieces)), new Member("b", words())));
    JsonObject json =
        JsonParser.parseString(write(new LogFormat.Json(members, false), entry)).getAsJsonObject();
    if (!format.equals("b")) {
      same(2, json.size(), "members appear or vanish");
    }
    same(
        sent.substring(0, Math.min(sent.length(), LogLine.MAX_TEXT)),
        json.get("b").getAsString(),
        "what was sent is logged as another text");
  }

  private static Node.Words words() {
    try {
      return new Node.Words(LogFormatParser.parse("%REQ(X)%"));
    } catch (LogFormatException e) {
      throw new AssertionError(e);
    }
  }

  private static String literals(List<Piece> pieces) {
    StringBuilder all = new StringBuilder();
    for (Piece piece : pieces) {
      switch (piece) {
        case Piece.Literal literal -> all.append(literal.text());
        case Piece.Value value -> all.append(value.argument()); // the text of a time
      }
    }
    return all.toString() + '\t'; // which a time may ask for
  }

  private static LogEntry entry(String sent) {
    Headers headers = new Headers();
    byte[] value = sent.getBytes(StandardCharsets.ISO_8859_1);
    headers.add(new byte[] {'x'}, 0, 1, value, 0, value.length);
    LogEntry entry = new LogEntry();
    entry.head = new RequestHead("GET", "/" + sent, "a", "http", HttpVersion.HTTP_1_1, headers);
    entry.method = "GET";
    entry.path = "/" + sent;
    entry.authority = sent;
    entry.response = headers;
    entry.trailers = headers;
    entry.requestId = sent;
    entry.startMillis = 1_795_230_245_678L;
    return entry;
  }

  private static String write(LogFormat format, LogEntry entry) {
    LogLine line = new LogLine(16);
    LogText.of(format, new LogValues()).write(line, entry);
    return new String(line.bytes(), 0, line.length(), StandardCharsets.UTF_8);
  }
}
