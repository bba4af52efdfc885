package dev.outrigger.proxy.http.codec;

import org.jspecify.annotations.Nullable;

/**
 * What an index of HPACK refers to: the static table, then what this connection added last (RFC
 * 7541, section 2.3). Confined to its connection.
 */
final class HpackTable {
  /** The size that a table has until something else is said, and may not exceed here. */
  static final int SIZE = 4096;

  private static final String[][] STATIC = {
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
  };
  private static final HpackField[] FIXED = fixed();
  private static final int ROOM = 128; // no more fit into the size: each counts for 32 at least

  private @Nullable HpackField[] added = new HpackField[8];
  private int next; // where the next one goes
  private int count;
  private int size;
  private int limit = SIZE;

  private static HpackField[] fixed() {
    HpackField[] fields = new HpackField[STATIC.length];
    for (int i = 0; i < fields.length; i++) {
      FieldName name =
          i > 0 && STATIC[i][0].equals(STATIC[i - 1][0])
              ? fields[i - 1].name()
              : FieldName.of(STATIC[i][0]);
      byte[] value = new byte[STATIC[i][1].length()];
      for (int c = 0; c < value.length; c++) {
        value[c] = (byte) STATIC[i][1].charAt(c);
      }
      fields[i] = new HpackField(name, value);
    }
    return fields;
  }

  /** The field of an index from 1 on, or null where there is none. */
  @Nullable HpackField get(int index) {
    if (index <= FIXED.length) {
      return index <= 0 ? null : FIXED[index - 1];
    }
    int back = index - FIXED.length;
    return back > count ? null : added[(next - back) & (added.length - 1)];
  }

  /** Adds a field; those that have no room any more go, and so does one that is too large. */
  void add(HpackField field) {
    int more = field.size();
    evict(limit - more);
    if (more > limit) {
      return;
    }
    if (count == added.length) {
      grow();
    }
    added[next] = field;
    next = (next + 1) & (added.length - 1);
    count++;
    size += more;
  }

  /** Sets its size, at most {@link #SIZE}. */
  void resize(int bytes) {
    limit = bytes;
    evict(bytes);
  }

  private void evict(int toSize) {
    while (count > 0 && size > toSize) {
      int oldest = (next - count) & (added.length - 1);
      HpackField gone = added[oldest];
      added[oldest] = null;
      count--;
      size -= gone == null ? 0 : gone.size();
    }
  }

  private void grow() {
    @Nullable HpackField[] larger = new HpackField[Math.min(2 * added.length, ROOM)];
    for (int i = 0; i < count; i++) {
      larger[i] = added[(next - count + i) & (added.length - 1)];
    }
    added = larger;
    next = count;
  }
}
