package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outrigger.proxy.config.ClusterConfig.AnswerLimits;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.Http2Config;
import io.netty.buffer.ByteBufUtil;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Endpoints that break the protocol: the client gets an answer, and somebody counts. */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class MisbehavingUpstreamTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final PoolConfig HTTP2 =
      new PoolConfig(
          0,
          0,
          Duration.ofSeconds(30),
          Duration.ZERO,
          0,
          Speech.HTTP2,
          Http2Config.DEFAULT,
          AnswerLimits.DEFAULT);
  private static final String SETTINGS = "000000040000000000";

  /** The start of what a client of ours gets from such an endpoint. */
  private static String through(PoolConfig pool, Origin.Script script, String counted)
      throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.pool = pool;
    try (Origin origin = new Origin(script);
        ProxyBed bed = new ProxyBed(setup.to(origin.port()));
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port())) {
      socket.setSoTimeout((int) PATIENCE.toMillis());
      Origin.Peer client = new Origin.Peer(socket, new StringBuffer());
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      String head = client.head();
      await().atMost(PATIENCE).until(() -> !bed.telemetry.upstreamWrongs.isEmpty());
      assertThat(bed.telemetry.upstreamWrongs).containsExactly("origin " + counted);
      return head;
    }
  }

  private static Origin.Script says(String answer) {
    return (peer, _) -> {
      peer.head();
      peer.send(answer);
      peer.head();
    };
  }

  /** Takes the preface and whatever comes with it, and says these frames. */
  private static Origin.Script frames(String hex, int times) {
    return (peer, _) -> {
      peer.bytes(24);
      peer.send(ByteBufUtil.decodeHexDump(hex.repeat(times)));
      peer.all();
    };
  }

  @Test
  void anAnswerThatIsNoneIsCounted() throws Exception {
    assertThat(through(PoolConfig.DEFAULT, says("HELO mail\r\n\r\n"), "malformed"))
        .startsWith("HTTP/1.1 502 ");
  }

  @Test
  void anAnswerWithTooManyHeadersIsCounted() throws Exception {
    String many = "HTTP/1.1 200 OK\r\n" + "a: b\r\n".repeat(5000) + "\r\n";
    assertThat(through(PoolConfig.DEFAULT, says(many), "too_large")).startsWith("HTTP/1.1 502 ");
  }

  @Test
  void moreThanTheAnswerIsCounted() throws Exception {
    String twice = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".repeat(2);
    assertThat(through(PoolConfig.DEFAULT, says(twice), "unasked")).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void aFrameThatBreaksAConnectionOfHttp2IsCounted() throws Exception {
    // SETTINGS of five bytes
    String broken = SETTINGS + "000005040000000000" + "0000000000";
    assertThat(through(HTTP2, frames(broken, 1), "connection")).startsWith("HTTP/1.1 50");
  }

  @Test
  void anEndpointThatSpeaksAnotherProtocolThanHttp2IsCounted() throws Exception {
    String http1 = ByteBufUtil.hexDump("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes("US-ASCII"));
    assertThat(through(HTTP2, frames(http1, 1), "connection")).startsWith("HTTP/1.1 50");
  }

  @Test
  void aMalformedAnswerOfHttp2IsCounted() throws Exception {
    // Once the request has come: HEADERS with :status 200 twice.
    Origin.Script script =
        (peer, _) -> {
          peer.bytes(24);
          peer.send(ByteBufUtil.decodeHexDump(SETTINGS));
          while (true) {
            byte[] frame = peer.bytes(9).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
            if (frame.length < 9) {
              return;
            }
            peer.bytes((frame[1] & 255) << 8 | (frame[2] & 255));
            if (frame[3] == 1) {
              peer.send(ByteBufUtil.decodeHexDump("0000020105000000" + "01" + "8888"));
            }
          }
        };
    assertThat(through(HTTP2, script, "malformed")).startsWith("HTTP/1.1 502 ");
  }

  @Test
  void aFloodOfAnEndpointEndsItsConnectionAndIsCounted() throws Exception {
    Origin.Script script =
        (peer, _) -> {
          peer.bytes(24);
          peer.send(ByteBufUtil.decodeHexDump(SETTINGS));
          peer.send(ByteBufUtil.decodeHexDump("0000080600000000000000000000000000".repeat(20_000)));
          peer.all();
        };
    assertThat(through(HTTP2, script, "floods with ping")).startsWith("HTTP/1.1 50");
  }
}
