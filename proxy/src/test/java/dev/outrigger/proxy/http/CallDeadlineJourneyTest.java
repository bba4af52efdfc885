package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.CallTimes;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.OutlierPolicy;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.forward.Forwarder;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.route.RouteTable;
import dev.outrigger.proxy.upstream.UpstreamConnector;
import dev.outrigger.proxy.upstream.Upstreams;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.Worker;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The deadline of a call on its way through the proxy, by a clock that the test turns. */
@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class CallDeadlineJourneyTest {
  private static final CallTimes HONOURED =
      new CallTimes(Duration.ZERO, Duration.ofSeconds(1), Duration.ZERO, null, Duration.ZERO);

  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel client = EmbeddedChannel.builder().ticker(ticker).build();
  private final List<EmbeddedChannel> servers = new ArrayList<>();
  private final RecordedTelemetry telemetry = new RecordedTelemetry();

  @AfterEach
  void ends() {
    client.finishAndReleaseAll();
    servers.forEach(EmbeddedChannel::finishAndReleaseAll);
  }

  private void open(CallTimes times) {
    Worker worker = new Worker(0, client.eventLoop(), new Random(1));
    RetryPolicy retry =
        new RetryPolicy(
            Set.of(RetryPolicy.Condition.RESET),
            Set.of(),
            1,
            Duration.ZERO,
            Duration.ofMillis(1),
            Duration.ofMillis(1),
            false,
            Set.of(14));
    RouteTableConfig table =
        new RouteTableConfig(
            "routes",
            List.of(
                new VirtualHost(
                    "any",
                    List.of("*"),
                    List.of(
                        new Route(
                            "all",
                            new Match(
                                new PathMatch.Prefix("/", true), List.of(), List.of(), List.of()),
                            new Action.Forward(
                                List.of(new WeightedCluster("words", 1)),
                                Duration.ZERO,
                                null,
                                retry,
                                null,
                                null,
                                null,
                                times),
                            HeaderChanges.NONE)))));
    ClusterConfig cluster =
        new ClusterConfig(
            "words",
            new ClusterConfig.Discovery.Listed(new EndpointSet(List.of(endpoint(1), endpoint(2)))),
            new LbPolicy.RoundRobin(),
            Duration.ofSeconds(2),
            ClusterConfig.PoolConfig.DEFAULT,
            ClusterConfig.BreakerConfig.DEFAULT,
            null,
            new OutlierPolicy(1, Duration.ofSeconds(30), Duration.ofSeconds(30), 50),
            List.of(new ClusterConfig.TlsMatch("plain", Map.of(), new UpstreamTls.Plain())),
            Map.of());
    RuntimeSnapshot snapshot =
        new RuntimeSnapshot(1, new RuntimeConfig(List.of(), Map.of("words", cluster)));
    Upstreams upstreams = new Upstreams(worker, 1, connector(), telemetry, WindowBudget.FIXED);
    upstreams.onSnapshot(snapshot);
    HttpService service =
        new HttpService(worker, telemetry, List.of(), new Forwarder(worker, upstreams, List.of()));
    HttpSettings settings =
        new HttpSettings(
            snapshot,
            new HttpProxyConfig(
                "test",
                table,
                HttpProxyConfig.Codec.HTTP1,
                HttpProxyConfig.Limits.DEFAULT,
                HttpProxyConfig.Timeouts.DEFAULT,
                HttpProxyConfig.Forwarding.DEFAULT,
                TracingConfig.OFF,
                AccessLogConfig.OFF,
                UpgradesConfig.WEBSOCKETS,
                ""),
            RouteTable.compile(table));
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1234);
    client
        .pipeline()
        .addLast(
            service.newHttp1Handler(
                () -> settings,
                new ConnectionFacts(
                    "l", false, address, address, address, false, null, null, null)));
  }

  private static Endpoint endpoint(int port) {
    return new Endpoint(
        new SocketAddressConfig("127.0.0.1", port),
        "",
        1,
        0,
        Endpoint.Health.HEALTHY,
        Endpoint.Locality.NONE,
        Map.of(),
        null,
        "");
  }

  private UpstreamConnector connector() {
    return (ClusterConfig cluster,
        Endpoint endpoint,
        UpstreamTls tls,
        ChannelHandler last,
        UpstreamConnector.Listener told) -> {
      EmbeddedChannel server = EmbeddedChannel.builder().ticker(ticker).handlers(last).build();
      servers.add(server);
      client.eventLoop().execute(() -> told.connected((Channel) server));
    };
  }

  private void call(String timeout) {
    client.writeInbound(
        Unpooled.copiedBuffer(
            "POST /test.Words/Echo HTTP/1.1\r\nhost: words\r\ncontent-type: application/grpc\r\n"
                + timeout
                + "content-length: 0\r\n\r\n",
            StandardCharsets.US_ASCII));
    client.runPendingTasks();
  }

  private void pass(int millis) {
    ticker.advance(millis, TimeUnit.MILLISECONDS);
    client.runScheduledPendingTasks();
    client.runPendingTasks();
  }

  private static String written(EmbeddedChannel channel) {
    StringBuilder text = new StringBuilder();
    for (ByteBuf bytes = channel.readOutbound(); bytes != null; bytes = channel.readOutbound()) {
      text.append(bytes.toString(StandardCharsets.ISO_8859_1));
      bytes.release();
    }
    return text.toString();
  }

  private void answer(int server, String text) {
    servers.get(server).writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
    client.runPendingTasks();
  }

  @Test
  void aCallThatTakesLongerThanItSaysEndsWithItsStatusAndIsTakenBackFromTheServer() {
    open(HONOURED);
    call("grpc-timeout: 100m\r\n");
    assertThat(written(servers.get(0))).contains("grpc-timeout: 100m\r\n");

    pass(99);
    assertThat(written(client)).isEmpty();
    pass(1);

    assertThat(written(client))
        .startsWith("HTTP/1.1 200")
        .contains("grpc-status: 4\r\n")
        .contains("x-outrigger-error: stream_timeout\r\n");
    assertThat(servers.get(0).isOpen()).isFalse();
    assertThat(telemetry.records.getFirst().grpcStatus).isEqualTo(4);
  }

  @Test
  void whatACallSaysIsCapped() {
    open(HONOURED);
    call("grpc-timeout: 1H\r\n");
    assertThat(written(servers.get(0))).contains("grpc-timeout: 1000m\r\n");

    pass(999);
    assertThat(written(client)).isEmpty();
    pass(1);
    assertThat(written(client)).contains("grpc-status: 4\r\n");
  }

  @Test
  void anotherAttemptIsToldOnlyWhatIsLeft() {
    open(HONOURED);
    call("grpc-timeout: 100m\r\n");
    written(servers.get(0));
    pass(40);
    servers.get(0).close();
    client.runPendingTasks();
    pass(1);

    assertThat(servers).hasSize(2);
    assertThat(written(servers.get(1))).contains("grpc-timeout: 59m\r\n");
    pass(59);
    assertThat(written(client)).contains("grpc-status: 4\r\n");
  }

  @Test
  void whereTheRouteDoesNotSaySoTheHeaderIsTheEndpointsOwnBusiness() {
    open(CallTimes.NONE);
    call("grpc-timeout: 100m\r\n");
    assertThat(written(servers.get(0))).contains("grpc-timeout: 100m\r\n");
    pass(5000);

    assertThat(written(client)).isEmpty();
  }

  @Test
  void aDeadlineThatIsThereAlreadyNeedsNoEndpoint() {
    open(HONOURED);
    call("grpc-timeout: 0m\r\n");

    assertThat(servers).isEmpty();
    assertThat(written(client)).contains("grpc-status: 4\r\n");
  }

  private static final String TRAILERS =
      "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n"
          + "%s0\r\ngrpc-status: %d\r\n\r\n";

  @Test
  void aStatusInTrailersWithNothingBeforeThemIsRetried() {
    open(CallTimes.NONE);
    call("");
    answer(0, TRAILERS.formatted("", 14));
    assertThat(written(client)).isEmpty();
    pass(1);
    assertThat(servers).hasSize(2);
    answer(1, TRAILERS.formatted("3\r\nyes\r\n", 0));

    assertThat(written(client)).contains("yes").contains("grpc-status: 0").doesNotContain("14");
    assertThat(telemetry.records.getFirst().attempts).isEqualTo(2);
    assertThat(telemetry.records.getFirst().grpcStatus).isZero();
  }

  @Test
  void aStatusAfterAMessageIsPassedOnAndCountsAgainstTheEndpoint() {
    open(CallTimes.NONE);
    call("");
    answer(0, TRAILERS.formatted("3\r\nyes\r\n", 14));

    assertThat(written(client)).contains("yes").contains("grpc-status: 14");
    int first = telemetry.records.getFirst().ports.getFirst();
    for (int i = 0; i < 4; i++) {
      call("");
      answer(servers.size() - 1, TRAILERS.formatted("", 0));
    }
    // Its only failure has ejected it: the other one gets all that follows.
    assertThat(telemetry.records.subList(1, 5))
        .allMatch(record -> record.ports.getFirst() != first);
  }

  @Test
  void aHeadIsNotHeldBackWhileItsServerThinks() {
    open(CallTimes.NONE);
    call("");
    answer(
        0,
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n");

    assertThat(written(client)).startsWith("HTTP/1.1 200");
  }
}
