package dev.outrigger.proxy.listen;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProtocolDetectorTest {
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  private static Detection detect(byte[] bytes) {
    return ProtocolDetector.detect(Unpooled.wrappedBuffer(bytes), true, true);
  }

  private static Detection detect(String text) {
    return detect(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** The ClientHello of the JDK, without any record around its message. */
  static byte[] hello(String serverName, String... protocols) throws Exception {
    SSLEngine engine = SSLContext.getDefault().createSSLEngine();
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setServerNames(List.of(new SNIHostName(serverName)));
    parameters.setApplicationProtocols(protocols);
    engine.setSSLParameters(parameters);
    ByteBuffer out = ByteBuffer.allocate(32 << 10);
    engine.wrap(ByteBuffer.allocate(0), out);
    return Arrays.copyOf(out.array(), out.position());
  }

  /** As a client with a post-quantum key share sends it: 1,216 bytes more. */
  private static byte[] longHello() throws Exception {
    byte[] small = hello("shop.example", "h2", "http/1.1");
    byte[] message = Arrays.copyOfRange(small, 5, small.length);
    byte[] big = Arrays.copyOf(message, message.length + 4 + 1216);
    // An extension that nobody knows, of the size of a share of X25519MLKEM768.
    big[message.length] = (byte) 0xfa;
    big[message.length + 1] = (byte) 0xfa;
    big[message.length + 2] = (byte) (1216 >> 8);
    big[message.length + 3] = (byte) (1216 & 0xff);
    int length = big.length - 4;
    big[1] = (byte) (length >> 16);
    big[2] = (byte) (length >> 8);
    big[3] = (byte) length;
    int at = 4 + 2 + 32;
    at += 1 + (big[at] & 0xff);
    at += 2 + ((big[at] & 0xff) << 8 | big[at + 1] & 0xff);
    at += 1 + (big[at] & 0xff);
    int extensions = ((big[at] & 0xff) << 8 | big[at + 1] & 0xff) + 4 + 1216;
    big[at] = (byte) (extensions >> 8);
    big[at + 1] = (byte) extensions;
    return big;
  }

  private static byte[] records(byte[] message, int size) {
    ByteBuf out = Unpooled.buffer();
    for (int at = 0; at < message.length; at += size) {
      int length = Math.min(size, message.length - at);
      out.writeByte(22).writeByte(3).writeByte(1).writeShort(length);
      out.writeBytes(message, at, length);
    }
    return ByteBufUtil.getBytes(out);
  }

  @Test
  void readsServerNameAndProtocolsOfAClientHello() throws Exception {
    assertThat(detect(hello("Shop.Example", "h2", "http/1.1")))
        .isEqualTo(new Detection.Tls("shop.example", List.of("h2", "http/1.1")));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 100, 900, 16_000})
  void putsALongClientHelloTogetherFromItsRecords(int recordSize) throws Exception {
    byte[] whole = records(longHello(), recordSize);
    assertThat(whole.length).isGreaterThan(1_400);
    if (whole.length < ProtocolDetector.MAX_BYTES) {
      assertThat(detect(whole))
          .isEqualTo(new Detection.Tls("shop.example", List.of("h2", "http/1.1")));
    }
  }

  @Test
  void waitsForEveryByteOfAClientHello() throws Exception {
    byte[] whole = records(longHello(), 16_000);
    for (int length = 1; length < whole.length; length++) {
      assertThat(detect(Arrays.copyOf(whole, length)))
          .as("%d of %d bytes", length, whole.length)
          .isInstanceOf(Detection.NeedMore.class);
    }
  }

  @Test
  void waitsForEveryByteOfAnHttp2Preface() {
    for (int length = 0; length < PREFACE.length(); length++) {
      assertThat(detect(PREFACE.substring(0, length))).isInstanceOf(Detection.NeedMore.class);
    }
    assertThat(detect(PREFACE)).isInstanceOf(Detection.Http2.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1\r\n",
        "POST /a?b=c HTTP/1.0\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\n",
        "GET http://a.example/ HTTP/1.1\r\n",
        "PURGE /cached HTTP/1.1\r\n",
        "PRIVATE /x HTTP/1.1\r\n",
        "GET  / HTTP/1.1\r\n",
        "POST \t/ HTTP/1.1\r\n"
      })
  void knowsARequestHoweverSlowlyItComes(String request) {
    Detection found = new Detection.NeedMore();
    for (int length = 1; length <= request.length(); length++) {
      Detection now = detect(request.substring(0, length));
      if (!(now instanceof Detection.NeedMore)) {
        found = now;
        break;
      }
    }
    assertThat(found).isInstanceOf(Detection.Http1.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "*1\r\n$4\r\nPING\r\n",
        "\0\0\0\b\u0004\u00d2\u0016/",
        "SSH-2.0-OpenSSH_9\r\n",
        "\u0016\u0002\0\0\0\0",
        "set key 0 0 1\r\n",
        "\r\n\r\n",
        "EHLO me\r\n",
        "\u0080\u0001\u0002"
      })
  void leavesTheRestOpaque(String bytes) {
    assertThat(detect(bytes)).isInstanceOf(Detection.Opaque.class);
  }

  @Test
  void consumesNothing() throws Exception {
    ByteBuf bytes = Unpooled.wrappedBuffer(hello("a.example"));
    int length = bytes.readableBytes();
    ProtocolDetector.detect(bytes, true, true);
    assertThat(bytes.readableBytes()).isEqualTo(length);
  }

  @Test
  void anyBytesGetAnAnswerWithinTheLimit() throws Exception {
    SplittableRandom random = new SplittableRandom(7);
    byte[] hello = records(longHello(), 500);
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = round % 2 == 0 ? hello.clone() : new byte[random.nextInt(64) + 1];
      if (round % 2 == 0) {
        for (int change = random.nextInt(4); change >= 0; change--) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
      } else {
        random.nextBytes(bytes);
        bytes[0] = random.nextBoolean() ? 22 : bytes[0];
      }
      assertThat(detect(bytes)).isNotNull();
    }
    byte[] endless = new byte[ProtocolDetector.MAX_BYTES];
    Arrays.fill(endless, (byte) 'A');
    assertThat(detect(endless)).isNotInstanceOf(Detection.NeedMore.class);
    Arrays.fill(endless, (byte) 22);
    assertThat(detect(endless)).isNotInstanceOf(Detection.NeedMore.class);
    byte[] longLine =
        Arrays.copyOf(
            ("PURGE /" + "x".repeat(20_000)).getBytes(StandardCharsets.US_ASCII),
            ProtocolDetector.MAX_BYTES);
    assertThat(detect(longLine)).isInstanceOf(Detection.Http1.class);
  }
}
