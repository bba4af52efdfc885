package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.TooLarge.What;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Parses the heads of one direction of a connection, one after the other, strictly by RFC 9112:
 * lines end in CR LF and nothing else, no line is folded, no white space stands before a colon, and
 * a message whose length could be read in two ways is refused. Bytes may come in any pieces; none
 * is looked at twice. Confined to its connection's event loop.
 *
 * <p>After an error the connection is of no further use.
 */
public final class Http1HeadParser {
  /** No {@code content-length}. */
  public static final long UNKNOWN_LENGTH = -1;

  private static final int FIRST_BYTES = 1024;
  private static final int SPARE_BYTES = 192; // for the fields that the proxy adds
  private static final int SPARE_FIELDS = 6;
  private static final int MAX_KEPT_BYTES = 512;

  private final boolean requests;
  private final Origin origin;
  private final int maxHeadBytes;
  private final int maxHeaders;

  private byte @Nullable [] bytes;
  private int filled; // bytes taken into the array
  private int scanned; // bytes looked at for the end of the line
  private int lineStart;
  private boolean startLineSeen;
  private boolean emptyLineSkipped;
  private int[] places = new int[16 * 4]; // name offset and length, value offset and length
  private int fields;
  private @Nullable Headers headers;
  private @Nullable ProxyError error;

  private String method = "";
  private String path = "";
  private String authority = "";
  private boolean absolute;
  private String absoluteScheme = "";
  private HttpVersion version = HttpVersion.HTTP_1_1;
  private int status;

  private long contentLength = UNKNOWN_LENGTH;
  private boolean chunked;
  private boolean keepAlive;

  // The last target and host, which most often come again as they were.
  private byte[] lastTarget = {};
  private String lastTargetText = "";
  private byte[] lastHost = {};
  private String lastHostText = "";

  private Http1HeadParser(boolean requests, int maxHeadBytes, int maxHeaders) {
    this.requests = requests;
    this.origin = requests ? Origin.DOWNSTREAM : Origin.UPSTREAM;
    this.maxHeadBytes = maxHeadBytes;
    this.maxHeaders = maxHeaders;
  }

  /** Parses requests within bounds on bytes of a whole head and on fields. */
  public static Http1HeadParser ofRequests(int maxHeadBytes, int maxHeaders) {
    return new Http1HeadParser(true, maxHeadBytes, maxHeaders);
  }

  /** Parses responses within bounds on bytes of a whole head and on fields. */
  public static Http1HeadParser ofResponses(int maxHeadBytes, int maxHeaders) {
    return new Http1HeadParser(false, maxHeadBytes, maxHeaders);
  }

  /**
   * Takes bytes up to the end of the head, at most. Returns true when a head is complete or an
   * error is known; then one of the accessors tells which.
   */
  public boolean parse(ByteBuf in) {
    if (error != null) {
      return true;
    }
    while (true) {
      int readable = in.readableBytes();
      if (readable == 0) {
        return false;
      }
      if (filled >= maxHeadBytes) {
        What what = startLineSeen || !requests ? What.HEADERS : What.URI;
        error = new ProxyError.TooLarge(origin, what, maxHeadBytes);
        return true;
      }
      if (scan(take(in, readable))) {
        if (error == null) {
          in.readerIndex(in.readerIndex() - (filled - lineStart)); // what lies behind the head
        }
        return true;
      }
    }
  }

  /** Whether a head has begun and is not complete. */
  public boolean midHead() {
    return filled > 0;
  }

  /** Why the head was refused, or null. */
  public @Nullable ProxyError error() {
    return error;
  }

  /** Whether the target asks for https by name. */
  public boolean asksForHttps() {
    return absolute && absoluteScheme.equals("https");
  }

  /** The request; the parser is ready for the next one. */
  public RequestHead request(String scheme) {
    Headers complete = take();
    return new RequestHead(method, path, authority, scheme, version, complete);
  }

  /** The response; the parser is ready for the next one. */
  public ResponseHead response() {
    return new ResponseHead(status, version, take());
  }

  /** Value of {@code content-length} of the last head, or {@link #UNKNOWN_LENGTH}. */
  public long contentLength() {
    return contentLength;
  }

