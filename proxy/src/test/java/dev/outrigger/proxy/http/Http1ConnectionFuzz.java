package dev.outrigger.proxy.http;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.latin1;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.fuzz.Cuts;
import dev.outrigger.proxy.http.EchoBed.Answers;
import java.util.List;
import java.util.Locale;

/** A whole HTTP/1.1 connection: the same answers however the requests are cut. */
public final class Http1ConnectionFuzz {
  private Http1ConnectionFuzz() {}

  /** The input is what a client sends. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    Answers whole = EchoBed.answers(Codec.HTTP1, List.of(input));
    String text = latin1(whole.bytes());
    check(text.isEmpty() || text.startsWith("HTTP/1.1 "), "an answer is no answer: " + text);
    check(
        whole.bytes().length <= 1024 + 64L * input.length, "much more is answered than was asked");
    if (latin1(input).toLowerCase(Locale.ROOT).contains("upgrade")) {
      return; // what came ahead of the answer to a wish that is ignored ends the connection
    }
    for (List<byte[]> pieces : Cuts.of(input)) {
      Answers cut = EchoBed.answers(Codec.HTTP1, pieces);
      same(dated(text), dated(latin1(cut.bytes())), "requests in pieces get other answers");
      same(whole.open(), cut.open(), "whether the connection stays open depends on the cut");
    }
  }

  private static String dated(String text) {
    return text.replaceAll("\r\ndate: [^\r]*", "");
  }
}
