package dev.outrigger.e2e;

import dev.outrigger.e2e.harness.Canary;
import dev.outrigger.e2e.harness.EchoUpstream;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ServerSocketFactory;
import org.awaitility.Awaitility;

/** A proxy before an upstream, and what an attack costs it and its innocent clients. */
final class AttackedProxy implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(15);

  /** What an innocent client may have to wait beside a flood. */
  private static final long MAX_CANARY_MILLIS = 250;

  /** The longest that it has to wait without any flood where the machine has nothing else to do. */
  private static final long CALM_MILLIS = 50;

  private static final int MAX_FACTOR = 4;

  /** Enough for all of a connection's life to be compiled. */
  private static final int WARM_CONNECTIONS = 6000;

  private final EchoUpstream upstream;
  private final Launched proxy;
  private final int port;
  private final int impatient;
  private final int admin;
  private double cpuSecondsOfACanary;

  private AttackedProxy(EchoUpstream upstream, Launched proxy, List<Integer> ports) {
    this.upstream = upstream;
    this.proxy = proxy;
    this.port = ports.get(0);
    this.impatient = ports.get(1);
    this.admin = ports.get(2);
  }

  static AttackedProxy start(Path folder) throws Exception {
    EchoUpstream upstream = EchoUpstream.on(ServerSocketFactory.getDefault());
    List<Integer> ports = Peers.freePorts(3);
    Path file = folder.resolve("proxy.yaml");
    Files.writeString(
        file,
        """
        admin: { address: { socket_address: { address: 127.0.0.1, port_value: %d } } }
        static_resources:
          listeners:
            - name: front
              address: { socket_address: { address: 127.0.0.1, port_value: %d } }
              filter_chains:
                - filters:
                    - name: envoy.filters.network.http_connection_manager
                      typed_config:
                        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                        stat_prefix: front
                        route_config:
                          virtual_hosts:
                            - name: all
                              domains: ["*"]
                              routes: [{ match: { prefix: / }, route: { cluster: app } }]
                        http_filters:
                          - name: envoy.filters.http.router
                            typed_config:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
            - name: impatient
              address: { socket_address: { address: 127.0.0.1, port_value: %d } }
              filter_chains:
                - filters:
                    - name: envoy.filters.network.http_connection_manager
                      typed_config:
                        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                        stat_prefix: impatient
                        stream_idle_timeout: 5s
                        request_headers_timeout: 2s
                        route_config:
                          virtual_hosts:
                            - name: all
                              domains: ["*"]
                              routes: [{ match: { prefix: / }, route: { cluster: app } }]
                        http_filters:
                          - name: envoy.filters.http.router
                            typed_config:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          clusters:
            - name: app
              type: STATIC
              load_assignment:
                cluster_name: app
                endpoints:
                  - lb_endpoints:
                      - endpoint:
                          address: { socket_address: { address: 127.0.0.1, port_value: %d } }
        """
            .formatted(ports.get(2), ports.get(0), ports.get(1), upstream.port()));
    Launched proxy =
        Launched.start(folder, "proxy", Peers.outrigger("proxy", "-c", file.toString()));
    proxy.await(Pattern.compile("ready: "), PATIENCE);
    return new AttackedProxy(upstream, proxy, ports);
  }

  /** Where all is as it is by default. */
  int port() {
    return port;
  }

  /** Where an exchange may be idle for five seconds only, and a head take two. */
  int impatientPort() {
    return impatient;
  }

  /**
   * Opens connections one after the other and lets go of them, half of them with a body that never
   * comes: a proxy that has served nobody yet runs in the interpreter, which is not what is judged.
   */
  void warm() throws IOException {
    byte[] unended =
        "POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 4000\r\n\r\nabc"
            .getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < WARM_CONNECTIONS; i++) {
      try (PlainClient client = new PlainClient(port)) {
        if (i % 2 == 0) {
          client.get("a", "/");
        } else {
          client.send(unended);
        }
      }
    }
  }

  /** How many were sent away for something. */
  long counted(String kind) throws IOException {
    Pattern line =
        Pattern.compile("outrigger_downstream_floods_total\\{.*kind=\"" + kind + "\".*} (\\d+)");
    long count = 0;
    try (PlainClient client = new PlainClient(admin)) {
      Matcher found = line.matcher(client.get("localhost", "/metrics").text());
      while (found.find()) {
        count += Long.parseLong(found.group(1));
      }
    }
    return count;
  }

  /** Without the compilers': it is a warm JVM whose cost is judged, and that does not compile. */
  double cpuSeconds() {
    return proxy.cpuSecondsOfWork();
  }

  long memoryKib() {
    return proxy.memoryKib("VmRSS");
  }

  String said() {
    return proxy.said();
  }

  /**
   * How long an innocent client may have to wait beside a flood: 250 ms. Where the machine lets one
   * wait for more than 50 ms without any flood, as measured here, it is as many times longer, and
   * at most four times.
   */
  long allowedMillis() {
    Canary canary = new Canary(port);
    try (canary) {
      Awaitility.await().atMost(PATIENCE).until(() -> canary.answered() > 20); // a warm JVM
    }
    double before = cpuSeconds();
    Canary calm = new Canary(port);
    try (calm) {
      Awaitility.await().atMost(PATIENCE).until(() -> calm.answered() > 60);
    }
    cpuSecondsOfACanary = (cpuSeconds() - before) / calm.answered();
    double factor = Math.clamp((double) calm.worstMillis() / CALM_MILLIS, 1, MAX_FACTOR);
    long allowed = (long) (MAX_CANARY_MILLIS * factor);
    System.out.printf(
        "without a flood the canary's worst is %d ms: it may be %d ms beside one; %.2f ms CPU each%n",
        calm.worstMillis(), allowed, cpuSecondsOfACanary * 1000);
    return allowed;
  }

  /** The CPU time since then, less what the canary beside it has cost where there was no flood. */
  double cpuSecondsSince(double then, Canary beside) {
    return cpuSeconds() - then - beside.answered() * cpuSecondsOfACanary;
  }

  static void print(String attack, double cpuSeconds, Canary canary, long growthKib) {
    System.out.printf(
        "%-46s %.2f CPU s, canary %3d worst %4d ms, memory %+6d KiB%n",
        attack, cpuSeconds, canary.answered(), canary.worstMillis(), growthKib);
  }

  @Override
  public void close() throws IOException {
    proxy.close();
    upstream.close();
  }
}