  /** Whether the last head says {@code transfer-encoding: chunked}. */
  public boolean chunked() {
    return chunked;
  }

  /** Whether the last head's sender means to go on with the connection. */
  public boolean keepAlive() {
    return keepAlive;
  }

  private Headers take() {
    Headers complete = headers;
    if (complete == null || error != null) {
      throw new IllegalStateException("no head is complete");
    }
    bytes = null;
    headers = null;
    filled = 0;
    scanned = 0;
    lineStart = 0;
    startLineSeen = false;
    emptyLineSkipped = false;
    fields = 0;
    return complete;
  }

  private byte[] take(ByteBuf in, int readable) {
    byte[] array = bytes;
    int length;
    if (array == null) {
      length = Math.min(Math.min(readable, FIRST_BYTES), maxHeadBytes);
      array = new byte[length + SPARE_BYTES];
    } else {
      length = Math.min(Math.min(readable, Math.max(filled, FIRST_BYTES)), maxHeadBytes - filled);
      if (array.length < filled + length + SPARE_BYTES) {
        array = Arrays.copyOf(array, filled + length + SPARE_BYTES);
      }
    }
    in.readBytes(array, filled, length);
    filled += length;
    bytes = array;
    return array;
  }

  /** Goes through whole lines; true when the head is complete or refused. */
  private boolean scan(byte[] array) {
    int at = scanned;
    int end = filled;
    while (at < end) {
      byte b = array[at];
      if ((b >= 0x20 && b != 0x7f) || b < 0 || b == '\t') {
        at++;
        continue;
      }
      if (b != '\r') {
        return refuse(
            b == '\n'
                ? "a line of the head ends in LF without CR"
                : "the head holds the control character " + (b & 0xff));
      }
      if (at + 1 == end) {
        break; // looked at again once its successor is there
      }
      if (array[at + 1] != '\n') {
        return refuse("the head holds a CR without LF");
      }
      int start = lineStart;
      lineStart = at + 2;
      if (at == start && startLineSeen) {
        return complete(array);
      }
      if (!line(array, start, at)) {
        return true;
      }
      at = lineStart;
    }
    scanned = at;
    return false;
  }

  /** Whether a line was good. */
  private boolean line(byte[] array, int start, int end) {
    if (start == end) {
      if (emptyLineSkipped || !requests) {
        return !refuse("an empty line stands where a message should begin");
      }
      emptyLineSkipped = true; // RFC 9112, section 2.2
      return true;
    }
    if (startLineSeen) {
      return field(array, start, end);
    }
    startLineSeen = true;
    return requests ? requestLine(array, start, end) : statusLine(array, start, end);
  }

  private boolean requestLine(byte[] array, int start, int end) {
    int methodEnd = start;
    while (methodEnd < end && Grammar.isToken(array[methodEnd])) {
      methodEnd++;
    }
    if (methodEnd == start || methodEnd == end || array[methodEnd] != ' ') {
      return !refuse("the request line does not begin with a method and a space");
    }
    if (methodEnd - start > Grammar.MAX_METHOD_BYTES) {
      return !refuse("the method is longer than " + Grammar.MAX_METHOD_BYTES + " bytes");
    }
    int versionStart = end - 8;
    if (versionStart <= methodEnd + 1 || array[versionStart - 1] != ' ') {
      return !refuse("the request line does not end in a space and HTTP/1.1");
    }
    HttpVersion spoken = Grammar.version(array, versionStart);
    if (spoken == null) {
      return !refuse("the protocol version is neither HTTP/1.1 nor HTTP/1.0");
    }
    version = spoken;
    method = Grammar.method(array, start, methodEnd - start);
    return target(array, methodEnd + 1, versionStart - 1);
  }

