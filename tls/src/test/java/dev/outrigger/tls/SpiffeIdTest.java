package dev.outrigger.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpiffeIdTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe://cluster.local",
        "spiffe://cluster.local/ns/shop/sa/checkout",
        "spiffe://a_b-c.1/A.b_C-9",
        "spiffe://td/..a",
        "spiffe://td/..."
      })
  void validOnesAreReadAndPrintedAlike(String text) {
    assertThat(SpiffeId.parse(text)).hasToString(text);
  }

  @Test
  void theTrustDomainIsComparedWithoutCaseAndThePathExactly() {
    assertThat(SpiffeId.parse("SPIFFE://Cluster.Local/a"))
        .isEqualTo(SpiffeId.parse("spiffe://cluster.local/a"))
        .isNotEqualTo(SpiffeId.parse("spiffe://cluster.local/A"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "spiffe:/td/a",
        "spiffe://",
        "spiffe:///a",
        "http://td/a",
        "spiffe://td/",
        "spiffe://td/a/",
        "spiffe://td//a",
        "spiffe://td/a//b",
        "spiffe://td/.",
        "spiffe://td/a/../b",
        "spiffe://td/a?b",
        "spiffe://td?b",
        "spiffe://td/a#b",
        "spiffe://td:80/a",
        "spiffe://u@td/a",
        "spiffe://t%20d/a",
        "spiffe://td/%61",
        "spiffe://td/a b",
        "spiffe://td/\u00e4",
        "spiffe://t\u0131d/a",
        "spiffe://td/a\n",
        " spiffe://td/a"
      })
  void whatTheStandardForbidsIsRefused(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SpiffeId.parse(text))
        .withMessageStartingWith("not a SPIFFE ID: ");
  }

  @Test
  void theLengthsOfTheStandardHold() {
    String longest = "spiffe://td/" + "a".repeat(2048 - 12);
    assertThat(SpiffeId.parse(longest).toString()).hasSize(2048);
    assertThatIllegalArgumentException().isThrownBy(() -> SpiffeId.parse(longest + "a"));
    assertThat(SpiffeId.parse("spiffe://" + "a".repeat(255)).hasPath()).isFalse();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SpiffeId.parse("spiffe://" + "a".repeat(256)));
  }
}
