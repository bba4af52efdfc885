package dev.outrigger.proxy.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ClusterConfig.Speech;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AlpnTest {
  private static List<String> names(String text) {
    return text.isEmpty() ? List.of() : List.of(text.split(" "));
  }

  @ParameterizedTest
  // What is configured, what is meant to be spoken, what is offered.
  @CsvSource({
    "'',HTTP1,''",
    "'',HTTP2,h2",
    "'',NEGOTIATED,h2 http/1.1",
    "h2 http/1.1,HTTP1,http/1.1",
    "h2 http/1.1,HTTP2,h2",
    "h2 http/1.1,NEGOTIATED,h2 http/1.1",
    "h2,HTTP1,''",
    "outrigger-h2,HTTP2,outrigger-h2",
    "outrigger-h2,HTTP1,outrigger-http/1.1",
    "outrigger-h2 outrigger-http/1.1,HTTP1,outrigger-http/1.1",
    "outrigger-h2 outrigger-http/1.1,HTTP2,outrigger-h2",
    "istio-peer-exchange istio,HTTP2,istio-peer-exchange istio",
    "istio-peer-exchange istio,HTTP1,istio-peer-exchange istio"
  })
  void onlyWhatIsMeantIsOffered(String configured, Speech speech, String offered) {
    assertThat(Alpn.offered(names(configured), speech)).isEqualTo(names(offered));
  }
}
