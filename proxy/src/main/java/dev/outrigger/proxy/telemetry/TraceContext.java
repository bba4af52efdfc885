package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import org.jspecify.annotations.Nullable;

/**
 * The trace that an exchange belongs to: read from W3C {@code traceparent} or from B3 headers, else
 * begun here; written in the form it came in, and as W3C always. Where both are there W3C wins.
 *
 * <p>Sources: W3C Trace Context level 2, openzipkin/b3-propagation.
 */
final class TraceContext {
  static final HeaderName B3 = HeaderName.of("b3");
  static final HeaderName B3_TRACE_ID = HeaderName.of("x-b3-traceid");
  static final HeaderName B3_SPAN_ID = HeaderName.of("x-b3-spanid");
  static final HeaderName B3_PARENT_SPAN_ID = HeaderName.of("x-b3-parentspanid");
  static final HeaderName B3_SAMPLED = HeaderName.of("x-b3-sampled");
  static final HeaderName B3_FLAGS = HeaderName.of("x-b3-flags");

  private static final byte[] HEX = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
  };
  private static final int TRACEPARENT_LENGTH = 55;

  /** What the caller had decided. */
  enum Decision {
    SAMPLED,
    NOT_SAMPLED,
    /** It left that to us. */
    DEFERRED
  }

  long traceHigh;
  long traceLow;
  long parentSpan;
  boolean b3Single;
  boolean b3Multi;
  private boolean w3c;
  Decision decision = Decision.DEFERRED;

  // Where the last hexadecimal field ended up.
  private long parsedHigh;
  private long parsedLow;

  /** Whether a caller's context was found. */
  boolean hasParent() {
    return parentSpan != 0;
  }

  /** Whether the caller sent W3C headers that hold. */
  boolean w3c() {
    return w3c;
  }

  /** Reads what a caller sent; what does not hold to the format counts as absent. */
  void read(Headers headers) {
    traceHigh = 0;
    traceLow = 0;
    parentSpan = 0;
    decision = Decision.DEFERRED;
    b3Single = headers.contains(B3);
    b3Multi =
        headers.contains(B3_TRACE_ID) || headers.contains(B3_SAMPLED) || headers.contains(B3_FLAGS);
    w3c = readTraceparent(headers);
    if (!w3c && !(b3Single && readSingle(headers)) && b3Multi) {
      readMulti(headers);
    }
  }

  private boolean readTraceparent(Headers headers) {
    int index = headers.indexOf(HeaderName.TRACEPARENT, 0);
    if (index < 0 || headers.indexOf(HeaderName.TRACEPARENT, index + 1) >= 0) {
      return false;
    }
    byte[] bytes = headers.array();
    int at = headers.valueOffset(index);
    int length = headers.valueLength(index);
    if (length < TRACEPARENT_LENGTH
        || bytes[at + 2] != '-'
        || bytes[at + 35] != '-'
        || bytes[at + 52] != '-'
        || !hex(bytes, at, 2, false)) {
      return false;
    }
    long version = parsedLow;
    if (version == 0xff
        || (version == 0 && length != TRACEPARENT_LENGTH)
        || (length > TRACEPARENT_LENGTH && bytes[at + TRACEPARENT_LENGTH] != '-')
        || !hex(bytes, at + 53, 2, false)) {
      return false;
    }
    boolean sampled = (parsedLow & 1) != 0;
    return ids(bytes, at + 3, 32, at + 36, false)
        && decided(sampled ? Decision.SAMPLED : Decision.NOT_SAMPLED);
  }

  private boolean readSingle(Headers headers) {
    int index = headers.indexOf(B3, 0);
    byte[] bytes = headers.array();
    int at = headers.valueOffset(index);
    int length = headers.valueLength(index);
    if (length == 1) {
      return decided(b3Decision(bytes[at]));
    }
    int traceLength = length > 32 && bytes[at + 32] == '-' ? 32 : 16;
    int span = traceLength + 1;
    int end = span + 16;
    if (length < end
        || bytes[at + traceLength] != '-'
        || (length > end && (bytes[at + end] != '-' || length == end + 1))) {
      return false;
    }
    if (!ids(bytes, at, traceLength, at + span, true)) {
      return false;
    }
    // A parent's id may follow without a decision, then the next field is 16 long.
    boolean decides = length == end + 2 || (length > end + 2 && bytes[at + end + 2] == '-');
    return decided(decides ? b3Decision(bytes[at + end + 1]) : Decision.DEFERRED);
  }

  private void readMulti(Headers headers) {
    Decision said = Decision.DEFERRED;
    if (headers.valueEqualsIgnoreCase(B3_FLAGS, "1")
        || headers.valueEqualsIgnoreCase(B3_SAMPLED, "1")
        || headers.valueEqualsIgnoreCase(B3_SAMPLED, "true")) {
      said = Decision.SAMPLED;
    } else if (headers.valueEqualsIgnoreCase(B3_SAMPLED, "0")
        || headers.valueEqualsIgnoreCase(B3_SAMPLED, "false")) {
      said = Decision.NOT_SAMPLED;
    }
    decision = said;
    int trace = headers.indexOf(B3_TRACE_ID, 0);
    int span = headers.indexOf(B3_SPAN_ID, 0);
    if (trace < 0 || span < 0 || headers.valueLength(span) != 16) {
      return;
    }
    int length = headers.valueLength(trace);
    if (length == 16 || length == 32) {
      ids(headers.array(), headers.valueOffset(trace), length, headers.valueOffset(span), true);
    }
  }

  private boolean decided(Decision made) {
    decision = made;
    return true;
  }

  private static Decision b3Decision(byte letter) {
    return switch (letter) {
      case '1', 'd' -> Decision.SAMPLED;
      case '0' -> Decision.NOT_SAMPLED;
      default -> Decision.DEFERRED;
    };
  }

  private boolean ids(byte[] bytes, int trace, int traceLength, int span, boolean anyCase) {
    if (!hex(bytes, span, 16, anyCase) || parsedLow == 0) {
      return false;
    }
    long spanId = parsedLow;
    if (!hex(bytes, trace, traceLength, anyCase) || (parsedHigh | parsedLow) == 0) {
      return false;
    }
    traceHigh = parsedHigh;
    traceLow = parsedLow;
    parentSpan = spanId;
    return true;
  }

  private boolean hex(byte[] bytes, int offset, int length, boolean anyCase) {
    long high = 0;
    long low = 0;
    for (int i = offset, end = offset + length; i < end; i++) {
      int b = bytes[i];
      int digit;
      if (b >= '0' && b <= '9') {
        digit = b - '0';
      } else if (b >= 'a' && b <= 'f') {
        digit = b - 'a' + 10;
      } else if (anyCase && b >= 'A' && b <= 'F') {
        digit = b - 'A' + 10;
      } else {
        return false;
      }
      high = high << 4 | low >>> 60;
      low = low << 4 | digit;
    }
    parsedHigh = high;
    parsedLow = low;
    return true;
  }

  /**
   * Puts the context of a span on outgoing headers.
   *
   * @param scratch at least 80 bytes
   * @param parent the span's parent, for B3; 0 for none
   */
  static void write(
      Headers headers,
      byte[] scratch,
      long high,
      long low,
      long span,
      long parent,
      boolean sampled,
      boolean b3Single,
      boolean b3Multi) {
    scratch[0] = '0';
    scratch[1] = '0';
    scratch[2] = '-';
    putHex(scratch, 3, high);
    putHex(scratch, 19, low);
    scratch[35] = '-';
    putHex(scratch, 36, span);
    scratch[52] = '-';
    scratch[53] = '0';
    scratch[54] = (byte) (sampled ? '1' : '0');
    headers.set(HeaderName.TRACEPARENT, scratch, TRACEPARENT_LENGTH);
    byte decision = (byte) (sampled ? '1' : '0');
    if (b3Single) {
      int at = putTraceId(scratch, high, low);
      scratch[at++] = '-';
      putHex(scratch, at, span);
      at += 16;
      scratch[at++] = '-';
      scratch[at++] = decision;
      if (parent != 0) {
        scratch[at++] = '-';
        putHex(scratch, at, parent);
        at += 16;
      }
      headers.set(B3, scratch, at);
    }
    if (b3Multi) {
      headers.set(B3_TRACE_ID, scratch, putTraceId(scratch, high, low));
      putHex(scratch, 0, span);
      headers.set(B3_SPAN_ID, scratch, 16);
      if (parent == 0) {
        headers.remove(B3_PARENT_SPAN_ID);
      } else {
        putHex(scratch, 0, parent);
        headers.set(B3_PARENT_SPAN_ID, scratch, 16);
      }
      scratch[0] = decision;
      headers.set(B3_SAMPLED, scratch, 1);
      if (!sampled) {
        headers.remove(B3_FLAGS); // debug would say the opposite
      }
    }
  }

  // A trace that came with 64 bits goes on with 64 bits: old tracers know no others.
  private static int putTraceId(byte[] to, long high, long low) {
    if (high == 0) {
      putHex(to, 0, low);
      return 16;
    }
    putHex(to, 0, high);
    putHex(to, 16, low);
    return 32;
  }

  static void putHex(byte[] to, int at, long value) {
    for (int i = 0; i < 16; i++) {
      to[at + i] = HEX[(int) (value >>> (60 - 4 * i)) & 15];
    }
  }

  /**
   * Takes away others' state, which came without the identity that it belongs to. What faults of
   * this mesh chose for the trace stays.
   */
  static void dropOthersState(Headers headers) {
    if (!headers.contains(HeaderName.TRACESTATE)) {
      return;
    }
    @Nullable String own = null;
    for (String line : headers.all(HeaderName.TRACESTATE)) {
      for (String member : line.split(",", -1)) {
        if (own == null && member.strip().startsWith("outrigger=")) {
          own = member.strip();
        }
      }
    }
    headers.remove(HeaderName.TRACESTATE);
    if (own != null) {
      headers.set(HeaderName.TRACESTATE, own);
    }
  }
}