  private boolean target(byte[] array, int start, int end) {
    if (start >= end) {
      return !refuse("the request line has no target");
    }
    boolean connect = method.equals("CONNECT");
    if (!connect && Arrays.equals(array, start, end, lastTarget, 0, lastTarget.length)) {
      path = lastTargetText;
      absolute = false;
      return true;
    }
    for (int i = start; i < end; i++) {
      byte b = array[i];
      if (b <= 0x20 || b == 0x7f) {
        return !refuse("the request target holds a byte that no URI has");
      }
      if (b == '#') {
        return !refuse("the request target has a fragment");
      }
    }
    absolute = false;
    if (connect) {
      path = text(array, start, end);
      return (Grammar.isAuthority(path) && Grammar.hasPort(path))
          || !refuse("the target of CONNECT is not a host with a port");
    }
    if (array[start] == '/') {
      path = text(array, start, end);
      if (end - start <= MAX_KEPT_BYTES) {
        lastTarget = Arrays.copyOfRange(array, start, end);
        lastTargetText = path;
      }
      return true;
    }
    String target = text(array, start, end);
    if (target.equals("*")) {
      path = target;
      return method.equals("OPTIONS") || !refuse("the target * is for OPTIONS only");
    }
    return absoluteForm(target);
  }

  private boolean absoluteForm(String target) {
    int scheme =
        target.regionMatches(true, 0, "http://", 0, 7)
            ? 7
            : target.regionMatches(true, 0, "https://", 0, 8) ? 8 : 0;
    if (scheme == 0) {
      return !refuse("the request target is neither a path nor an http URI");
    }
    int pathStart = scheme;
    while (pathStart < target.length()
        && target.charAt(pathStart) != '/'
        && target.charAt(pathStart) != '?') {
      pathStart++;
    }
    absoluteScheme = scheme == 7 ? "http" : "https";
    authority = target.substring(scheme, pathStart);
    if (authority.isEmpty() || !Grammar.isAuthority(authority)) {
      return !refuse("the authority of the request target is not valid");
    }
    String rest = target.substring(pathStart);
    path = rest.startsWith("/") ? rest : rest.isEmpty() && isOptions() ? "*" : "/" + rest;
    absolute = true;
    return true;
  }

  private boolean isOptions() {
    return method.equals("OPTIONS");
  }

  private boolean statusLine(byte[] array, int start, int end) {
    HttpVersion spoken = end - start < 12 ? null : Grammar.version(array, start);
    if (spoken == null || array[start + 8] != ' ') {
      return !refuse("the status line does not begin with HTTP/1.1 and a space");
    }
    version = spoken;
    int code = 0;
    for (int i = start + 9; i < start + 12; i++) {
      if (array[i] < '0' || array[i] > '9') {
        return !refuse("the status is not three digits");
      }
      code = code * 10 + array[i] - '0';
    }
    if (code < 100 || (end > start + 12 && array[start + 12] != ' ')) {
      return !refuse("the status is not three digits of 100 or more");
    }
    status = code;
    return true;
  }

  private boolean field(byte[] array, int start, int end) {
    if (fields == maxHeaders) {
      error = new ProxyError.TooLarge(origin, What.HEADER_COUNT, maxHeaders);
      return false;
    }
    int colon = start;
    while (colon < end && Grammar.isToken(array[colon])) {
      colon++;
    }
    if (colon == start || colon == end || array[colon] != ':') {
      byte b = array[Math.min(colon, end - 1)];
      return !refuse(
          colon == start && (b == ' ' || b == '\t')
              ? "a header line begins with white space"
              : "a header line does not begin with a name and a colon");
    }
    int from = colon + 1;
    int to = end;
    while (from < to && (array[from] == ' ' || array[from] == '\t')) {
      from++;
    }
    while (to > from && (array[to - 1] == ' ' || array[to - 1] == '\t')) {
      to--;
    }
    int slot = fields++ * 4;
    if (slot == places.length) {
      places = Arrays.copyOf(places, slot * 2);
    }
    places[slot] = start;
    places[slot + 1] = colon - start;
    places[slot + 2] = from;
    places[slot + 3] = to - from;
    return true;
  }

  private boolean complete(byte[] array) {
    Headers all = new Headers(array, lineStart, fields + SPARE_FIELDS);
    for (int i = 0, end = fields * 4; i < end; i += 4) {
      all.addSlice(places[i], places[i + 1], places[i + 2], places[i + 3]);
    }
    headers = all;
    if (framing(all) && requests) {
      HeaderName kept = Connections.namesWhatStays(all);
      if (kept == null) {
        host(all, array);
      } else {
        refuse("the header connection names " + kept);
      }
    }
    keepAlive = Connections.keepAlive(all, version);
    return true;
  }

