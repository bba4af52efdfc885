package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.UpgradesConfig.Choice;
import dev.outrigger.proxy.http.codec.Connections;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Settings;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * What becomes of a request in HTTP/1.1 without a body that would like its connection to go on in
 * HTTP/2 (RFC 7540, section 3.2). Pure.
 */
sealed interface H2cWish {
  /** It is answered in HTTP/1.1. */
  record Ignored() implements H2cWish {}

  /**
   * The connection changes.
   *
   * @param settings what stands for the first SETTINGS of the client
   */
  record Granted(Http2Settings settings) implements H2cWish {}

  record Malformed(String why) implements H2cWish {}

  H2cWish IGNORED = new Ignored();

  /** Of HTTP/2-Settings; far beyond what there is to set. */
  int MAX_SETTINGS = 32;

  int SETTING = 6;

  /**
   * Decides. A server may ignore the wish, and must where there is not exactly one {@code
   * http2-settings} that {@code connection} names.
   *
   * @param wished the protocols in the order of preference, in lower case
   * @param ahead what the client has sent behind its request; HTTP/2 would begin with the preface
   */
  static H2cWish of(RequestHead head, String wished, ByteBuf ahead, UpgradesConfig config) {
    Headers headers = head.headers();
    if (head.method().equals("CONNECT")
        || config.of(UpgradesConfig.H2C) != Choice.PASSED
        || !first(wished, config)
        || headers.count(HeaderName.HTTP2_SETTINGS) != 1
        || !Connections.names(headers, HeaderName.HTTP2_SETTINGS.toString())
        || !prefaceMayFollow(ahead)) {
      return IGNORED;
    }
    return settings(String.valueOf(headers.get(HeaderName.HTTP2_SETTINGS)));
  }

  /** Whether nothing else that is let through comes before it. */
  private static boolean first(String wished, UpgradesConfig config) {
    for (String one : wished.split(",", -1)) {
      String protocol = one.strip();
      if (protocol.equals(UpgradesConfig.H2C)) {
        return true;
      }
      if (config.of(protocol) == Choice.PASSED) {
        return false;
      }
    }
    return false;
  }

  private static boolean prefaceMayFollow(ByteBuf ahead) {
    ByteBuf preface = Http2CodecUtil.connectionPrefaceBuf();
    int common = Math.min(preface.readableBytes(), ahead.readableBytes());
    return ByteBufUtil.equals(preface, preface.readerIndex(), ahead, ahead.readerIndex(), common);
  }

  private static H2cWish settings(String text) {
    if (text.isEmpty() || text.length() > MAX_SETTINGS * SETTING * 4 / 3) {
      return new Malformed("http2-settings has no settings, or more than " + MAX_SETTINGS);
    }
    byte[] payload;
    try {
      payload = Base64.getUrlDecoder().decode(text.getBytes(StandardCharsets.ISO_8859_1));
    } catch (IllegalArgumentException _) {
      return new Malformed("http2-settings is not base64url");
    }
    // One text for one payload: neither padding nor bits that mean nothing.
    if (!Base64.getUrlEncoder().withoutPadding().encodeToString(payload).equals(text)) {
      return new Malformed("http2-settings is not base64url without padding");
    }
    if (payload.length % SETTING != 0) {
      return new Malformed("http2-settings ends within a setting");
    }
    Http2Settings settings = new Http2Settings();
    ByteBuf in = Unpooled.wrappedBuffer(payload);
    while (in.isReadable()) {
      char id = (char) in.readUnsignedShort();
      long value = in.readUnsignedInt();
      try {
        settings.put(id, Long.valueOf(value));
      } catch (IllegalArgumentException _) {
        return new Malformed("http2-settings sets " + (int) id + " to " + value);
      }
    }
    return new Granted(settings);
  }
}
