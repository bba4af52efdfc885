package dev.outrigger.proxy.listen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ProxyProtocol;
import dev.outrigger.proxy.config.ProxyProtocol.Version;
import dev.outrigger.proxy.listen.ProxyHeader.Absent;
import dev.outrigger.proxy.listen.ProxyHeader.Found;
import dev.outrigger.proxy.listen.ProxyHeader.Malformed;
import dev.outrigger.proxy.listen.ProxyHeader.NeedMore;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProxyHeaderTest {
  private static final ProxyProtocol REQUIRED =
      new ProxyProtocol(false, EnumSet.allOf(Version.class));
  private static final ProxyProtocol OPTIONAL =
      new ProxyProtocol(true, EnumSet.allOf(Version.class));
  private static final String SIGNATURE = "0d0a0d0a000d0a515549540a";
  private static final String V4 = "0a000001" + "0a000002" + "04d2" + "01bb";

  @Test
  void aLineSaysWhoConnected() {
    assertThat(text("PROXY TCP4 10.0.0.1 10.0.0.2 1234 443\r\nGET / HTTP/1.1\r\n"))
        .isEqualTo(found(39, "10.0.0.1", 1234, "10.0.0.2", 443));
    assertThat(text("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"))
        .isEqualTo(found(36, "2001:db8::1", 0, "::1", 65535));
    assertThat(text("PROXY UNKNOWN\r\n")).isEqualTo(new Found(15, null, null));
    assertThat(text("PROXY UNKNOWN " + "f".repeat(91) + "\r\n"))
        .isEqualTo(new Found(107, null, null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "PROXY TCP4 10.0.0.1 10.0.0.2 1234 443\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1234\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1234 443 5\r\n",
        "PROXY  TCP4 10.0.0.1 10.0.0.2 1234 443\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1234 443 \r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 65536 443\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 01 443\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 -1 443\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1 \r\n",
        "PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n",
        "PROXY TCP4 10.0.0.01 10.0.0.2 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 10.0.0.1 10.0.0.2 1 2\r\n",
        "PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY UDP4 10.0.0.1 10.0.0.2 1 2\r\n",
        "PROXY tcp4 10.0.0.1 10.0.0.2 1 2\r\n",
        "PROXY \r\n",
        "PROXY\r\n",
        "PROXX",
        "GET / HTTP/1.1\r\n",
        "\r\n\r\nx",
      })
  void whatIsNoLineIsRefused(String line) {
    assertThat(text(line)).isInstanceOf(Malformed.class);
  }

  @Test
  void aLineThatDoesNotEndIsRefusedOnce107BytesAreThere() {
    String line = "PROXY UNKNOWN " + "f".repeat(92);
    assertThat(text(line)).isEqualTo(new NeedMore());
    assertThat(text(line + "f")).isInstanceOf(Malformed.class);
    assertThat(text(line + "f\r\n")).isInstanceOf(Malformed.class);
    assertThat(text("")).isEqualTo(new NeedMore());
    assertThat(text("PROX")).isEqualTo(new NeedMore());
  }

  @Test
  void theBinaryFormSaysWhoConnected() {
    assertThat(hex(SIGNATURE + "2111000c" + V4 + "474554"))
        .isEqualTo(found(28, "10.0.0.1", 1234, "10.0.0.2", 443));
    String v6 = "20010db8000000000000000000000001" + "00000000000000000000000000000001";
    assertThat(hex(SIGNATURE + "21210024" + v6 + "00010002"))
        .isEqualTo(found(52, "2001:db8::1", 1, "::1", 2));
    // Values of type NOOP, without and with a byte.
    assertThat(hex(SIGNATURE + "21110013" + V4 + "040000" + "04000100"))
        .isEqualTo(found(35, "10.0.0.1", 1234, "10.0.0.2", 443));
  }

  @Test
  void aBalancerThatSpeaksForItselfSaysNothingOfAClient() {
    assertThat(hex(SIGNATURE + "20000000")).isEqualTo(new Found(16, null, null));
    assertThat(hex(SIGNATURE + "2011000c" + V4)).isEqualTo(new Found(28, null, null));
    assertThat(hex(SIGNATURE + "21000003" + "ffffff")).isEqualTo(new Found(19, null, null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1111000c" + V4, // version 1
        "2211000c" + V4, // no such command
        "2112000c" + V4, // UDP
        "21310000", // a Unix socket
        "21410000", // no such family
        "2111000b" + V4,
        "21210023" + "00",
        "2111000d" + V4 + "04", // half a value
        "2111000f" + V4 + "040001", // a value that is longer than what is there
        "21113ff1", // 16 KiB and one byte
        "21110013" + V4 + "03000400000000", // a wrong checksum
        "2111000f" + V4 + "030000", // an empty one
      })
  void whatIsNoBinaryFormIsRefused(String rest) {
    assertThat(hex(SIGNATURE + rest)).isInstanceOf(Malformed.class);
  }

  @Test
  void aChecksumIsChecked() {
    byte[] header = HexFormat.of().parseHex(SIGNATURE + "21110013" + V4 + "03000400000000");
    CRC32C crc = new CRC32C();
    crc.update(header);
    ByteBuf bytes = Unpooled.wrappedBuffer(header);
    bytes.setInt(31, (int) crc.getValue());
    assertThat(ProxyHeader.read(bytes, REQUIRED))
        .isEqualTo(found(35, "10.0.0.1", 1234, "10.0.0.2", 443));
  }

  @Test
  void theBinaryFormIsWaitedFor() {
    String whole = SIGNATURE + "2111000c" + V4;
    for (int i = 0; i < 28; i++) {
      assertThat(hex(whole.substring(0, 2 * i))).as("%d bytes", i).isEqualTo(new NeedMore());
    }
  }

  @Test
  void whereItMayLackTheClientsBytesAreItsOwn() {
    assertThat(text("GET / HTTP/1.1\r\n", OPTIONAL)).isEqualTo(new Absent());
    assertThat(text("PRI * HTTP/2.0\r\n", OPTIONAL)).isEqualTo(new Absent());
    assertThat(text("PR", OPTIONAL)).isEqualTo(new NeedMore());
    assertThat(text("PROXY TCP4 x\r\n", OPTIONAL)).isInstanceOf(Malformed.class);
  }

  @Test
  void aVersionThatIsNotReadIsNone() {
    ProxyProtocol onlyV2 = new ProxyProtocol(false, Set.of(Version.V2));
    ProxyProtocol perhapsV1 = new ProxyProtocol(true, Set.of(Version.V1));
    assertThat(text("PROXY UNKNOWN\r\n", onlyV2)).isInstanceOf(Malformed.class);
    assertThat(hexOf(SIGNATURE + "20000000", onlyV2)).isEqualTo(new Found(16, null, null));
    assertThat(hexOf(SIGNATURE + "20000000", perhapsV1)).isEqualTo(new Absent());
  }

  private static Found found(int length, String source, int from, String destination, int to) {
    return new Found(
        length, new InetSocketAddress(source, from), new InetSocketAddress(destination, to));
  }

  private static ProxyHeader text(String text) {
    return text(text, REQUIRED);
  }

  private static ProxyHeader text(String text, ProxyProtocol policy) {
    return ProxyHeader.read(
        Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.ISO_8859_1)), policy);
  }

  private static ProxyHeader hex(String hex) {
    return hexOf(hex, REQUIRED);
  }

  private static ProxyHeader hexOf(String hex, ProxyProtocol policy) {
    return ProxyHeader.read(Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex)), policy);
  }
}
