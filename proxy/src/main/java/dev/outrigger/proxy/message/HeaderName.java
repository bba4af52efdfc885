package dev.outrigger.proxy.message;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The name of a header field, in lower case, ready to be looked up: its bytes and hash are made
 * once. Constants for the names that the data path itself asks for.
 */
public final class HeaderName {
  public static final HeaderName ACCEPT = of("accept");
  public static final HeaderName BAGGAGE = of("baggage");
  public static final HeaderName CONNECTION = of("connection");
  public static final HeaderName CONTENT_LENGTH = of("content-length");
  public static final HeaderName CONTENT_TYPE = of("content-type");
  public static final HeaderName DATE = of("date");
  public static final HeaderName EXPECT = of("expect");
  public static final HeaderName FORWARDED = of("forwarded");
  public static final HeaderName GRPC_STATUS = of("grpc-status");
  public static final HeaderName GRPC_TIMEOUT = of("grpc-timeout");
  public static final HeaderName HOST = of("host");
  public static final HeaderName HTTP2_SETTINGS = of("http2-settings");
  public static final HeaderName KEEP_ALIVE = of("keep-alive");
  public static final HeaderName LOCATION = of("location");
  public static final HeaderName OUTRIGGER_ERROR = of("x-outrigger-error");
  public static final HeaderName OUTRIGGER_EXPLAIN = of("x-outrigger-explain");
  public static final HeaderName OUTRIGGER_EXPLANATION = of("x-outrigger-explanation");
  public static final HeaderName OUTRIGGER_FAULT = of("x-outrigger-fault");
  public static final HeaderName OUTRIGGER_SOURCE = of("x-outrigger-source");
  public static final HeaderName OUTRIGGER_UNTOUCHED = of("x-outrigger-untouched");
  public static final HeaderName PROXY_CONNECTION = of("proxy-connection");
  public static final HeaderName SEC_WEBSOCKET_ACCEPT = of("sec-websocket-accept");
  public static final HeaderName SEC_WEBSOCKET_KEY = of("sec-websocket-key");
  public static final HeaderName SERVER = of("server");
  public static final HeaderName TE = of("te");
  public static final HeaderName TRACEPARENT = of("traceparent");
  public static final HeaderName TRACESTATE = of("tracestate");
  public static final HeaderName TRAILER = of("trailer");
  public static final HeaderName TRANSFER_ENCODING = of("transfer-encoding");
  public static final HeaderName UPGRADE = of("upgrade");
  public static final HeaderName USER_AGENT = of("user-agent");
  public static final HeaderName VIA = of("via");
  public static final HeaderName X_ENVOY_ATTEMPT_COUNT = of("x-envoy-attempt-count");
  public static final HeaderName X_FORWARDED_CLIENT_CERT = of("x-forwarded-client-cert");
  public static final HeaderName X_FORWARDED_FOR = of("x-forwarded-for");
  public static final HeaderName X_FORWARDED_HOST = of("x-forwarded-host");
  public static final HeaderName X_FORWARDED_PORT = of("x-forwarded-port");
  public static final HeaderName X_FORWARDED_PROTO = of("x-forwarded-proto");
  public static final HeaderName X_REQUEST_ID = of("x-request-id");

  private final String text;
  final byte[] bytes;
  final int hash;

  private HeaderName(String text) {
    this.text = text;
    this.bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    this.hash = Headers.hash(bytes, 0, bytes.length);
  }

  /** A name of any case; ready-made constants are cheaper. */
  public static HeaderName of(String name) {
    return new HeaderName(name.toLowerCase(Locale.ROOT));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof HeaderName that && that.text.equals(text);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  /** The name in lower case. */
  @Override
  public String toString() {
    return text;
  }
}
