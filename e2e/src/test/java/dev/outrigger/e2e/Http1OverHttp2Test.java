package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTP/1.1 that travels in HTTP/2 between two sidecars arrives, and is answered, as without. */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class Http1OverHttp2Test {
  private static final int CALLERS = 20;
  private static final String REQUEST =
      "POST /Buy?What=Tea HTTP/1.1\r\nHost: web.shop\r\nX-Mixed-Case: One\r\nsoapACTION: two\r\n"
          + "x-lower: three\r\nX-Mixed-Case: Four\r\nCookie: a=1; b=2\r\nContent-Length: 3\r\n\r\ntea";
  private static final String ANSWER =
      "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nX-Answer-ID: 7\r\nset-cookie: a\r\n"
          + "Set-Cookie: b\r\nContent-Length: 5\r\n\r\nenjoy";

  @TempDir private Path folder;

  /** What is there to compare: what changes from one run to the next, and order, left out. */
  private static List<String> lines(String message) {
    return message
        .lines()
        .filter(
            line ->
                !line.matches(
                    "(?i)(date|server|x-request-id|traceparent|tracestate|x-forwarded-[^:]*):.*"))
        .sorted()
        .toList();
  }

  @Test
  void aRequestAndItsAnswerAreTheSameAndConnectionsAreFew() throws Exception {
    Seen without = run("false");
    Seen with = run("true");

    assertThat(with.request()).isEqualTo(without.request()).contains("soapACTION: two");
    assertThat(with.answer()).isEqualTo(without.answer()).contains("X-Answer-ID: 7");
    assertThat(without.connections()).isEqualTo(CALLERS);
    assertThat(with.connections()).isLessThan(4);
  }

  private record Seen(List<String> request, List<String> answer, int connections) {}

  private Seen run(String http2) throws Exception {
    List<String> requests = new CopyOnWriteArrayList<>();
    Path place = folder.resolve("http2-" + http2);
    try (ServerSocket app = new ServerSocket(0, 100, InetAddress.getByName("127.0.0.1"));
        LoopbackMesh mesh = new LoopbackMesh(place)) {
      Thread.ofVirtual().start(() -> serve(app, requests));
      Sidecar caller = Sidecar.beside("caller-1", "caller", 1);
      Sidecar web = Sidecar.beside("web-1", "web", app.getLocalPort());
      mesh.write(
          "mesh.yaml",
          LoopbackMesh.settings("STRICT")
              + "  http2BetweenProxies: "
              + http2
              + "\n"
              + LoopbackMesh.service("web", "http")
              + caller.yaml("http")
              + web.yaml("http"));
      mesh.startControlPlane();
      mesh.startProxy(caller, Map.of());
      mesh.startProxy(web, Map.of());
      mesh.awaitReady(caller);
      mesh.awaitReady(web);
      List<Socket> callers = new ArrayList<>();
      List<String> answers = new ArrayList<>();
      try {
        for (int i = 0; i < CALLERS; i++) {
          Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), caller.outbound());
          callers.add(socket);
          socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
        }
        // The application answers when all of them are there, so that none waits for another.
        for (Socket socket : callers) {
          socket.setSoTimeout(30_000);
          answers.add(message(socket.getInputStream()));
        }
      } finally {
        for (Socket socket : callers) {
          socket.close();
        }
      }
      assertThat(answers).as(mesh::logs).allMatch(one -> one.startsWith("HTTP/1.1 201"));
      return new Seen(
          lines(requests.getFirst()), lines(answers.getFirst()), connections(mesh, caller));
    }
  }

  private static int connections(LoopbackMesh mesh, Sidecar caller) throws IOException {
    String metrics = LoopbackMesh.admin(caller, "/metrics").text();
    Matcher opened =
        Pattern.compile("outrigger_upstream_connections_opened_total\\{[^}]*web[^}]*} (\\d+)")
            .matcher(metrics);
    assertThat(opened.find()).as(metrics).isTrue();
    return Integer.parseInt(opened.group(1));
  }

  private static void serve(ServerSocket app, List<String> requests) {
    List<Socket> waiting = new CopyOnWriteArrayList<>();
    try {
      while (true) {
        Socket socket = app.accept();
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    requests.add(message(socket.getInputStream()));
                    waiting.add(socket);
                    if (waiting.size() == CALLERS) {
                      for (Socket one : waiting) {
                        one.getOutputStream().write(ANSWER.getBytes(StandardCharsets.US_ASCII));
                      }
                    }
                  } catch (IOException e) {
                    // A connection that was opened ahead.
                  }
                });
      }
    } catch (IOException e) {
      // The test is over.
    }
  }

  /** A head and the body that it announces. */
  private static String message(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int left = -1;
    while (left != 0) {
      int b = in.read();
      if (b < 0) {
        throw new IOException("ended after " + bytes.toString(StandardCharsets.ISO_8859_1));
      }
      bytes.write(b);
      left--;
      String text = bytes.toString(StandardCharsets.ISO_8859_1);
      if (left < 0 && text.endsWith("\r\n\r\n")) {
        Matcher length = Pattern.compile("(?i)content-length: (\\d+)").matcher(text);
        left = length.find() ? Integer.parseInt(length.group(1)) : 0;
      }
    }
    return bytes.toString(StandardCharsets.ISO_8859_1);
  }
}
