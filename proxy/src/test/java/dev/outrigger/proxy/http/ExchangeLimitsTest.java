package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.CallTimes;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.config.HttpProxyConfig.Limits;
import dev.outrigger.proxy.config.HttpProxyConfig.Timeouts;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.Rewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.route.RouteTable;
import dev.outrigger.proxy.worker.EarlyEnd;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.Worker;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How long requests, exchanges and connections may take, whatever moves on them. */
class ExchangeLimitsTest {
  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final RecordedTelemetry telemetry = new RecordedTelemetry();
  private final List<Exchange> begun = new ArrayList<>();
  private @Nullable Duration ofRoute;

  private static Timeouts timeouts(Duration request, Duration stream, Duration connection) {
    return new Timeouts(
        Duration.ofHours(1),
        Duration.ofSeconds(15),
        Duration.ofMinutes(5),
        Duration.ofSeconds(5),
        request,
        stream,
        connection);
  }

  /** Swallows what the client sends; tests answer. */
  private static final class Silent implements RequestFlow {
    @Override
    public void start() {}

    @Override
    public void onBody(ByteBuf bytes) {
      bytes.release();
    }

    @Override
    public void onEnd(@Nullable Headers trailers) {}

    @Override
    public void onReadComplete() {}

    @Override
    public void onClientWritable() {}

    @Override
    public void onAlarm(long nowNanos) {}

    @Override
    public void onFinish() {}
  }

  private void open(Timeouts timeouts) {
    RouteTableConfig table =
        new RouteTableConfig(
            "r",
            List.of(
                new VirtualHost(
                    "v",
                    List.of("*"),
                    List.of(
                        new Route(
                            "all",
                            new Match(
                                new PathMatch.Prefix("/", true), List.of(), List.of(), List.of()),
                            new Action.Forward(
                                List.of(new WeightedCluster("c", 1)),
                                Duration.ZERO,
                                null,
                                RetryPolicy.NEVER,
                                Rewrite.NONE,
                                null,
                                new CallTimes(ofRoute, null, Duration.ZERO, null, Duration.ZERO),
                                0,
                                List.of(),
                                null),
                            HeaderChanges.NONE)))));
    HttpSettings settings =
        new HttpSettings(
            RuntimeSnapshot.EMPTY,
            new HttpProxyConfig(
                "t",
                table,
                HttpProxyConfig.Codec.HTTP1,
                Limits.DEFAULT,
                timeouts,
                Forwarding.DEFAULT,
                TracingConfig.OFF,
                AccessLogConfig.OFF,
                UpgradesConfig.WEBSOCKETS,
                ""),
            RouteTable.compile(table));
    HttpService service =
        new HttpService(
            new Worker(0, channel.eventLoop(), new Random(1)),
            telemetry,
            List.of(),
            exchange -> {
              begun.add(exchange);
              return new Silent();
            });
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1234);
    channel
        .pipeline()
        .addLast(
            service.newHttp1Handler(
                () -> settings,
                new ConnectionFacts(
                    "l", false, address, address, address, false, null, null, null)));
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
    assertThat(telemetry.bugs).isEmpty();
    assertThat(telemetry.records).allSatisfy(one -> assertThat(one.outcomes).hasSize(1));
  }

  private void send(String text) {
    channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1));
  }

  private String answers() {
    StringBuilder text = new StringBuilder();
    for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
      text.append(out.toString(StandardCharsets.ISO_8859_1));
      out.release();
    }
    return text.toString();
  }

  private void pass(int seconds) {
    ticker.advance(seconds, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  private void answer(BodyKind body) {
    begun.getLast().respond(new ResponseHead(200, HttpVersion.HTTP_1_1, new Headers()), body);
    begun.getLast().flush();
  }

  @Test
  void aBodyThatTricklesBeyondTheRequestTimeoutEndsTheConnection() {
    open(timeouts(Duration.ofSeconds(10), Duration.ZERO, Duration.ZERO));
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 9; i++) {
      pass(1);
      send("x");
    }
    assertThat(answers()).isEmpty();
    pass(1);
    assertThat(answers())
        .startsWith("HTTP/1.1 408 ")
        .contains("x-outrigger-error: request_timeout\r\n", "connection: close\r\n");
  }

  @Test
  void aSlowAnswerToAWholeRequestIsNotTheClientsFault() {
    open(timeouts(Duration.ofSeconds(10), Duration.ZERO, Duration.ZERO));
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    pass(60);
    assertThat(answers()).isEmpty();
    answer(BodyKind.NONE);
    begun.getLast().respondEnd(null);
    assertThat(answers()).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void anExchangeLastsNoLongerThanItMayHoweverMuchMoves() {
    open(timeouts(Duration.ZERO, Duration.ofSeconds(20), Duration.ZERO));
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    answer(BodyKind.STREAM);
    for (int i = 0; i < 19; i++) {
      pass(1);
      begun.getLast().respondBody(Unpooled.copiedBuffer("x", StandardCharsets.US_ASCII));
      begun.getLast().flush();
    }
    assertThat(answers()).startsWith("HTTP/1.1 200 ").doesNotContain("\r\n0\r\n");
    assertThat(channel.isOpen()).isTrue();
    pass(1);
    // Broken off: no last chunk, so that the client sees that it is not whole.
    assertThat(answers()).isEmpty();
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void zeroOnTheRouteSwitchesTheListenersLimitOff() {
    ofRoute = Duration.ZERO;
    open(timeouts(Duration.ZERO, Duration.ofSeconds(20), Duration.ZERO));
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(60);
    assertThat(answers()).isEmpty();
  }

  @Test
  void anOldConnectionFinishesItsExchangeAndTakesNoOther() {
    open(timeouts(Duration.ZERO, Duration.ZERO, Duration.ofSeconds(100)));
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(89);
    answer(BodyKind.NONE);
    begun.getLast().respondEnd(null);
    assertThat(answers()).doesNotContain("connection: close");
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(11);
    assertThat(channel.isOpen()).isTrue();
    answer(BodyKind.NONE);
    begun.getLast().respondEnd(null);
    assertThat(answers()).startsWith("HTTP/1.1 200 ").contains("connection: close\r\n");
    pass(2);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void agesDiffer() {
    HttpService service =
        new HttpService(
            new Worker(0, channel.eventLoop(), new Random(1)), telemetry, List.of(), _ -> null);
    long first = service.retirement(Duration.ofSeconds(100), early(1));
    long second = service.retirement(Duration.ofSeconds(100), early(2));
    assertThat(first).isNotEqualTo(second);
    long now = ticker.nanoTime();
    assertThat(List.of(first - now, second - now))
        .allSatisfy(age -> assertThat(age).isBetween(90_000_000_000L, 100_000_000_000L));
    assertThat(service.retirement(Duration.ZERO, early(1))).isEqualTo(Long.MAX_VALUE);
  }

  private static EarlyEnd early(int seed) {
    return new EarlyEnd(new Random(seed));
  }

  @Test
  void numbersOfRequestsDifferByUpToATenthAndStayForTheirConnection() {
    EarlyEnd one = early(3);
    long most = one.of(1000);
    assertThat(most).isBetween(900L, 1000L).isNotEqualTo(early(400).of(1000));
    assertThat(one.of(1000)).isEqualTo(most);
    assertThat(LongStream.rangeClosed(0, 10).map(one::of)).containsExactly(bounds());
    assertThat(one.of(0)).isZero();
  }

  private static Long[] bounds() {
    return LongStream.rangeClosed(0, 10).boxed().toArray(Long[]::new);
  }
}
