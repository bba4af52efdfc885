package dev.outrigger.proxy.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.HealthCheckPolicy.Schedule;
import dev.outrigger.proxy.config.HealthCheckPolicy.StatusRange;
import dev.outrigger.proxy.config.HealthCheckPolicy.Wire;
import dev.outrigger.proxy.config.UpstreamTls;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

final class ProbesTest {
  private static final Schedule SCHEDULE =
      new Schedule(Duration.ofSeconds(1), 0, Duration.ofSeconds(1), 1, 1);
  private static final EventLoopGroup LOOP =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

  @AfterAll
  static void stop() {
    LOOP.shutdownGracefully(0, 0, TimeUnit.SECONDS);
  }

  @Test
  void anExpectedStatusPassesAndTheHeadersAreOurs() throws Exception {
    CompletableFuture<String> request = new CompletableFuture<>();
    try (Server server =
        new Server("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 ok\r\n\r\n", request)) {
      assertThat(http(server, List.of(new StatusRange(200, 300))))
          .isEqualTo(new ProbeResult.Passed());
      assertThat(request.get(5, TimeUnit.SECONDS))
          .startsWith("GET /healthz HTTP/1.1\r\n")
          .contains("host: c\r\n", "user-agent: outrigger-health\r\n");
    }
  }

  @Test
  void anotherStatusIsWrongAndEmptyExpectationMeans200() throws Exception {
    try (Server server = new Server("HTTP/1.1 204 ok\r\n\r\n", new CompletableFuture<>())) {
      assertThat(http(server, List.of())).isEqualTo(new ProbeResult.Wrong("status 204"));
    }
  }

  @Test
  void garbageIsWrong() throws Exception {
    try (Server server = new Server("SSH-2.0-none\r\n\r\n", new CompletableFuture<>())) {
      assertThat(http(server, List.of())).isInstanceOf(ProbeResult.Wrong.class);
    }
  }

  @Test
  void silenceIsUnansweredAfterTheTimeout() throws Exception {
    try (Server server = new Server("", new CompletableFuture<>())) {
      assertThat(probe(httpPolicy(List.of()), server.endpoint(), Duration.ofMillis(50)))
          .isEqualTo(new ProbeResult.Unanswered("no answer within PT0.05S"));
    }
  }

  @Test
  void anOpenPortPassesTcpAndAClosedOneDoesNot() throws Exception {
    Endpoint endpoint;
    try (Server server = new Server("", new CompletableFuture<>())) {
      endpoint = server.endpoint();
      assertThat(probe(new HealthCheckPolicy.Tcp(SCHEDULE), endpoint, Duration.ofSeconds(5)))
          .isEqualTo(new ProbeResult.Passed());
    }
    assertThat(probe(new HealthCheckPolicy.Tcp(SCHEDULE), endpoint, Duration.ofSeconds(5)))
        .isInstanceOf(ProbeResult.Unanswered.class);
  }

  @Test
  void aCallOfTheHealthServicePassesWhereItServes() throws Exception {
    try (HealthService service = new HealthService()) {
      service.says("shop", new byte[] {8, 1});
      service.says("closed", new byte[] {8, 2});
      service.says("odd", new byte[] {8, 1, 16, 1});
      service.says("nothing", new byte[0]);
      assertThat(grpc(service, "shop", "health.test")).isEqualTo(new ProbeResult.Passed());
      assertThat(service.asked)
          .containsExactly("health.test shop application/grpc outrigger-health");
      assertThat(grpc(service, "closed", "")).isEqualTo(new ProbeResult.Wrong("NOT_SERVING"));
      assertThat(service.asked.getLast()).startsWith("c closed");
      assertThat(grpc(service, "nothing", "")).isEqualTo(new ProbeResult.Wrong("UNKNOWN"));
      assertThat(grpc(service, "odd", ""))
          .isEqualTo(new ProbeResult.Wrong("the answer is no HealthCheckResponse"));
      assertThat(grpc(service, "unknown", "")).isEqualTo(new ProbeResult.Wrong("gRPC status 5"));
      String longName = "n".repeat(300);
      service.says(longName, new byte[] {8, 1});
      assertThat(grpc(service, longName, "")).isEqualTo(new ProbeResult.Passed());
    }
  }

