package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.AppProbe;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.HealthCheckPolicy.Schedule;
import dev.outrigger.proxy.config.HealthCheckPolicy.StatusRange;
import dev.outrigger.proxy.config.SocketAddressConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Asks the application what kubelet wants to know. Confined to the config loop. */
public final class AppProber {
  /** What kubelet takes for success. */
  private static final List<StatusRange> GOOD = List.of(new StatusRange(200, 400));

  private static final String AGENT = "kube-probe/outrigger";

  private final String host;
  private final ProbeConnection plain;
  private final EventLoop loop;
  private final Class<? extends SocketChannel> channelType;
  private @Nullable ProbeConnection secured;

  /**
   * @param host the pod's own address
   */
  public AppProber(String host, EventLoop loop, Class<? extends SocketChannel> channelType) {
    this.host = host;
    this.loop = loop;
    this.channelType = channelType;
    this.plain = new ProbeConnection(loop, channelType, (_, _) -> null);
  }

  /** Asks once; {@code done} is called exactly once, on the config loop. */
  public void ask(AppProbe probe, Consumer<ProbeResult> done) {
    Schedule unused = new Schedule(probe.timeout(), 0, probe.timeout(), 1, 1);
    Endpoint endpoint =
        new Endpoint(
            new SocketAddressConfig(host, probe.ask().port()),
            "",
            1,
            0,
            Endpoint.Health.HEALTHY,
            Endpoint.Locality.NONE,
            Map.of(),
            null,
            "");
    HealthChecker checker;
    try {
      checker =
          switch (probe.ask()) {
            case AppProbe.Ask.Http http ->
                new HttpProbe(
                    new HealthCheckPolicy.Http(
                        unused, endpoint.address().toString(), http.path(), GOOD),
                    host,
                    http.isHttps() ? secured() : plain,
                    headers(http));
            case AppProbe.Ask.Tcp _ -> new TcpProbe(plain);
            case AppProbe.Ask.Grpc grpc ->
                Http2Probe.ofGrpc(
                    new HealthCheckPolicy.Grpc(unused, grpc.service(), "", List.of()),
                    endpoint.address().toString(),
                    plain);
          };
    } catch (SSLException e) {
      done.accept(new ProbeResult.Unanswered("TLS: " + e.getMessage()));
      return;
    }
    checker.probe(endpoint, probe.timeout(), done);
  }

  private static List<Map.Entry<String, String>> headers(AppProbe.Ask.Http http) {
    boolean named =
        http.headers().stream().anyMatch(header -> header.getKey().equalsIgnoreCase("user-agent"));
    if (named) {
      return http.headers();
    }
    List<Map.Entry<String, String>> headers = new java.util.ArrayList<>(http.headers());
    headers.add(Map.entry("user-agent", AGENT));
    return headers;
  }

  /**
   * Kubelet looks at no certificate either: this is about life, within one pod, not about trust.
   */
  private ProbeConnection secured() throws SSLException {
    ProbeConnection known = secured;
    if (known == null) {
      SslContext context =
          SslContextBuilder.forClient()
              .trustManager(InsecureTrustManagerFactory.INSTANCE)
              .endpointIdentificationAlgorithm("")
              .build();
      known =
          new ProbeConnection(
              loop, channelType, (channel, _) -> context.newHandler(channel.alloc()));
      secured = known;
    }
    return known;
  }
}
