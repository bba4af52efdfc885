package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.Headers;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2HeadersEncoder;
import io.netty.util.AsciiString;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The fields of one head on their way into HPACK, which goes through them once, in order. Made once
 * for a connection and filled again for each head, so that no map is built to be thrown away; names
 * that a connection has seen are not made again. Confined to whoever owns it.
 *
 * <p>Values that hardly ever come twice are kept out of the peer's table, where they would push out
 * those that do.
 */
final class HpackFields extends DefaultHttp2Headers
    implements Http2HeadersEncoder.SensitivityDetector {
  private static final int REMEMBERED = 64; // a power of two
  private static final int MAX_REMEMBERED = 64; // bytes of one
  private static final Set<AsciiString> ONCE =
      Set.of(
          AsciiString.cached("b3"),
          AsciiString.cached("content-length"),
          AsciiString.cached("grpc-timeout"),
          AsciiString.cached("traceparent"),
          AsciiString.cached("tracestate"),
          AsciiString.cached("x-b3-spanid"),
          AsciiString.cached("x-b3-traceid"),
          AsciiString.cached("x-request-id"));

  /** A name of this connection, and whether its values hardly ever come twice. */
  private record Name(int hash, AsciiString text, boolean once) {}

  private final @Nullable Name[] names = new Name[REMEMBERED];
  private final Walk walk = new Walk();
  private CharSequence[] keys = new CharSequence[32];
  private CharSequence[] values = new CharSequence[32];
  private boolean[] once = new boolean[32];
  private int count;
  private int at;

  HpackFields() {
    super(false, 2); // what it inherits stays empty
  }

  /** Begins another head. */
  void begin() {
    Arrays.fill(values, 0, count, null);
    count = 0;
    at = 0;
  }

  /** Adds a field; the name is in lower case. */
  void put(AsciiString name, CharSequence value) {
    put(name, value, false);
  }

  private void put(AsciiString name, CharSequence value, boolean onlyOnce) {
    if (count == keys.length) {
      keys = Arrays.copyOf(keys, 2 * count);
      values = Arrays.copyOf(values, 2 * count);
      once = Arrays.copyOf(once, 2 * count);
    }
    keys[count] = name;
    values[count] = value;
    once[count] = onlyOnce;
    count++;
  }

  /** Adds one of our fields. */
  void put(Headers headers, int index) {
    Name name = name(headers, index);
    // A copy, since the table keeps it, unless it is not put there.
    put(
        name.text(),
        new AsciiString(
            headers.array(), headers.valueOffset(index), headers.valueLength(index), !name.once()),
        name.once());
  }

  private Name name(Headers headers, int index) {
    byte[] bytes = headers.array();
    int offset = headers.nameOffset(index);
    int length = headers.nameLength(index);
    int hash = headers.nameHash(index);
    int slot = (hash ^ (hash >>> 16)) & (REMEMBERED - 1);
    Name known = names[slot];
    if (known != null && known.hash() == hash && same(known.text(), bytes, offset, length)) {
      return known;
    }
    AsciiString text = new AsciiString(bytes, offset, length, true).toLowerCase();
    Name made = new Name(hash, text, ONCE.contains(text));
    if (length <= MAX_REMEMBERED) {
      names[slot] = made;
    }
    return made;
  }

  private static boolean same(AsciiString lower, byte[] bytes, int offset, int length) {
    if (lower.length() != length) {
      return false;
    }
    byte[] wanted = lower.array();
    int from = lower.arrayOffset();
    for (int i = 0; i < length; i++) {
      byte b = bytes[offset + i];
      if (b >= 'A' && b <= 'Z') {
        b |= 0x20;
      }
      if (b != wanted[from + i]) {
        return false;
      }
    }
    return true;
  }

  // What HPACK asks.

  @Override
  public Iterator<Map.Entry<CharSequence, CharSequence>> iterator() {
    at = 0;
    return walk;
  }

  @Override
  public boolean isSensitive(CharSequence name, CharSequence value) {
    return once[at - 1];
  }

  /** Where HPACK is, which looks at one field at a time. */
  private final class Walk
      implements Iterator<Map.Entry<CharSequence, CharSequence>>,
          Map.Entry<CharSequence, CharSequence> {
    @Override
    public boolean hasNext() {
      return at < count;
    }

    @Override
    public Map.Entry<CharSequence, CharSequence> next() {
      if (at == count) {
        throw new NoSuchElementException();
      }
      at++;
      return this;
    }

    @Override
    public CharSequence getKey() {
      return keys[at - 1];
    }

    @Override
    public CharSequence getValue() {
      return values[at - 1];
    }

    @Override
    public CharSequence setValue(CharSequence value) {
      throw new UnsupportedOperationException();
    }
  }
}
