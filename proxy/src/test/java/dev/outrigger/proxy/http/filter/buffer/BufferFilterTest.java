package dev.outrigger.proxy.http.filter.buffer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.http.Origin;
import dev.outrigger.proxy.http.ProxyBed;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import org.junit.jupiter.api.Test;

@SuppressWarnings({"JdkObsolete", "StringConcatToTextBlock"}) // lines end in CR LF here
class BufferFilterTest {
  private static final String OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

  private static ProxyBed.Setup setup() {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.httpFilters.add(new HttpFilterConfig.Buffer("b", 10));
    setup.filters.add(BufferFilter.factory());
    return setup;
  }

  private static Origin origin(int bodyBytes) throws IOException {
    return new Origin(
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.bytes(bodyBytes);
            peer.send(OK);
          }
        });
  }

  private static Origin.Peer client(ProxyBed bed) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port());
    socket.setSoTimeout(20_000);
    return new Origin.Peer(socket, new StringBuffer());
  }

  @Test
  void nothingGoesOutBeforeTheRequestIsWhole() throws Exception {
    try (Origin origin = origin(10);
        ProxyBed bed = new ProxyBed(setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
      // Another request of the same worker shows that the first has been read.
      Origin.Peer other = client(bed);
      other.send("POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\n\r\nabcdefghij");
      assertThat(other.head()).startsWith("HTTP/1.1 200 ");
      assertThat(origin.connections).hasValue(1);
      client.send("56789");
      assertThat(client.head()).startsWith("HTTP/1.1 200 ");
      assertThat(origin.seen.getFirst().toString()).endsWith("\r\n\r\n0123456789");
    }
  }

  @Test
  void aLengthBeyondTheBoundIsRefusedAtOnce() throws Exception {
    try (Origin origin = origin(0);
        ProxyBed bed = new ProxyBed(setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
      assertThat(client.head())
          .startsWith("HTTP/1.1 413 ")
          .contains("x-outrigger-error: body_too_large\r\n");
      assertThat(origin.connections).hasValue(0);
    }
  }

  @Test
  void aBodyThatTurnsOutTooLongIsRefused() throws Exception {
    try (Origin origin = origin(0);
        ProxyBed bed = new ProxyBed(setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              + "6\r\n012345\r\n5\r\n67890\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 413 ");
      assertThat(origin.connections).hasValue(0);
    }
  }

  @Test
  void whoWaitsToBeAskedForTheBodyIsAsked() throws Exception {
    try (Origin origin = origin(3);
        ProxyBed bed = new ProxyBed(setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 100 ");
      client.send("abc");
      assertThat(client.head()).startsWith("HTTP/1.1 200 ");
      assertThat(origin.seen.getFirst().toString()).doesNotContain("xpect");
    }
  }

  @Test
  void aRouteHasItsOwnBound() throws Exception {
    ProxyBed.Setup setup = setup();
    setup.routeFilters.put("b", new OfRoute.Buffer(11));
    try (Origin origin = origin(11);
        ProxyBed bed = new ProxyBed(setup.to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890");
      assertThat(client.head()).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void aClientThatGoesAwayWhileItsRequestIsHeldLeavesNothing() throws Exception {
    try (Origin origin = origin(0);
        ProxyBed bed = new ProxyBed(setup().to(origin.port()))) {
      Origin.Peer client = client(bed);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
      client.socket.close();
      org.awaitility.Awaitility.await()
          .until(
              () ->
                  bed.telemetry.records.size() == 1
                      && bed.telemetry.records.getFirst().outcomes.size() == 1);
      assertThat(origin.connections).hasValue(0);
    }
  }
}
