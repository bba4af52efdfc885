package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.RawHttp2;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a connection of a thousand open streams holds, beside Envoy with the same file. */
class ThousandStreamsTest {
  private static final int STREAMS = 1000;

  @TempDir private Path folder;

  @Test
  void aThousandOpenStreamsHoldLessMemoryThanInEnvoy() throws Exception {
    long envoy = held(true);
    long ours = held(false);
    System.out.printf(
        "%d open streams hold %d KiB in Outrigger, %d KiB in Envoy%n", STREAMS, ours, envoy);
    assertThat(ours).isLessThan(envoy);
  }

  /** By how much the proxy grows, in KiB, while none of the requests is answered. */
  private long held(boolean envoy) throws Exception {
    try (Silent upstream = new Silent()) {
      List<Integer> ports = Peers.freePorts(2);
      Path file = folder.resolve(envoy + ".yaml");
      Files.writeString(file, config(ports.get(0), ports.get(1), upstream.port()));
      List<String> command =
          envoy
              ? List.of(
                  Peers.require("envoy"),
                  "-c",
                  file.toString(),
                  "--concurrency",
                  "1",
                  "--log-level",
                  "error",
                  "--use-dynamic-base-id",
                  "--disable-hot-restart")
              : Peers.outrigger("proxy", "-c", file.toString(), "--concurrency", "1");
      try (Launched proxy = Launched.start(folder, "proxy-" + envoy, command)) {
        await()
            .atMost(Duration.ofSeconds(30))
            .ignoreExceptions()
            .until(
                () -> {
                  new Socket(InetAddress.getLoopbackAddress(), ports.getFirst()).close();
                  return true;
                });
        // Each proxy has met a request, and loaded what it takes, before it is measured.
        try (RawHttp2 few = RawHttp2.reading(ports.getFirst())) {
          open(few, STREAMS / 10);
          upstream.awaitHeads(STREAMS / 10);
        }
        long before = proxy.memoryKib("VmRSS");
        try (RawHttp2 many = RawHttp2.reading(ports.getFirst())) {
          open(many, STREAMS);
          upstream.awaitHeads(STREAMS / 10 + STREAMS);
          return proxy.memoryKib("VmRSS") - before;
        }
      }
    }
  }

  private static void open(RawHttp2 client, int streams) throws IOException {
    client.settings();
    for (int i = 0; i < streams; i++) {
      client.frame(
          RawHttp2.HEADERS,
          RawHttp2.END_HEADERS | RawHttp2.END_STREAM,
          2 * i + 1,
          RawHttp2.request("GET", "/held/" + i, "user-agent", "a thousand streams"));
    }
    client.flush();
  }

  private static String config(int port, int admin, int upstream) {
    return """
    admin: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}
    static_resources:
      listeners:
        - name: hop
          address: {socket_address: {address: 127.0.0.1, port_value: %d}}
          filter_chains:
            - filters:
                - name: http
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                    stat_prefix: hop
                    http2_protocol_options: {max_concurrent_streams: 2000}
                    route_config:
                      name: routes
                      virtual_hosts:
                        - name: all
                          domains: ["*"]
                          routes: [{match: {prefix: /}, route: {cluster: silent}}]
                    http_filters:
                      - name: envoy.filters.http.router
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
      clusters:
        - name: silent
          type: STATIC
          connect_timeout: 5s
          # Those of the connection that was just closed may count for a moment.
          circuit_breakers: {thresholds: [{max_requests: 5000, max_pending_requests: 5000}]}
          typed_extension_protocol_options:
            envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
              "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
              explicit_http_config: {http2_protocol_options: {}}
          load_assignment:
            cluster_name: silent
            endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]
    """
        .formatted(admin, port, upstream);
  }

  /** An HTTP/2 server that takes every request, counts it, and says nothing. */
  private static final class Silent implements AutoCloseable {
    private static final int PREFACE = 24;

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final AtomicInteger heads = new AtomicInteger();

    Silent() throws IOException {
      Thread.ofVirtual().start(this::accept);
    }

    int port() {
      return server.getLocalPort();
    }

    void awaitHeads(int count) {
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> assertThat(heads.get()).isEqualTo(count));
    }

    private void accept() {
      try {
        while (true) {
          Socket socket = server.accept();
          Thread.ofVirtual().start(() -> serve(socket));
        }
      } catch (IOException e) {
        // The test is over.
      }
    }

    private void serve(Socket socket) {
      try (socket) {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        OutputStream out = socket.getOutputStream();
        in.readFully(new byte[PREFACE]);
        out.write(new byte[] {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0x13, (byte) 0x88});
        while (true) {
          int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
          int type = in.readUnsignedByte();
          int flags = in.readUnsignedByte();
          in.readInt();
          in.readFully(new byte[length]);
          if (type == RawHttp2.HEADERS) {
            heads.incrementAndGet();
          } else if (type == RawHttp2.SETTINGS && (flags & 1) == 0) {
            out.write(new byte[] {0, 0, 0, 4, 1, 0, 0, 0, 0});
          }
        }
      } catch (IOException e) {
        // The proxy has closed it.
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