  @Test
  void theStatusOfAnAnswerInHttp2Counts() throws Exception {
    try (HealthService service = new HealthService()) {
      // gRPC's server refuses a GET with a status of HTTP.
      HealthCheckPolicy any =
          new HealthCheckPolicy.Http(
              SCHEDULE, "", "/healthz", List.of(new StatusRange(400, 500)), Wire.HTTP2);
      assertThat(probe(any, service.endpoint(), Duration.ofSeconds(5)))
          .isEqualTo(new ProbeResult.Passed());
      HealthCheckPolicy ok =
          new HealthCheckPolicy.Http(SCHEDULE, "", "/healthz", List.of(), Wire.HTTP2);
      assertThat(probe(ok, service.endpoint(), Duration.ofSeconds(5)))
          .isInstanceOf(ProbeResult.Wrong.class);
    }
  }

  @Test
  void aCallBearsTheMetadataThatIsAskedFor() throws Exception {
    try (HealthService service = new HealthService()) {
      service.says("shop", new byte[] {8, 1});
      HealthCheckPolicy policy =
          new HealthCheckPolicy.Grpc(
              SCHEDULE, "shop", "a", List.of(new HealthCheckPolicy.Metadata("x-probe", "yes")));
      assertThat(probe(policy, service.endpoint(), Duration.ofSeconds(5)))
          .isEqualTo(new ProbeResult.Passed());
      assertThat(service.asked).containsExactly("a shop application/grpc outrigger-health yes");
    }
  }

  @Test
  void whatIsNoHttp2DoesNotPass() throws Exception {
    try (Server server = new Server("HTTP/1.1 200 ok\r\n\r\n", new CompletableFuture<>())) {
      assertThat(
              probe(
                  new HealthCheckPolicy.Grpc(SCHEDULE, "", ""),
                  server.endpoint(),
                  Duration.ofSeconds(5)))
          .isNotEqualTo(new ProbeResult.Passed());
    }
  }

  private static ProbeResult grpc(HealthService service, String name, String authority)
      throws Exception {
    return probe(
        new HealthCheckPolicy.Grpc(SCHEDULE, name, authority),
        service.endpoint(),
        Duration.ofSeconds(5));
  }

  private static ProbeResult http(Server server, List<StatusRange> expected) throws Exception {
    return probe(httpPolicy(expected), server.endpoint(), Duration.ofSeconds(5));
  }

  private static HealthCheckPolicy httpPolicy(List<StatusRange> expected) {
    return new HealthCheckPolicy.Http(SCHEDULE, "", "/healthz", expected);
  }

  private static ProbeResult probe(HealthCheckPolicy policy, Endpoint endpoint, Duration timeout)
      throws Exception {
    ClusterConfig cluster =
        Endpoints.cluster("c", new EndpointSet(List.of(endpoint)), policy, new UpstreamTls.Plain());
    HealthChecker checker =
        HealthCheckers.over(LOOP.next(), NioSocketChannel.class, () -> Instant.EPOCH)
            .newChecker(cluster, policy);
    CompletableFuture<ProbeResult> result = new CompletableFuture<>();
    LOOP.next().execute(() -> checker.probe(endpoint, timeout, result::complete));
    return result.get(10, TimeUnit.SECONDS);
  }

  /** Answers the first bytes of each connection with a fixed text, or not at all. */
  private static final class Server implements AutoCloseable {
    private final Channel channel;

    Server(String answer, CompletableFuture<String> request) {
      channel =
          new ServerBootstrap()
              .group(LOOP)
              .channel(NioServerSocketChannel.class)
              .childHandler(
                  new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel child) {
                      child.pipeline().addLast(new Answering(answer, request));
                    }
                  })
              .bind(InetAddress.getLoopbackAddress(), 0)
              .syncUninterruptibly()
              .channel();
    }

    Endpoint endpoint() {
      InetSocketAddress address = (InetSocketAddress) channel.localAddress();
      return Endpoints.at(address.getAddress().getHostAddress(), address.getPort());
    }

    @Override
    public void close() {
      channel.close().syncUninterruptibly();
    }
  }

  private static final class Answering extends SimpleChannelInboundHandler<ByteBuf> {
    private final String answer;
    private final CompletableFuture<String> request;

    Answering(String answer, CompletableFuture<String> request) {
      this.answer = answer;
      this.request = request;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
      request.complete(bytes.toString(StandardCharsets.US_ASCII));
      if (!answer.isEmpty()) {
        context.writeAndFlush(Unpooled.copiedBuffer(answer, StandardCharsets.US_ASCII));
      }
    }
  }
}
