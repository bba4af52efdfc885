package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.message.Headers;
import org.junit.jupiter.api.Test;

final class WrittenNamesTest {
  private static Headers headers(String... names) {
    Headers headers = new Headers();
    for (String name : names) {
      headers.add(name, "of " + name);
    }
    return headers;
  }

  /** What HTTP/2 makes of it. */
  private static Headers inLowerCase(Headers headers) {
    Headers lower = new Headers();
    for (int i = 0; i < headers.size(); i++) {
      lower.add(headers.nameAt(i).toLowerCase(java.util.Locale.ROOT), headers.valueAt(i));
    }
    return lower;
  }

  @Test
  void namesArriveAsTheyLeft() {
    Headers sent =
        headers("Host", "accept", "X-Request-ID", "sOAPAction", "x-twice", "X-Twice", "X-TWICE");
    String before = sent.toString();
    WrittenNames.put(sent);
    Headers received = inLowerCase(sent);

    assertThat(WrittenNames.take(received)).isTrue();
    assertThat(received.toString()).isEqualTo(before);
    assertThat(received.get("x-request-id")).isEqualTo("of X-Request-ID");
  }

  @Test
  void aMessageWithoutAnySaysThatItWasHttp1AllTheSame() {
    Headers sent = headers("host");
    WrittenNames.put(sent);

    assertThat(WrittenNames.take(sent)).isTrue();
    assertThat(sent.toString()).isEqualTo("host: of host\n");
    assertThat(WrittenNames.take(sent)).isFalse();
  }

  @Test
  void whatAClientPutsThereIsNotBelieved() {
    Headers sent = headers("Host", "x-outrigger-http1", "X-OUTRIGGER-HTTP1");
    WrittenNames.put(sent);

    assertThat(WrittenNames.take(sent)).isTrue();
    assertThat(sent.size()).isEqualTo(1);
  }

  @Test
  void tooManyNamesAreLeftInLowerCase() {
    String[] names = new String[90];
    for (int i = 0; i < names.length; i++) {
      names[i] = "X-" + "Long".repeat(20) + i;
    }
    Headers sent = headers(names);
    WrittenNames.put(sent);
    Headers received = inLowerCase(sent);

    assertThat(WrittenNames.take(received)).isTrue();
    assertThat(received.nameAt(0)).startsWith("x-long");
  }

  @Test
  void namesThatAreNotThereDoNoHarm() {
    Headers received = headers("host");
    received.add("x-outrigger-http1", ",Host,,Nobody,");

    assertThat(WrittenNames.take(received)).isTrue();
    assertThat(received.toString()).isEqualTo("Host: of host\n");
  }
}
