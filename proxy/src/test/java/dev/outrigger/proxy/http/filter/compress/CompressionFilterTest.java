package dev.outrigger.proxy.http.filter.compress;

import static org.assertj.core.api.Assertions.assertThat;

import com.aayushatharva.brotli4j.decoder.BrotliInputStream;
import com.github.luben.zstd.ZstdInputStream;
import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.Coding;
import dev.outrigger.proxy.config.HttpFilterConfig.Compression;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.http.Origin;
import dev.outrigger.proxy.http.ProxyBed;
import dev.outrigger.proxy.message.Headers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings({"JdkObsolete", "StringConcatToTextBlock"}) // lines end in CR LF here
class CompressionFilterTest {
  private static final String TEXT = "All work and no play makes Jack a dull boy. ".repeat(20);

  private final ProxyBed.Setup setup = new ProxyBed.Setup();

  private static final Coding GZIP =
      new Coding.Gzip(Deflater.DEFAULT_COMPRESSION, Deflater.DEFAULT_STRATEGY);

  private static HttpFilterConfig.Compressor compressor(
      Coding coding, boolean hides, boolean preferred) {
    return new HttpFilterConfig.Compressor(
        coding.equals(GZIP) ? "gz" : coding.token(),
        new Compression(
            coding,
            30,
            Set.of("text/plain", "text/event-stream"),
            false,
            hides,
            Set.of(404),
            preferred));
  }

  private ProxyBed bed(Origin origin, boolean hides) throws Exception {
    return bed(origin, compressor(GZIP, hides, false));
  }

  private ProxyBed bed(Origin origin, HttpFilterConfig.Compressor... compressors) throws Exception {
    setup.httpFilters.addAll(List.of(compressors));
    setup.filters.add(CompressionFilter.factory());
    return new ProxyBed(setup.to(origin.port()));
  }

