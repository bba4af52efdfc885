package dev.outrigger.proxy.telemetry;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A flat JSON object, field by field. Confined to whoever owns it. */
final class JsonLine {
  private final LogLine line;
  private final TimeText time = TimeText.RFC_3339;
  private boolean first;

  JsonLine(LogLine line) {
    this.line = line;
  }

  /** The name of a field, ready to be written. */
  static byte[] name(String name) {
    return ("\"" + name + "\":").getBytes(StandardCharsets.ISO_8859_1);
  }

  void begin() {
    line.asJson();
    line.maxText(0);
    line.raw('{');
    first = true;
  }

  void end() {
    line.raw('}');
  }

  /** A field of text; absent where there is none. */
  void text(byte[] name, @Nullable String value) {
    if (value == null || value.isEmpty()) {
      return;
    }
    open(name);
    line.text(value);
    line.raw('"');
  }

  /** A field of text that lies in an array, one byte a character. */
  void text(byte[] name, byte[] from, int offset, int length) {
    open(name);
    line.text(from, offset, length);
    line.raw('"');
  }

  /** A host with its port. */
  void address(byte[] name, String host, int port) {
    open(name);
    line.address(host, port);
    line.raw('"');
  }

  /** A trace id. */
  void hex(byte[] name, long high, long low) {
    open(name);
    line.hex(high, low);
    line.raw('"');
  }

  void number(byte[] name, long value) {
    key(name);
    line.number(value);
  }

  /** Nanoseconds as milliseconds with three places. */
  void millis(byte[] name, long nanos) {
    key(name);
    long micros = Math.max(0, nanos) / 1000;
    line.number(micros / 1000);
    line.raw('.');
    line.padded(micros % 1000, 3);
  }

  /** A time in UTC with milliseconds (RFC 3339). */
  void time(byte[] name, long epochMillis) {
    open(name);
    time.write(line, epochMillis);
    line.raw('"');
  }

  private void open(byte[] name) {
    key(name);
    line.raw('"');
  }

  private void key(byte[] name) {
    if (!first) {
      line.raw(',');
    }
    first = false;
    line.raw(name);
  }
}
