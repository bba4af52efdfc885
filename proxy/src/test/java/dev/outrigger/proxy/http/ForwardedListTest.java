package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ForwardedPolicy;
import dev.outrigger.proxy.config.ForwardedPolicy.Sent;
import dev.outrigger.proxy.config.HttpProxyConfig.ClientCert;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.message.Headers;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ForwardedListTest {
  @Test
  void theExamplesOfTheRfcAreRead() {
    assertThat(nodes("for=\"_gazonk\"")).containsExactly("_gazonk");
    assertThat(nodes("For=\"[2001:db8:cafe::17]:4711\""))
        .containsExactly("[2001:db8:cafe::17]:4711");
    assertThat(nodes("for=192.0.2.60;proto=http;by=203.0.113.43")).containsExactly("192.0.2.60");
    assertThat(nodes("for=192.0.2.43, for=198.51.100.17"))
        .containsExactly("192.0.2.43", "198.51.100.17");
    assertThat(nodes("for=_hidden, for=_SEVKISEK")).containsExactly("_hidden", "_SEVKISEK");
    assertThat(nodes("for=192.0.2.43", "for=\"[2001:db8:cafe::17]\";by=_x"))
        .containsExactly("192.0.2.43", "[2001:db8:cafe::17]");
  }

  @Test
  void aQuotedCommaOrSemicolonEndsNothing() {
    assertThat(nodes("host=\"a,for=6.6.6.6;b\\\"\";for=1.1.1.1, proto=https"))
        .containsExactly("1.1.1.1", "");
    assertThat(nodes(" , for=1.1.1.1 ,\t")).containsExactly("1.1.1.1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "for",
        "for=",
        "for=\"\"",
        "for=1.1.1.1;",
        "for=1.1.1.1;;by=a",
        "for =1.1.1.1",
        "for= 1.1.1.1",
        "for=[2001:db8::1]",
        "for=1.1.1.1:80",
        "for=1.1.1.1;for=2.2.2.2",
        "for=1.1.1.1;FOR=2.2.2.2",
        "for=\"1.1.1.1",
        "for=\"1.1.1.1\\",
        "for=1.1.1.1 2.2.2.2",
        "=1.1.1.1",
        "1.1.1.1",
        "for=1.1.1.1, \"a\"",
      })
  void whatIsMalformedIsNoList(String text) {
    assertThat(ForwardedList.nodes(List.of(text))).isNull();
  }

  @Test
  void listsBeyondTheLimitsAreNone() {
    assertThat(ForwardedList.nodes(List.of("for=a,".repeat(100)))).hasSize(100);
    assertThat(ForwardedList.nodes(List.of("for=a,".repeat(101)))).isNull();
    assertThat(ForwardedList.nodes(List.of("for=" + "a".repeat(16 * 1024)))).isNull();
  }

  @Test
  void onlyAnAddressIsAnAddress() {
    assertThat(ForwardedList.address("1.1.1.1")).isEqualTo("1.1.1.1");
    assertThat(ForwardedList.address("1.1.1.1:65535")).isEqualTo("1.1.1.1");
    assertThat(ForwardedList.address("1.1.1.1:_port")).isEqualTo("1.1.1.1");
    assertThat(ForwardedList.address("[2001:db8::1]:1")).isEqualTo("2001:db8::1");
    for (String other :
        List.of(
            "",
            "_hidden",
            "unknown",
            "1.1.1",
            "1.1.1.1:",
            "1.1.1.1:123456",
            "1.1.1.1:x",
            "2001:db8::1",
            "[2001:db8::1",
            "[1.1.1.1]",
            "[fe80::1%eth0]",
            "[2001:db8::1]x")) {
      assertThat(ForwardedList.address(other)).as(other).isNull();
    }
  }

  @Test
  void anElementOfOursCanBeReadAgain() {
    assertThat(ForwardedList.element("10.0.0.1", true, "_edge", "a.example"))
        .isEqualTo("for=10.0.0.1;host=a.example;proto=https;by=_edge");
    String element = ForwardedList.element("2001:db8::1", false, "", "a\"\\:80");
    assertThat(element).isEqualTo("for=\"[2001:db8::1]\";host=\"a\\\"\\\\:80\";proto=http");
    assertThat(nodes(element)).containsExactly("[2001:db8::1]");
  }

  @Test
  void theTrustedHopsSayWhichElementIsTheClients() {
    String lied = "for=9.9.9.9, for=\"8.8.8.8:1\"";
    assertThat(client(Sent.AS_IT_CAME, true, 0, lied)).isNull();
    assertThat(client(Sent.AS_IT_CAME, true, 1, lied)).isEqualTo("8.8.8.8");
    assertThat(client(Sent.APPENDED, true, 1, lied + ", for=10.0.0.1")).isEqualTo("8.8.8.8");
    assertThat(client(Sent.AS_IT_CAME, false, 0, lied)).isEqualTo("8.8.8.8");
    assertThat(client(Sent.APPENDED, false, 1, lied + ", for=10.0.0.1")).isEqualTo("9.9.9.9");
    assertThat(client(Sent.AS_IT_CAME, true, 3, lied)).isNull();
    assertThat(client(Sent.AS_IT_CAME, true, 1, "for=9.9.9.9, for=_hidden")).isNull();
    assertThat(client(Sent.AS_IT_CAME, true, 1, lied + ";")).isNull();
  }

  private static @Nullable List<String> nodes(String... lines) {
    return ForwardedList.nodes(List.of(lines));
  }

  private static @Nullable String client(
      Sent sent, boolean useRemoteAddress, int hops, String field) {
    Headers headers = new Headers();
    headers.add("Forwarded", field);
    headers.add("X-Forwarded-For", "7.7.7.7, 7.7.7.7, 7.7.7.7");
    return TrustedClient.of(
        headers,
        new Forwarding(
            useRemoteAddress,
            ClientCert.SANITIZE,
            Set.of(),
            hops,
            false,
            false,
            "",
            new ForwardedPolicy(sent, true, "", false)));
  }
}
