package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ProxyError;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class Http1HeadParserTest {
  private static final String HOST = "Host: a\r\n";

  /** Requests that nobody may forward. */
  static final List<String> BAD_REQUESTS =
      Stream.of(badStartLines(), badHeaderLines(), badFraming(), badHosts(), controlCharacters())
          .flatMap(List::stream)
          .toList();

  private static List<String> badStartLines() {
    return Stream.of(
            "GET /\r\n",
            "GET / \r\n",
            "GET  / HTTP/1.1\r\n",
            "GET /  HTTP/1.1\r\n",
            "GET / HTTP/1.1 \r\n",
            " GET / HTTP/1.1\r\n",
            "\tGET / HTTP/1.1\r\n",
            "GET\t/ HTTP/1.1\r\n",
            "GET /\tHTTP/1.1\r\n",
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\r",
            "GET / HTTP/1.2\r\n",
            "GET / HTTP/2.0\r\n",
            "GET / HTTP/0.9\r\n",
            "GET / HTTP/11\r\n",
            "GET / HTTP/1.10\r\n",
            "GET / http/1.1\r\n",
            "GET / HTTPS/1.1\r\n",
            "GET / HTTP/1,1\r\n",
            "GET / HTTP /1.1\r\n",
            "GET / FTP/1.1\r\n",
            "GET /a b HTTP/1.1\r\n",
            "GET / HTTP/1.1 HTTP/1.1\r\n",
            "GET /#frag HTTP/1.1\r\n",
            "GET a HTTP/1.1\r\n",
            "GET * HTTP/1.1\r\n",
            "GET ftp://a/ HTTP/1.1\r\n",
            "GET http:// HTTP/1.1\r\n",
            "GET http:///x HTTP/1.1\r\n",
            "GET http://user@a/ HTTP/1.1\r\n",
            "GET http://b/ HTTP/1.1\r\n",
            "GET http://a:99999/ HTTP/1.1\r\n",
            "GET /\u00e9 HTTP/1.1\r\n",
            "GE(T / HTTP/1.1\r\n",
            "G\u00cbT / HTTP/1.1\r\n",
            "GET: / HTTP/1.1\r\n",
            "GET,POST / HTTP/1.1\r\n",
            "CONNECT b:443 HTTP/1.1\r\n",
            "CONNECT a HTTP/1.1\r\n",
            "CONNECT a: HTTP/1.1\r\n",
            "CONNECT a:0 HTTP/1.1\r\n",
            "CONNECT :443 HTTP/1.1\r\n",
            "CONNECT http://a:443/ HTTP/1.1\r\n",
            "CONNECT / HTTP/1.1\r\n",
            "/ HTTP/1.1\r\n",
            "HTTP/1.1 200 OK\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\n",
            "\nGET / HTTP/1.1\r\n",
            "\rGET / HTTP/1.1\r\n",
            "A".repeat(65) + " / HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n")
        .map(line -> line + HOST + "\r\n")
        .toList();
  }

  private static List<String> badHeaderLines() {
    return Stream.of(
            "Name\r\n",
            ": value\r\n",
            " Name: value\r\n",
            "\tName: value\r\n",
            "Name : value\r\n",
            "Name\t: value\r\n",
            "Na me: value\r\n",
            "Na(me: value\r\n",
            "Na\u00e9me: value\r\n",
            "N[]: value\r\n",
            "N{}: value\r\n",
            "N@: value\r\n",
            "N\": value\r\n",
            "N/: value\r\n",
            "N\\: value\r\n",
            "N;: value\r\n",
            "N,: value\r\n",
            "N=: value\r\n",
            "N?: value\r\n",
            "N<>: value\r\n",
            "Name: value\n",
            "Name: value\r",
            "Name: va\rlue\r\n",
            "Name: va\nlue\r\n",
            "Name: value\r\n folded\r\n",
            "Name: value\r\n\tfolded\r\n",
            "Name:\r\n \r\n",
            "Name: value\n\r\n")
        .map(line -> "GET / HTTP/1.1\r\n" + HOST + line + "\r\n")
        .toList();
  }

  private static List<String> badFraming() {
    return Stream.of(
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "Content-Length: 1\r\ncontent-length: 2\r\n",
            "Content-Length: 1, 1\r\n",
            "Content-Length: 1,2\r\n",
            "Content-Length: +1\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 1.0\r\n",
            "Content-Length: 0x1\r\n",
            "Content-Length: 1 2\r\n",
            "Content-Length: \r\n",
            "Content-Length:\r\n",
            "Content-Length: one\r\n",
            "Content-Length: 1e3\r\n",
            "Content-Length: 9999999999999999999\r\n",
            "Content-Length: 18446744073709551616\r\n",
            "Content-Length: \u00b9\r\n",
            "Transfer-Encoding: chunked, gzip\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding: ,chunked\r\n",
            "Transfer-Encoding: chunked,\r\n",
            "Transfer-Encoding: \"chunked\"\r\n",
            "Transfer-Encoding: chunked;q=1\r\n",
            "Transfer-Encoding:\r\n",
            "Transfer-Encoding: cow;x\r\n")
        .map(line -> "POST / HTTP/1.1\r\n" + HOST + line + "\r\n")
        .toList();
  }

  private static List<String> badHosts() {
    List<String> all =
        new ArrayList<>(
            Stream.of(
                    "",
                    "Host: a\r\nHost: a\r\n",
                    "Host: a\r\nhost: b\r\n",
                    "Host: a b\r\n",
                    "Host: a,b\r\n",
                    "Host: a/b\r\n",
                    "Host: a?b\r\n",
                    "Host: a#b\r\n",
                    "Host: user@a\r\n",
                    "Host: a\\b\r\n",
                    "Host: a:\r\nHost: b\r\n",
                    "Host: a:b\r\n",
                    "Host: a:80:80\r\n",
                    "Host: a:65536\r\n",
                    "Host: a:-1\r\n",
                    "Host: :80\r\n",
                    "Host: [::1\r\n",
                    "Host: [\r\n",
                    "Host: []\r\n",
                    "Host: [::1]x\r\n",
                    "Host: [::g]\r\n",
                    "Host: \u00e9\r\n",
                    "Host: http://a\r\n",
                    "Host: <a>\r\n",
                    "Host: \"a\"\r\n")
                .map(line -> "GET / HTTP/1.1\r\n" + line + "\r\n")
                .toList());
    all.add("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
    all.add("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n");
    all.add("GET http://a:80/ HTTP/1.1\r\nHost: a:81\r\n\r\n");
    return all;
  }

  private static List<String> controlCharacters() {
    return IntStream.concat(IntStream.range(0, 0x20), IntStream.of(0x7f))
        .filter(c -> c != '\t')
        .mapToObj(c -> (char) c)
        .flatMap(
            c ->
                Stream.of(
                    "GET / HTTP/1.1\r\n" + HOST + "X: a" + c + "b\r\n\r\n",
                    "GET / HTTP/1.1\r\n" + HOST + "X" + c + "Y: b\r\n\r\n",
                    "GET /a" + c + "b HTTP/1.1\r\n" + HOST + "\r\n"))
        .toList();
  }

  @Test
  void thereAreEnoughBadRequests() {
    assertThat(BAD_REQUESTS).hasSizeGreaterThan(200).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @FieldSource("BAD_REQUESTS")
  void badRequestsAreRefusedWith400(String text) {
    Http1HeadParser parser = Http1HeadParser.ofRequests(8192, 100);
    ByteBuf in = bytes(text);
    assertThat(parser.parse(in)).isTrue();
    assertThat(parser.error()).isInstanceOf(ProxyError.ProtocolViolation.class);
    assertThat(ErrorReplies.replyFor(Objects.requireNonNull(parser.error())).status())
        .isEqualTo(400);
    assertThat(parser.parse(bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))).isTrue();
    assertThat(parser.error()).isNotNull();
    in.release();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gzip", "gzip, chunked", "identity", "identity, chunked", "xchunked", "cow"})
  void codingsThatAreNotKnownAreAnsweredWith501(String coding) {
    Http1HeadParser parser = Http1HeadParser.ofRequests(8192, 100);
    ByteBuf in = bytes("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + coding + "\r\n\r\n");
    assertThat(parser.parse(in)).isTrue();
    assertThat(parser.error()).isEqualTo(new ProxyError.UnknownCoding(coding));
    assertThat(ErrorReplies.replyFor(Objects.requireNonNull(parser.error())).status())
        .isEqualTo(501);
    in.release();
  }

  static List<String> goodRequests() {
    return List.of(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a?b=c&d={e}|f HTTP/1.1\r\nhost:a:8080\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET HTTP://A HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:80\r\nX-Empty:\r\nX-Tab:\ta\tb \r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "M-SEARCH /x HTTP/1.1\r\nHost: a\r\nX: \u00e9\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 000012\r\n\r\n");
  }

  @ParameterizedTest
  @MethodSource("goodRequests")
  void goodRequestsAreReadTheSameHoweverTheyAreCut(String text) {
    Random random = new Random(text.hashCode());
    String expected = describe(parsed(List.of(text)));
    for (int round = 0; round < 30; round++) {
      List<String> pieces = new ArrayList<>();
      int at = 0;
      while (at < text.length()) {
        int end = Math.min(text.length(), at + 1 + random.nextInt(1 + round));
        pieces.add(text.substring(at, end));
        at = end;
      }
      assertThat(describe(parsed(pieces))).isEqualTo(expected);
    }
  }

  @Test
  void whateverIsChangedIsReadTheSameInOnePieceAndInMany() {
    Random random = new Random(11);
    List<String> seeds = new ArrayList<>(goodRequests());
    seeds.addAll(BAD_REQUESTS);
    int refused = 0;
    for (int round = 0; round < 20_000; round++) {
      StringBuilder text = new StringBuilder(seeds.get(random.nextInt(seeds.size())));
      for (int change = random.nextInt(3); change >= 0; change--) {
        int at = random.nextInt(text.length());
        char any = random.nextBoolean() ? "\r\n :\t,;/*#\0".charAt(random.nextInt(11)) : 'x';
        switch (random.nextInt(3)) {
          case 0 -> text.setCharAt(at, random.nextBoolean() ? any : (char) random.nextInt(256));
          case 1 -> text.insert(at, any);
          default -> text.insert(at, text.substring(random.nextInt(at + 1), at));
        }
      }
      String whole = outcome(text.toString(), text.length());
      assertThat(outcome(text.toString(), 1 + random.nextInt(5)))
          .as(text.toString())
          .isEqualTo(whole);
      refused += whole.startsWith("refused") ? 1 : 0;
    }
    assertThat(refused).isBetween(5_000, 19_900);
  }

  /** What the first head of a text comes to when it arrives in pieces of a size. */
  private static String outcome(String text, int size) {
    Http1HeadParser parser = Http1HeadParser.ofRequests(512, 20);
    for (int at = 0; at < text.length(); at += size) {
      ByteBuf in = bytes(text.substring(at, Math.min(text.length(), at + size)));
      boolean done = parser.parse(in);
      int left = in.readableBytes();
      in.release();
      if (done) {
        ProxyError error = parser.error();
        if (error != null) {
          return "refused " + error;
        }
        RequestHead head = parser.request("http");
        int end = Math.min(text.length(), at + size) - left;
        return head.method() + ' ' + head.path() + ' ' + head.authority() + ' ' + end;
      }
      assertThat(left).isZero();
    }
    return "incomplete";
  }

  @ParameterizedTest
  @FieldSource("BAD_REQUESTS")
  void badRequestsAreRefusedHoweverTheyAreCut(String text) {
    Http1HeadParser parser = Http1HeadParser.ofRequests(8192, 100);
    boolean done = false;
    for (int i = 0; i < text.length() && !done; i++) {
      ByteBuf in = bytes(text.substring(i, i + 1));
      done = parser.parse(in);
      in.release();
    }
    assertThat(parser.error()).isNotNull();
  }

  @Test
  void whatLiesBehindTheHeadIsLeftAlone() {
    Http1HeadParser parser = Http1HeadParser.ofRequests(8192, 100);
    ByteBuf in = bytes("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\nrest");
    assertThat(parser.parse(in)).isTrue();
    RequestHead first = parser.request("http");
    assertThat(parser.parse(in)).isTrue();
    RequestHead second = parser.request("http");
    assertThat(in.toString(StandardCharsets.ISO_8859_1)).isEqualTo("rest");
    assertThat(first.path() + first.authority()).isEqualTo("/1a");
    assertThat(second.path() + second.authority()).isEqualTo("/2b");
    assertThat(first.headers().get(HeaderName.HOST)).isEqualTo("a");
    in.release();
  }

  @Test
  void limitsOnLineHeadAndFieldsHaveTheirOwnStatus() {
    assertThat(status("GET /" + "a".repeat(9000) + " HTTP/1.1\r\n")).isEqualTo(414);
    assertThat(status("GET / HTTP/1.1\r\nHost: a\r\nX: " + "a".repeat(9000))).isEqualTo(431);
    assertThat(status("GET / HTTP/1.1\r\nHost: a\r\n" + "x: y\r\n".repeat(120) + "\r\n"))
        .isEqualTo(431);
  }

  @Test
  void keepAliveFollowsVersionAndConnection() {
    assertThat(keepAlive("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).isTrue();
    assertThat(keepAlive("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n")).isFalse();
    assertThat(keepAlive("GET / HTTP/1.0\r\n\r\n")).isFalse();
    assertThat(keepAlive("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")).isTrue();
  }

  static List<String> badResponses() {
    return List.of(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 O\u0000K\r\n\r\n",
        "<html>hello</html>\r\n\r\n");
  }

  @ParameterizedTest
  @MethodSource("badResponses")
  void badResponsesAreTheUpstreamsFault(String text) {
    Http1HeadParser parser = Http1HeadParser.ofResponses(8192, 100);
    ByteBuf in = bytes(text);
    assertThat(parser.parse(in)).isTrue();
    assertThat(ErrorReplies.replyFor(Objects.requireNonNull(parser.error())).status())
        .isEqualTo(502);
    in.release();
  }

  @Test
  void responsesMayLackTheirReason() {
    for (String line : List.of("HTTP/1.1 204", "HTTP/1.1 204 ", "HTTP/1.1 204 No Content")) {
      Http1HeadParser parser = Http1HeadParser.ofResponses(8192, 100);
      ByteBuf in = bytes(line + "\r\n\r\n");
      assertThat(parser.parse(in)).isTrue();
      assertThat(parser.error()).isNull();
      ResponseHead head = parser.response();
      assertThat(head.status()).isEqualTo(204);
      assertThat(head.version()).isEqualTo(HttpVersion.HTTP_1_1);
      in.release();
    }
  }

  private static int status(String text) {
    Http1HeadParser parser = Http1HeadParser.ofRequests(8192, 100);
    ByteBuf in = bytes(text);
    assertThat(parser.parse(in)).isTrue();
    in.release();
    return ErrorReplies.replyFor(Objects.requireNonNull(parser.error())).status();
  }

  private static boolean keepAlive(String text) {
    Http1HeadParser parser = Http1HeadParser.ofRequests(8192, 100);
    ByteBuf in = bytes(text);
    assertThat(parser.parse(in)).isTrue();
    in.release();
    return parser.keepAlive();
  }

  private static RequestHead parsed(List<String> pieces) {
    Http1HeadParser parser = Http1HeadParser.ofRequests(8192, 100);
    for (int i = 0; i < pieces.size(); i++) {
      ByteBuf in = bytes(pieces.get(i));
      boolean done = parser.parse(in);
      assertThat(parser.error()).isNull();
      assertThat(done).isEqualTo(i == pieces.size() - 1);
      in.release();
    }
    return parser.request("http");
  }

  private static String describe(RequestHead head) {
    return head.method()
        + ' '
        + head.path()
        + ' '
        + head.authority()
        + ' '
        + head.version()
        + '\n'
        + head.headers();
  }

  private static ByteBuf bytes(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
  }
}