  private boolean framing(Headers all) {
    contentLength = UNKNOWN_LENGTH;
    chunked = false;
    int length = all.indexOf(HeaderName.CONTENT_LENGTH, 0);
    int coding = all.indexOf(HeaderName.TRANSFER_ENCODING, 0);
    if (coding >= 0) {
      if (length >= 0) {
        return !refuse("both content-length and transfer-encoding are given");
      }
      if (version == HttpVersion.HTTP_1_0) {
        return !refuse("HTTP/1.0 has no transfer-encoding");
      }
      if (all.indexOf(HeaderName.TRANSFER_ENCODING, coding + 1) >= 0) {
        return !refuse("transfer-encoding is given more than once");
      }
      if (!all.valueEqualsIgnoreCase(HeaderName.TRANSFER_ENCODING, "chunked")) {
        return !otherCoding(all.valueAt(coding));
      }
      chunked = true;
    } else if (length >= 0) {
      if (all.indexOf(HeaderName.CONTENT_LENGTH, length + 1) >= 0) {
        return !refuse("content-length is given more than once");
      }
      contentLength =
          Grammar.decimal(all.array(), all.valueOffset(length), all.valueLength(length));
      if (contentLength < 0) {
        contentLength = UNKNOWN_LENGTH;
        return !refuse("content-length is not a decimal number");
      }
    }
    if (!requests && (status < 200 || status == 204) && (chunked || contentLength > 0)) {
      return !refuse("a body is announced with status " + status); // RFC 9110, section 8.6
    }
    return true;
  }

  /** Refuses what is not exactly {@code chunked}; what is well formed is only not known here. */
  private boolean otherCoding(String value) {
    int chunks = 0;
    for (String coding : value.split(",", -1)) {
      String name = coding.strip();
      chunks += name.equalsIgnoreCase("chunked") ? 1 : 0;
      if (name.isEmpty() || !Grammar.isToken(name)) {
        return refuse("transfer-encoding is not a list of codings");
      }
    }
    boolean last = value.toLowerCase(Locale.ROOT).endsWith("chunked");
    if (!requests || chunks > 1 || (chunks == 1 && !last)) {
      return refuse("transfer-encoding is not exactly chunked");
    }
    error = new ProxyError.UnknownCoding(value.length() > 60 ? value.substring(0, 60) : value);
    return true;
  }

  private void host(Headers all, byte[] array) {
    if ((chunked || contentLength > 0) && method.equals("CONNECT")) {
      refuse("CONNECT has no body");
      return;
    }
    int index = all.indexOf(HeaderName.HOST, 0);
    if (index < 0) {
      if (version != HttpVersion.HTTP_1_0) {
        refuse("the header host is missing");
      } else if (!absolute) {
        authority = method.equals("CONNECT") ? path : "";
      }
      return;
    }
    if (all.indexOf(HeaderName.HOST, index + 1) >= 0) {
      refuse("the header host is given more than once");
      return;
    }
    int from = all.valueOffset(index);
    int to = from + all.valueLength(index);
    String host;
    if (Arrays.equals(array, from, to, lastHost, 0, lastHost.length)) {
      host = lastHostText;
    } else {
      host = text(array, from, to);
      if (!Grammar.isAuthority(host)) {
        refuse("the header host is not a host with an optional port");
        return;
      }
      if (to - from <= MAX_KEPT_BYTES) {
        lastHost = Arrays.copyOfRange(array, from, to);
        lastHostText = host;
      }
    }
    if (absolute && !host.equalsIgnoreCase(authority)) {
      refuse("the request target and the header host disagree");
      return;
    }
    if (method.equals("CONNECT") && !names(path, host)) {
      refuse("the request target and the header host disagree");
      return;
    }
    authority = method.equals("CONNECT") ? path : host;
  }

  /** Whether a host, with or without its port, is that of CONNECT's target. */
  private static boolean names(String target, String host) {
    return host.equalsIgnoreCase(target)
        || host.equalsIgnoreCase(target.substring(0, target.lastIndexOf(':')));
  }

  private boolean refuse(String what) {
    error = new ProxyError.ProtocolViolation(origin, what);
    return true;
  }

  private static String text(byte[] array, int start, int end) {
    return new String(array, start, end - start, StandardCharsets.ISO_8859_1);
  }
}
