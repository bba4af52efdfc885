package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.HttpProxyConfig.ClientCert;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.message.Headers;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TrustedClientTest {
  @Test
  void withoutTheSocketsAddressTheEntryBeforeTheTrustedHopsIsTheClient() {
    assertThat(client(false, 0, false, "9.9.9.9, 10.0.0.1")).isEqualTo("10.0.0.1");
    assertThat(client(false, 1, false, "9.9.9.9, 10.0.0.1")).isEqualTo("9.9.9.9");
    assertThat(client(false, 2, false, "9.9.9.9, 10.0.0.1")).isNull();
  }

  @Test
  void whatAClientClaimsIsNotBelievedWhereNoHopIsTrusted() {
    assertThat(client(true, 0, false, "9.9.9.9,127.0.0.1")).isNull();
    assertThat(client(true, 0, true, "9.9.9.9")).isNull();
  }

  @Test
  void theAddressThatWasAppendedHereIsNoHop() {
    // 9.9.9.9 is a lie, 8.8.8.8 was written by the trusted proxy 10.0.0.1 that connected to us.
    assertThat(client(true, 1, false, "9.9.9.9,8.8.8.8,10.0.0.1")).isEqualTo("8.8.8.8");
    assertThat(client(true, 1, true, "9.9.9.9,8.8.8.8")).isEqualTo("8.8.8.8");
    assertThat(client(true, 2, true, "9.9.9.9,8.8.8.8")).isEqualTo("9.9.9.9");
  }

  @Test
  void severalFieldsAreOneListAndIpv6Counts() {
    assertThat(client(false, 1, false, "2001:db8::1", "10.0.0.1")).isEqualTo("2001:db8::1");
  }

  @Test
  void whatIsNoAddressIsNoClient() {
    assertThat(client(false, 0, false, "unknown")).isNull();
    assertThat(client(false, 0, false, "a,")).isNull();
    assertThat(client(false, 1, false, ",")).isNull();
    assertThat(client(false, 0, false, "")).isNull();
    assertThat(client(false, 0, false)).isNull();
  }

  private static @Nullable String client(
      boolean useRemoteAddress, int hops, boolean skipAppend, String... fields) {
    Headers headers = new Headers();
    for (String field : fields) {
      headers.add("X-Forwarded-For", field);
    }
    return TrustedClient.of(
        headers,
        new Forwarding(
            useRemoteAddress, ClientCert.SANITIZE, Set.of(), hops, skipAppend, false, ""));
  }
}
