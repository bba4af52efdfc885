package dev.outrigger.proxy.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.proxy.config.HeaderTemplate.Part;
import dev.outrigger.proxy.config.HeaderTemplate.Variable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderTemplateTest {
  @Test
  void readsTextVariablesAndHeaders() {
    assertThat(HeaderTemplate.parse("100%% by %REQ(X-A?:path):7%/%PROTOCOL%%RESP(b)%").parts())
        .containsExactly(
            new Part.Text("100% by "),
            new Part.RequestHeader("x-a", ":path", 7),
            new Part.Text("/"),
            new Part.Known(Variable.PROTOCOL),
            new Part.ResponseHeader("b", null, Integer.MAX_VALUE));
  }

  @Test
  void aDoubledSignIsNeverTheBeginningOfAVariable() {
    HeaderTemplate template = HeaderTemplate.parse("%%PROTOCOL%%");
    assertThat(template.isLiteral()).isTrue();
    assertThat(template.text()).isEqualTo("%PROTOCOL%");
    assertThat(HeaderTemplate.parse("").text()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%",
        "50% off",
        "%PROTOCOL",
        "%protocol%",
        "%REQ()%",
        "%REQ(a b)%",
        "%REQ(a):x%",
        "%PROTOCOL(a)%",
        "%START_TIME(%Q)%",
        "%START_TIME(%Y):3%",
        "%QUERY_PARAM()%",
        "%QUERY_PARAM%",
        "%%%"
      })
  void whatIsNoVariableIsRefused(String text) {
    assertThatThrownBy(() -> HeaderTemplate.parse(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theNearestNameIsTold() {
    assertThatThrownBy(() -> HeaderTemplate.parse("%UPSTREAM_HOSTS%"))
        .hasMessageContaining("did you mean %UPSTREAM_HOST%?");
  }
}
