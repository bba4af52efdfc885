package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.config.RequestRules.EscapedSlashes;
import dev.outrigger.proxy.config.RequestRules.Underscores;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import org.junit.jupiter.api.Test;

class RequestAdmissionTest {
  private static RequestHead head(String path, String... names) {
    Headers headers = new Headers();
    for (String name : names) {
      headers.add(name, "v");
    }
    return new RequestHead("GET", path, "host", "http", HttpVersion.HTTP_1_1, headers);
  }

  private static RequestRules rules(Underscores underscores) {
    return new RequestRules(true, false, EscapedSlashes.REDIRECT, underscores);
  }

  private static String names(RequestHead head) {
    StringBuilder names = new StringBuilder();
    for (int i = 0; i < head.headers().size(); i++) {
      names.append(head.headers().nameAt(i)).append(' ');
    }
    return names.toString().strip();
  }

  @Test
  void namesThatAnApplicationMayTakeForTrustedOnesAreDropped() {
    RequestHead head =
        head("/", "x_user", "X_Forwarded_For", "x-forwarded_proto", "x_outrigger_explain", "a");
    assertThat(RequestAdmission.check(head, rules(Underscores.ALLOW))).isNull();
    assertThat(names(head)).isEqualTo("x_user a");
  }

  @Test
  void underscoresAreDroppedWhereThatIsAskedFor() {
    RequestHead head = head("/", "x_user", "x-user", "_", "a");
    assertThat(RequestAdmission.check(head, rules(Underscores.DROP))).isNull();
    assertThat(names(head)).isEqualTo("x-user a");
  }

  @Test
  void underscoresAreRefusedWhereThatIsAskedFor() {
    assertThat(RequestAdmission.check(head("/", "x_user"), rules(Underscores.REJECT)))
        .isInstanceOf(LocalReply.Failure.class);
    assertThat(RequestAdmission.check(head("/", "x-user"), rules(Underscores.REJECT))).isNull();
  }

  @Test
  void aRedirectStaysOnItsHost() {
    LocalReply reply = RequestAdmission.check(head("/%2f/evil.test"), rules(Underscores.ALLOW));
    assertThat(reply)
        .isInstanceOfSatisfying(
            LocalReply.Answer.class,
            answer -> {
              assertThat(answer.status()).isEqualTo(307);
              assertThat(answer.headers().getFirst().value().text()).isEqualTo("/evil.test");
            });
  }
}