  private static Origin.Peer client(ProxyBed bed) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port());
    socket.setSoTimeout(20_000);
    return new Origin.Peer(socket, new StringBuffer());
  }

  private static Origin answering(String head, String body) throws IOException {
    return new Origin(
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.send("HTTP/1.1 " + head + "content-length: " + body.length() + "\r\n\r\n" + body);
          }
        });
  }

  private static byte[] chunks(Origin.Peer client) throws IOException {
    return chunks(client, new byte[0]);
  }

  private static byte[] chunks(Origin.Peer client, byte[] begun) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    StringBuilder line = new StringBuilder(new String(begun, StandardCharsets.ISO_8859_1));
    while (true) {
      while (line.indexOf("\r\n") < 0) {
        line.append(client.bytes(1));
      }
      int size = Integer.parseInt(line.substring(0, line.length() - 2), 16);
      if (size == 0) {
        client.bytes(2);
        return body.toByteArray();
      }
      body.write(client.bytes(size).getBytes(StandardCharsets.ISO_8859_1));
      client.bytes(2);
      line.setLength(0);
    }
  }

  private static String unzip(byte[] zipped) throws IOException {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(zipped))) {
      return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }

  @Test
  void anAnswerIsCompressedAndSaysSo() throws Exception {
    try (Origin origin =
            answering(
                "200 OK\r\ncontent-type: Text/Plain; charset=x\r\netag: \"a\"\r\nvary: a\r\n",
                TEXT);
        ProxyBed bed = bed(origin, true)) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 3; i++) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br, gzip;q=0.5\r\n\r\n");
        assertThat(client.head())
            .contains(
                "content-encoding: gzip\r\n",
                "transfer-encoding: chunked\r\n",
                "etag: W/\"a\"\r\n",
                "vary: a, accept-encoding\r\n")
            .doesNotContain("content-length");
        byte[] zipped = chunks(client);
        assertThat(zipped.length).isLessThan(TEXT.length() / 4);
        assertThat(unzip(zipped)).isEqualTo(TEXT);
      }
      assertThat(origin.seen.getFirst().toString()).doesNotContain("ccept-");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "200 OK\r\ncontent-type: image/png\r\n",
        "200 OK\r\ncontent-encoding: br\r\n",
        "200 OK\r\ncache-control: public, no-transform\r\n",
        "206 Partial\r\ncontent-range: bytes 0-879/900\r\n",
        "404 Not Found\r\ncontent-type: text/plain\r\n"
      })
  void whatMustNotOrGainsNothingStays(String head) throws Exception {
    try (Origin origin = answering(head, TEXT);
        ProxyBed bed = bed(origin, false)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
      assertThat(client.head())
          .contains("content-length: " + TEXT.length())
          .doesNotContain("gzip", "vary");
      assertThat(client.bytes(TEXT.length())).isEqualTo(TEXT);
      assertThat(origin.seen.getFirst().toString()).contains("Accept-Encoding: gzip\r\n");
    }
  }

  @Test
  void aClientThatTakesNoneAndAHeadGetItPlainAndShortAnswersStay() throws Exception {
    try (Origin origin = answering("200 OK\r\ncontent-type: text/plain\r\n", TEXT);
        Origin brief = answering("200 OK\r\ncontent-type: text/plain\r\n", "x".repeat(29));
        ProxyBed bed = bed(origin, false)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      // A cache must know that others may get something else.
      assertThat(client.head()).contains("vary: accept-encoding\r\n").doesNotContain("gzip");
      assertThat(client.bytes(TEXT.length())).isEqualTo(TEXT);
      setup.endpoints.clear();
      try (ProxyBed other = bed(brief, false)) {
        Origin.Peer second = client(other);
        second.send("GET / HTTP/1.1\r\nHost: a\r\naccept-encoding: gzip\r\n\r\n");
        assertThat(second.head()).contains("content-length: 29\r\n");
      }
    }
  }

  @Test
  void whatTheProxySaysItselfIsCompressedAsWell() throws Exception {
    setup.routes.add(
        new Route(
            "said",
            new Match(new PathMatch.Prefix("/said", true), List.of(), List.of(), List.of()),
            new Action.Direct(200, TEXT),
            HeaderChanges.NONE));
    try (Origin origin = new Origin((peer, _) -> peer.socket.close());
        ProxyBed bed = bed(origin, false)) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 2; i++) {
        client.send("GET /said HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
        assertThat(client.head())
            .contains("content-encoding: gzip\r\n", "transfer-encoding: chunked\r\n")
            .contains("vary: accept-encoding\r\n")
            .doesNotContain("content-length");
        assertThat(unzip(chunks(client))).isEqualTo(TEXT);
      }
      client.send("GET /broken HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 503 ").contains("content-encoding: gzip\r\n");
      assertThat(unzip(chunks(client))).contains("upstream");
      client.send("HEAD /said HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
      assertThat(client.head()).contains("content-length: " + TEXT.length());
      client.send("GET /said HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).contains("content-length: " + TEXT.length());
      assertThat(client.bytes(TEXT.length())).isEqualTo(TEXT);
    }
  }

  @Test
  void aStreamOfEventsStaysOne() throws Exception {
    CountDownLatch seen = new CountDownLatch(1);
    Origin.Script script =
        (peer, _) -> {
          peer.head();
          peer.send(
              "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                  + "transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
          try {
            assertThat(seen.await(20, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          peer.send("9\r\ndata: 2\n\n\r\n0\r\nx-last: 1\r\n\r\n");
          peer.head();
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = bed(origin, false)) {
      Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port());
      socket.setSoTimeout(20_000);
      Origin.Peer client = new Origin.Peer(socket, new StringBuffer());
      client.send("GET / HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
      assertThat(client.head()).contains("content-encoding: gzip\r\n");
      // Until close, so that what is read is the gzip stream itself.
      GZIPInputStream in = new GZIPInputStream(socket.getInputStream(), 1);
      byte[] event = new byte[9];
      for (int read = 0; read < 9; ) {
        read += in.read(event, read, 9 - read);
      }
      assertThat(new String(event, StandardCharsets.US_ASCII)).isEqualTo("data: 1\n\n");
      seen.countDown();
      assertThat(new String(in.readAllBytes(), StandardCharsets.US_ASCII)).isEqualTo("data: 2\n\n");
      socket.close();
    }
  }

  @Test
  void bytesOfAnyKindComeBackAsTheyWere() throws Exception {
    Random random = new Random(7);
    byte[] noise = new byte[3 * 1024 * 1024 + 17];
    random.nextBytes(noise);
    Origin.Script script =
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: " + noise.length + "\r\n\r\n");
            peer.send(noise);
          }
        };
    try (Origin origin = new Origin(script);
        ProxyBed bed = bed(origin, false)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: *\r\n\r\n");
      assertThat(client.head()).contains("content-encoding: gzip\r\n");
      assertThat(unzip(chunks(client)).getBytes(StandardCharsets.ISO_8859_1)).isEqualTo(noise);
    }
  }

  @Test
  void aRouteMaySwitchItOff() throws Exception {
    setup.routeFilters.put("gz", new OfRoute.Disabled());
    try (Origin origin = answering("200 OK\r\n", TEXT);
        ProxyBed bed = bed(origin, true)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
      assertThat(client.head()).doesNotContain("gzip");
      assertThat(origin.seen.getFirst().toString()).contains("Accept-Encoding");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gzip | true",
        "GZIP;q=1.0 | true",
        "br;q=1, gzip;q=0.1 | true",
        "* | true",
        "gzip;q=0, * | false",
        "gzip;q=0 | false",
        "identity;q=0.5, gzip;q=0.4 | false",
        "identity, gzip | true",
        "br | false",
        "gzip;q=nonsense | false",
        "'' | false"
      })
  void qualitiesAreHonoured(String header, boolean takes) {
    Headers headers = new Headers();
    headers.add("accept-encoding", header);
    assertThat(CompressionFilter.quality(headers, "gzip") > 0).isEqualTo(takes);
    assertThat(CompressionFilter.quality(new Headers(), "gzip")).isZero();
  }

  private static String read(String coding, byte[] encoded) throws IOException {
    ByteArrayInputStream in = new ByteArrayInputStream(encoded);
    try (InputStream plain =
        switch (coding) {
          case "br" -> new BrotliInputStream(in);
          case "zstd" -> new ZstdInputStream(in);
          default -> new GZIPInputStream(in);
        }) {
      return new String(plain.readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }

  private static final HttpFilterConfig.Compressor[] ALL = {
    compressor(GZIP, false, false),
    compressor(new Coding.Brotli(3, 18), false, false),
    compressor(new Coding.Zstandard(3, true), false, false)
  };

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "br | br",
        "zstd | zstd",
        "gzip, br, zstd | gzip",
        "gzip;q=0.5, br;q=0.7, zstd;q=0.6 | br",
        "gzip;q=0.5, * | br",
        "br;q=0, zstd;q=0.1 | zstd"
      })
  void ofSeveralCodingsTheClientsFavouriteIsTaken(String accepted, String coding) throws Exception {
    Random random = new Random(5);
    StringBuilder text = new StringBuilder();
    while (text.length() < 300_000) {
      text.append(Integer.toString(random.nextInt(1000), 7)).append(' ');
    }
    try (Origin origin = answering("200 OK\r\ncontent-type: text/plain\r\n", text.toString());
        ProxyBed bed = bed(origin, ALL)) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 3; i++) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + accepted + "\r\n\r\n");
        assertThat(client.head())
            .contains("content-encoding: " + coding + "\r\n", "vary: accept-encoding\r\n");
        byte[] encoded = chunks(client);
        assertThat(encoded.length).isLessThan(text.length() / 2);
        assertThat(read(coding, encoded)).isEqualTo(text.toString());
      }
    }
  }

  @Test
  void ofWhatTheClientLikesAsWellThePreferredIsTaken() throws Exception {
    try (Origin origin = answering("200 OK\r\ncontent-type: text/plain\r\n", TEXT);
        ProxyBed bed =
            bed(
                origin,
                compressor(GZIP, false, false),
                compressor(new Coding.Zstandard(3, false), false, true),
                compressor(new Coding.Brotli(3, 18), false, false))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br, zstd\r\n\r\n");
      assertThat(client.head()).contains("content-encoding: zstd\r\n");
      assertThat(read("zstd", chunks(client))).isEqualTo(TEXT);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"br", "zstd"})
  void aStreamOfEventsStaysOneWhateverTheCoding(String coding) throws Exception {
    CountDownLatch seen = new CountDownLatch(1);
    try (Origin origin =
            new Origin(
                (peer, _) -> {
                  peer.head();
                  peer.send(
                      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                          + "transfer-encoding: chunked\r\n\r\n6\r\nfirst\n\r\n");
                  try {
                    assertThat(seen.await(20, TimeUnit.SECONDS)).isTrue();
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                  peer.send("7\r\nsecond\n\r\n0\r\n\r\n");
                });
        ProxyBed bed = bed(origin, ALL)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + coding + "\r\n\r\n");
      assertThat(client.head()).contains("content-encoding: " + coding + "\r\n");
      byte[] first = client.bytes(1).getBytes(StandardCharsets.ISO_8859_1); // of the first event
      seen.countDown();
      byte[] rest = chunks(client, first);
      assertThat(read(coding, rest)).isEqualTo("first\nsecond\n");
    }
  }
}
