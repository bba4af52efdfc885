package dev.outrigger.proxy.http.codec;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.random.RandomGenerator;

/**
 * The handshake of RFC 6455 that HTTP/2 does not have (RFC 8441, section 5): who translates from
 * one to the other makes the half that is missing. Pure.
 */
public final class WebSocketKeys {
  private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  private static final int KEY_BYTES = 16;

  private WebSocketKeys() {}

  /** A new {@code sec-websocket-key}: sixteen bytes in base64. */
  public static String newKey(RandomGenerator random) {
    byte[] bytes = new byte[KEY_BYTES];
    random.nextBytes(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  /** The {@code sec-websocket-accept} that belongs to a key. */
  public static String acceptOf(String key) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-1");
      return Base64.getEncoder()
          .encodeToString(sha.digest((key + GUID).getBytes(StandardCharsets.ISO_8859_1)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
