package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Vector.Field;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads one message as strictly as RFC 9112 lets one read it, and says what is wrong with it. */
final class Http1Message {
  private static final Pattern REQUEST_LINE =
      Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\\x21-\\x7e]+ HTTP/1\\.1");
  private static final Pattern STATUS_LINE =
      Pattern.compile("HTTP/1\\.1 [1-9][0-9][0-9] [\\t \\x21-\\x7e\\x80-\\xff]*");
  private static final Pattern FIELD =
      Pattern.compile(
          "([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \\t]*([\\t\\x20-\\x7e\\x80-\\xff]*?)[ \\t]*");
  private static final Pattern CHUNK_LINE =
      Pattern.compile("([0-9A-Fa-f]{1,15})([ \\t]*;[\\t\\x20-\\x7e\\x80-\\xff]*)?");

  private final byte[] bytes;
  private final boolean request;
  private final boolean bodiless;
  private final boolean ended;
  private int at;

  private String startLine = "";
  private final List<Field> fields = new ArrayList<>();
  private final ByteArrayOutputStream body = new ByteArrayOutputStream();
  private boolean headWhole;
  private boolean whole;
  private @Nullable String fault;

  private Http1Message(byte[] bytes, int from, boolean request, boolean bodiless, boolean ended) {
    this.bytes = bytes;
    this.at = from;
    this.request = request;
    this.bodiless = bodiless;
    this.ended = ended;
    read();
  }

  static Http1Message request(byte[] bytes, int from) {
    return new Http1Message(bytes, from, true, false, false);
  }

  /**
   * @param bodiless it answers HEAD
   * @param ended the connection has ended
   */
  static Http1Message answer(byte[] bytes, int from, boolean bodiless, boolean ended) {
    return new Http1Message(bytes, from, false, bodiless, ended);
  }

  boolean whole() {
    return whole && fault == null;
  }

  boolean headWhole() {
    return headWhole && fault == null;
  }

  @Nullable String fault() {
    return fault;
  }

  int end() {
    return at;
  }

  String startLine() {
    return startLine;
  }

  String target() {
    return startLine.split(" ", 3)[1];
  }

  int status() {
    return Integer.parseInt(startLine.substring(9, 12));
  }

  String body() {
    return body.toString(StandardCharsets.ISO_8859_1);
  }

  List<String> all(String name) {
    List<String> values = new ArrayList<>();
    for (Field field : fields) {
      if (field.name().equalsIgnoreCase(name)) {
        values.add(field.value());
      }
    }
    return values;
  }

  /** The next line without its end, or null while it is not whole. */
  private @Nullable String line() {
    for (int i = at; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        if (i == at || bytes[i - 1] != '\r') {
          fault = "bare LF";
          return null;
        }
        String line = new String(bytes, at, i - 1 - at, StandardCharsets.ISO_8859_1);
        at = i + 1;
        if (line.indexOf('\r') >= 0) {
          fault = "bare CR";
          return null;
        }
        return line;
      }
    }
    return null;
  }

  private void read() {
    String first = line();
    if (first == null) {
      return;
    }
    startLine = first;
    if (!(request ? REQUEST_LINE : STATUS_LINE).matcher(first).matches()) {
      fault = "start line";
      return;
    }
    if (!fields(fields)) {
      return;
    }
    headWhole = true;
    framing();
  }

  private boolean fields(List<Field> into) {
    while (true) {
      String line = line();
      if (line == null) {
        return false;
      }
      if (line.isEmpty()) {
        return true;
      }
      var matcher = FIELD.matcher(line);
      if (!matcher.matches()) {
        fault = "field line " + line;
        return false;
      }
      into.add(new Field(matcher.group(1), matcher.group(2)));
    }
  }

  private void framing() {
    List<String> lengths = all("content-length");
    List<String> codings = all("transfer-encoding");
    if (request && all("host").size() != 1) {
      fault = "host";
    } else if (lengths.size() > 1
        || !lengths.stream().allMatch(one -> one.matches("[0-9]{1,18}"))) {
      fault = "content-length " + lengths;
    } else if (!codings.isEmpty() && (!lengths.isEmpty() || !codings.equals(List.of("chunked")))) {
      fault = "transfer-encoding " + codings + " with content-length " + lengths;
    }
    if (fault != null) {
      return;
    }
    int status = request ? 0 : status();
    if (!request && (status < 200 || status == 204) && !codings.isEmpty()) {
      fault = "transfer-encoding with " + status;
    } else if (!request && (bodiless || status < 200 || status == 204 || status == 304)) {
      whole = true;
    } else if (!codings.isEmpty()) {
      chunks();
    } else if (!lengths.isEmpty()) {
      long length = Long.parseLong(lengths.getFirst());
      int there = (int) Math.min(length, bytes.length - at);
      body.write(bytes, at, there);
      at += there;
      whole = there == length;
    } else if (request) {
      whole = true;
    } else {
      body.write(bytes, at, bytes.length - at);
      at = bytes.length;
      whole = ended;
    }
  }

  private void chunks() {
    while (true) {
      String line = line();
      if (line == null) {
        return;
      }
      var matcher = CHUNK_LINE.matcher(line);
      if (!matcher.matches()) {
        fault = "chunk line " + line;
        return;
      }
      long size = Long.parseLong(matcher.group(1), 16);
      if (size == 0) {
        List<Field> trailers = new ArrayList<>();
        if (fields(trailers)) {
          whole = true;
          for (Field trailer : trailers) {
            if (trailer
                .name()
                .toLowerCase(Locale.ROOT)
                .matches("content-length|host|transfer-encoding")) {
              fault = "trailer " + trailer.name();
            }
          }
        }
        return;
      }
      if (bytes.length - at < size + 2) {
        return;
      }
      body.write(bytes, at, (int) size);
      at += (int) size + 2;
      if (bytes[at - 2] != '\r' || bytes[at - 1] != '\n') {
        fault = "chunk data without its end";
        return;
      }
    }
  }
}
