package dev.outrigger.proxy.http.filter.grpcweb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.http.Origin;
import dev.outrigger.proxy.http.ProxyBed;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a browser sends to a server of grpc-java that knows nothing of gRPC-Web. */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class GrpcWebFilterTest {
  private Server server;
  private ProxyBed bed;
  private Origin.Peer client;

  @BeforeEach
  void start() throws Exception {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(
                ServerServiceDefinition.builder("test.Words")
                    .addMethod(
                        MethodDescriptor.<String, String>newBuilder()
                            .setType(MethodType.SERVER_STREAMING)
                            .setFullMethodName("test.Words/Twice")
                            .setRequestMarshaller(new Text())
                            .setResponseMarshaller(new Text())
                            .build(),
                        ServerCalls.asyncServerStreamingCall(GrpcWebFilterTest::twice))
                    .build())
            .build()
            .start();
    ProxyBed.Setup setup = new ProxyBed.Setup().to(server.getPort());
    setup.pool =
        new PoolConfig(
            0,
            0,
            Duration.ofSeconds(30),
            Duration.ZERO,
            0,
            Speech.HTTP2,
            ClusterConfig.UPSTREAM_HTTP2,
            ClusterConfig.AnswerLimits.DEFAULT);
    setup.httpFilters.add(new HttpFilterConfig.GrpcWeb("web"));
    setup.filters.add(GrpcWebFilter.factory());
    bed = new ProxyBed(setup);
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port());
    socket.setSoTimeout(20_000);
    client = new Origin.Peer(socket, new StringBuffer());
  }

  @AfterEach
  void stop() {
    server.shutdownNow();
    bed.close();
  }

  private static void twice(String word, StreamObserver<String> answers) {
    if (word.isEmpty()) {
      answers.onError(Status.INVALID_ARGUMENT.withDescription("no word").asRuntimeException());
      return;
    }
    answers.onNext(word);
    answers.onNext(word);
    answers.onCompleted();
  }

  private static String frame(String message) {
    return "\0\0\0\0" + (char) message.length() + message;
  }

  private static String text(String bytes) {
    return Base64.getEncoder().encodeToString(bytes.getBytes(StandardCharsets.ISO_8859_1));
  }

  private void ask(String type, String accept, String body) throws IOException {
    client.send(
        "POST /test.Words/Twice HTTP/1.1\r\nHost: a\r\nContent-Type: "
            + type
            + "\r\nAccept: "
            + accept
            + "\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body);
  }

  private String chunks() throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      StringBuilder line = new StringBuilder();
      while (line.indexOf("\r\n") < 0) {
        line.append(client.bytes(1));
      }
      int size = Integer.parseInt(line.substring(0, line.length() - 2), 16);
      if (size == 0) {
        client.bytes(2); // no trailers but those in the body
        return body.toString(StandardCharsets.ISO_8859_1);
      }
      body.write(client.bytes(size).getBytes(StandardCharsets.ISO_8859_1));
      client.bytes(2);
    }
  }

  @Test
  void messagesPassAndTrailersBecomeTheLastFrame() throws Exception {
    for (String type : new String[] {"application/grpc-web", "application/grpc-web+proto"}) {
      ask(type, "*/*", frame("word"));
      assertThat(client.head())
          .startsWith("HTTP/1.1 200 OK\r\n")
          .contains("content-type: application/grpc-web+proto\r\n");
      String trailers = "grpc-status:0\r\n";
      assertThat(chunks())
          .isEqualTo(
              frame("word") + frame("word") + "\u0080\0\0\0" + (char) trailers.length() + trailers);
    }
  }

  @Test
  void textIsDecodedAndEncodedPieceByPiece() throws Exception {
    String text = "application/grpc-web-text";
    // Two pieces, each with a padding of its own.
    ask(text, text, text(frame("word").substring(0, 4)) + text(frame("word").substring(4)));
    assertThat(client.head()).contains("content-type: application/grpc-web-text+proto\r\n");
    StringBuilder plain = new StringBuilder();
    String encoded = chunks();
    for (int i = 0; i < encoded.length(); i += 4) {
      plain.append(
          new String(
              Base64.getDecoder().decode(encoded.substring(i, i + 4)),
              StandardCharsets.ISO_8859_1));
    }
    assertThat(plain.toString())
        .startsWith(frame("word") + frame("word") + "\u0080")
        .endsWith("grpc-status:0\r\n");
  }

  @Test
  void aCallThatFailsBeforeAnyMessageSaysSoInItsHead() throws Exception {
    ask("application/grpc-web", "*/*", frame(""));
    assertThat(client.head())
        .contains(
            "content-type: application/grpc-web+proto\r\n",
            "grpc-status: 3\r\n",
            "grpc-message: no word\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"AAA", "A===", "AA=A", "AAAA AAAA", "AAA\u00ff"})
  void whatIsNoTextIsRefused(String body) throws Exception {
    ask("application/grpc-web-text", "application/grpc-web-text", body);
    assertThat(client.head())
        .contains(
            "content-type: application/grpc-web-text+proto\r\n",
            "x-outrigger-error: bad_request\r\n",
            "grpc-status: ");
  }

  @Test
  void textThatIsCutAnywhereIsTheSameText() {
    String plain = "any carnal pleasure";
    String encoded = text(plain.substring(0, 7)) + text(plain.substring(7));
    for (int cut = 0; cut <= encoded.length(); cut++) {
      FromText from = new FromText(UnpooledByteBufAllocator.DEFAULT);
      StringBuilder out = new StringBuilder();
      for (String part : new String[] {encoded.substring(0, cut), encoded.substring(cut)}) {
        ByteBuf made = from.onBody(Unpooled.copiedBuffer(part, StandardCharsets.US_ASCII));
        assertThat(made).isNotNull();
        out.append(made.toString(StandardCharsets.US_ASCII));
        made.release();
      }
      assertThat(from.complete()).isTrue();
      assertThat(out.toString()).isEqualTo(plain);
    }
  }

  private static final class Text implements MethodDescriptor.Marshaller<String> {
    @Override
    public InputStream stream(String value) {
      return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String parse(InputStream stream) {
      try {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
