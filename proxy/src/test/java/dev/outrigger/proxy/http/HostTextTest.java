package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.config.RequestRules.EscapedSlashes;
import dev.outrigger.proxy.config.RequestRules.HostPort;
import dev.outrigger.proxy.config.RequestRules.Underscores;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostTextTest {
  private static String clean(String method, String host, HostPort port, boolean dot) {
    Headers headers = new Headers();
    headers.add("Host", host);
    RequestHead head = new RequestHead(method, "/", host, "http", HttpVersion.HTTP_1_1, headers);
    RequestRules rules =
        new RequestRules(true, false, EscapedSlashes.KEEP, Underscores.ALLOW, port, dot);
    HostText.clean(head, rules, 8080);
    assertThat(headers.get(HeaderName.HOST)).isEqualTo(head.authority());
    return head.authority();
  }

  @ParameterizedTest
  @CsvSource({
    "a.test,         a.test,      a.test",
    "a.test:80,      a.test,      a.test:80",
    "a.test:8080,    a.test,      a.test",
    "a.test:,        a.test:,     a.test:",
    "a.test:x1,      a.test:x1,   a.test:x1",
    "a.test:999999,  a.test:999999, a.test:999999",
    "[::1],          [::1],       [::1]",
    "[::1]:8080,     [::1],       [::1]",
    "::8080,         ::8080,      ::8080",
    "'',             '',          ''"
  })
  void thePortGoesWhereItIsOne(String host, String any, String matching) {
    if (!host.equals("a.test:999999")) {
      assertThat(clean("GET", host, HostPort.STRIP_ANY, false)).isEqualTo(any);
    }
    assertThat(clean("GET", host, HostPort.STRIP_MATCHING, false)).isEqualTo(matching);
    assertThat(clean("GET", host, HostPort.KEEP, false)).isEqualTo(host);
  }

  @Test
  void theTargetOfAConnectKeepsItsPortUnlessItIsOurs() {
    assertThat(clean("CONNECT", "a:443", HostPort.STRIP_ANY, false)).isEqualTo("a:443");
    assertThat(clean("CONNECT", "a:8080", HostPort.STRIP_MATCHING, false)).isEqualTo("a");
  }

  @Test
  void aDotBehindTheNameGoesAlsoBeforeAPort() {
    assertThat(clean("GET", "a.test.", HostPort.KEEP, true)).isEqualTo("a.test");
    assertThat(clean("GET", "a.test.:81", HostPort.KEEP, true)).isEqualTo("a.test:81");
    assertThat(clean("GET", "a.test.:81", HostPort.STRIP_ANY, true)).isEqualTo("a.test");
    assertThat(clean("GET", ".", HostPort.KEEP, true)).isEqualTo(".");
    assertThat(clean("GET", "a.test.", HostPort.STRIP_ANY, false)).isEqualTo("a.test.");
  }
}
