package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.config.RequestRules.EscapedSlashes;
import dev.outrigger.proxy.config.RequestRules.Underscores;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CanonicalPathTest {
  private static RequestRules rules(boolean normalize, boolean merge, EscapedSlashes slashes) {
    return new RequestRules(normalize, merge, slashes, Underscores.ALLOW);
  }

  private static String changed(String path, RequestRules rules) {
    CanonicalPath.Result result = CanonicalPath.of(path, rules);
    return result == null ? path : result.refusal() == null ? result.path() : "refused";
  }

  @ParameterizedTest
  @CsvSource({
    "/a/../b, /b",
    "/a/./b, /a/b",
    "/a/.., /",
    "/a/b/.., /a/",
    "/a/., /a/",
    "/.., /",
    "/../../a, /a",
    "/a/%2e%2e/b, /b",
    "/a/%2E%2e/b, /b",
    "/a/.%2e/b, /b",
    "/a/..;/b, /a/..;/b",
    "/a/.../b, /a/.../b",
    "/a//../b, /a/b",
    "/a\\..\\b, /b",
    "/%61dmin, /admin",
    "/a%2fb, /a%2fb",
    "/a%2F..%2fb, /a%2F..%2fb",
    "/%252e%252e/b, /%252e%252e/b",
    "/%%32e%%32e/b, /%%32e%%32e/b",
    "/%2%65/b, /%2%65/b",
    "/100%, /100%",
    "/a%/%2e%2e/b, /b",
    "/a%/%61dmin, /a%/admin",
    "/%%2e, /%.",
    "/a%zz, /a%zz",
    "/a?x=/../%2e, /a?x=/../%2e",
    "/a/..?b, /?b",
    "//a, //a",
    "/a%00b, refused",
    "/%7euser, /~user",
    "/%C3%A9, /%C3%A9",
  })
  void aPathIsNormalized(String path, String expected) {
    assertThat(changed(path, RequestRules.DEFAULT)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"//a///b//, /a/b/", "/a/..//b, /b", "/a%2f%2fb, /a/b", "/a%2f..%5cb, /b"})
  void slashesAreUnescapedAndMerged(String path, String expected) {
    assertThat(changed(path, rules(true, true, EscapedSlashes.UNESCAPE))).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a%2fb", "/a%2Fb", "/a%5cb", "/%5C"})
  void escapedSlashesAreRefusedOnRequest(String path) {
    assertThat(changed(path, rules(true, false, EscapedSlashes.REJECT))).isEqualTo("refused");
  }

  @Test
  void aRedirectIsAskedForOnlyWhereASlashWasUnescaped() {
    RequestRules rules = rules(true, false, EscapedSlashes.REDIRECT);
    CanonicalPath.Result slash = CanonicalPath.of("/a%2fb?q", rules);
    CanonicalPath.Result dots = CanonicalPath.of("/a/../b", rules);
    assertThat(slash).isEqualTo(new CanonicalPath.Result("/a/b?q", true, null));
    assertThat(dots).isEqualTo(new CanonicalPath.Result("/b", false, null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a/../b", "/a%2e", "//a", "/a\\b", "/%00", "/a%2fb"})
  void withoutRulesAPathStays(String path) {
    assertThat(CanonicalPath.of(path, rules(false, false, EscapedSlashes.KEEP))).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"*", "host:80", ""})
  void whatIsNoPathStays(String path) {
    assertThat(CanonicalPath.of(path, rules(true, true, EscapedSlashes.REJECT))).isNull();
  }

  @Test
  void whatIsCanonicalStaysSoWhateverCame() {
    String[] pieces = {
      "/", ".", "..", "%", "2", "e", "5", "f", "%2e", "%2f", "%25", "a", "\\", "?"
    };
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      StringBuilder path = new StringBuilder("/");
      for (int j = random.nextInt(12); j > 0; j--) {
        path.append(pieces[random.nextInt(pieces.length)]);
      }
      for (EscapedSlashes slashes :
          new EscapedSlashes[] {EscapedSlashes.KEEP, EscapedSlashes.UNESCAPE}) {
        RequestRules rules = rules(true, (i & 1) == 0, slashes);
        String once = changed(path.toString(), rules);
        assertThat(changed(once, rules)).as(path.toString()).isEqualTo(once);
        assertThat(once.split("\\?", -1)[0] + "/").doesNotContain("/../").doesNotContain("/./");
      }
    }
  }
}
