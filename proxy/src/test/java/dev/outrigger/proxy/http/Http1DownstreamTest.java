package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.HttpProxyConfig.ClientCert;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.config.HttpProxyConfig.Limits;
import dev.outrigger.proxy.config.HttpProxyConfig.Timeouts;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.config.TracingConfig;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.route.RouteTable;
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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@SuppressWarnings("StringConcatToTextBlock") // lines end in CR LF here
class Http1DownstreamTest {
  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final RecordedTelemetry telemetry = new RecordedTelemetry();
  private final List<Flow> flows = new ArrayList<>();
  private final List<HttpFilter.Factory> filters = new ArrayList<>();
  private Timeouts timeouts = Timeouts.DEFAULT;
  private Limits limits = Limits.DEFAULT;
  private Forwarding forwarding = Forwarding.DEFAULT;
  private boolean inbound;
  private @Nullable Duration routeIdle;
  private @Nullable HttpService service;

  /** Collects what the handler is told. */
  private static final class Flow implements RequestFlow {
    private final Exchange exchange;
    private final StringBuilder body = new StringBuilder();
    private boolean ended;
    private boolean finished;

    Flow(Exchange exchange) {
      this.exchange = exchange;
    }

    @Override
    public void start() {}

    @Override
    public void onBody(ByteBuf bytes) {
      body.append(bytes.toString(StandardCharsets.ISO_8859_1));
      bytes.release();
    }

    @Override
    public void onEnd(@Nullable Headers trailers) {
      ended = true;
    }

    @Override
    public void onReadComplete() {}

    @Override
    public void onClientWritable() {}

    @Override
    public void onAlarm(long nowNanos) {}

    @Override
    public void onFinish() {
      finished = true;
    }

    void answer(int status) {
      Headers headers = new Headers();
      headers.add("content-length", "0");
      exchange.respond(new ResponseHead(status, HttpVersion.HTTP_1_1, headers), BodyKind.NONE);
      exchange.respondEnd(null);
    }
  }

  private void open() {
    Worker worker = new Worker(0, channel.eventLoop(), new Random(1));
    service =
        new HttpService(
            worker,
            telemetry,
            filters,
            exchange -> {
              Flow flow = new Flow(exchange);
              flows.add(flow);
              return flow;
            });
    HttpSettings settings = settings();
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1234);
    channel
        .pipeline()
        .addLast(
            service.newHttp1Handler(
                () -> settings,
                new ConnectionFacts(
                    "l", inbound, address, address, address, false, null, null, null)));
  }

  private HttpSettings settings() {
    Match all = new Match(new PathMatch.Prefix("/", true), List.of(), List.of(), List.of());
    Match moved = new Match(new PathMatch.Prefix("/old", true), List.of(), List.of(), List.of());
    Match direct = new Match(new PathMatch.Exact("/direct", true), List.of(), List.of(), List.of());
    RouteTableConfig table =
        new RouteTableConfig(
            "r",
            List.of(
                new VirtualHost(
                    "v",
                    List.of("*"),
                    List.of(
                        new Route(
                            "moved",
                            moved,
                            new Action.Redirect(
                                301, null, null, null, new PathRewrite.Prefix("/new"), false),
                            HeaderChanges.NONE),
                        new Route(
                            "direct", direct, new Action.Direct(418, "tea"), HeaderChanges.NONE),
                        new Route(
                            "all",
                            all,
                            new Action.Forward(
                                List.of(new WeightedCluster("c", 1)),
                                Duration.ZERO,
                                routeIdle,
                                RetryPolicy.NEVER,
                                null,
                                null,
                                null),
                            HeaderChanges.NONE)))));
    return new HttpSettings(
        RuntimeSnapshot.EMPTY,
        new HttpProxyConfig(
            "t",
            table,
            HttpProxyConfig.Codec.HTTP1,
            limits,
            timeouts,
            forwarding,
            TracingConfig.OFF,
            AccessLogConfig.OFF,
            UpgradesConfig.NONE,
            ""),
        RouteTable.compile(table));
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
    assertThat(telemetry.bugs).isEmpty();
    assertThat(telemetry.records).allSatisfy(one -> assertThat(one.outcomes).hasSize(1));
    assertThat(flows).allMatch(flow -> flow.finished);
    assertThat(service == null ? 0 : service.activeExchanges()).isZero();
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

  private void pass(Duration time) {
    ticker.advance(time.toNanos(), TimeUnit.NANOSECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  @Test
  void aHeadThatDoesNotEndIsA408() {
    open();
    send("GET / HTTP/1.1\r\nHost:");
    pass(Duration.ofSeconds(7));
    send(" a\r\nX: ");
    assertThat(answers()).isEmpty();
    pass(Duration.ofSeconds(1));
    assertThat(answers())
        .startsWith("HTTP/1.1 408 ")
        .contains("x-outrigger-error: request_header_timeout\r\n");
    pass(Duration.ofSeconds(2));
    assertThat(channel.isOpen()).isFalse();
    assertThat(telemetry.refusals).containsExactly("request_header_timeout");
  }

  @Test
  void anIdleConnectionIsClosedAndABusyOneIsNot() {
    timeouts =
        new Timeouts(
            Duration.ofSeconds(10),
            Duration.ofSeconds(15),
            Duration.ofSeconds(60),
            Duration.ofSeconds(5));
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(Duration.ofSeconds(30));
    assertThat(channel.isOpen()).isTrue();
    flows.get(0).answer(200);
    assertThat(answers()).startsWith("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 3; i++) {
      pass(Duration.ofSeconds(10));
    }
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void anExchangeWithoutAByteForTooLongEnds() {
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(Duration.ofMinutes(5));
    assertThat(answers()).startsWith("HTTP/1.1 408").contains("stream_idle_timeout");
    assertThat(flows.get(0).finished).isTrue();
  }

  @Test
  void theRouteMayEndAnIdleExchangeSoonerThanTheListener() {
    routeIdle = Duration.ofSeconds(7);
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(Duration.ofSeconds(6));
    assertThat(answers()).isEmpty();
    pass(Duration.ofSeconds(1));
    assertThat(answers()).startsWith("HTTP/1.1 408").contains("stream_idle_timeout");
    assertThat(flows.get(0).finished).isTrue();
  }

  @Test
  void theRouteMayLetAnExchangeBeIdleForEver() {
    routeIdle = Duration.ZERO;
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    pass(Duration.ofMinutes(30));
    assertThat(answers()).isEmpty();
    flows.get(0).answer(200);
    assertThat(answers()).startsWith("HTTP/1.1 200");
  }

  @Test
  void pipelinedRequestsWaitForTheirTurn() {
    open();
    send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HT");
    assertThat(flows).hasSize(1);
    flows.get(0).answer(201);
    assertThat(flows).hasSize(2);
    send("TP/1.1\r\nHost: a\r\n\r\n");
    flows.get(1).answer(202);
    flows.get(2).answer(203);
    assertThat(answers()).containsSubsequence("HTTP/1.1 201", "HTTP/1.1 202", "HTTP/1.1 203");
    assertThat(flows)
        .extracting(flow -> flow.exchange.head().path())
        .containsExactly("/1", "/2", "/3");
  }

  @Test
  void manyPipelinedLocalAnswersDoNotRecurse() {
    open();
    send("GET /direct HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20_000));
    assertThat(answers().split("HTTP/1.1 418", -1)).hasSize(20_001);
  }

  @Test
  void whatIsSentAheadIsBounded() {
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertThat(channel.config().isAutoRead()).isTrue();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000));
    assertThat(channel.config().isAutoRead()).isFalse();
    flows.get(0).answer(200);
    assertThat(flows).hasSize(2);
  }

  @Test
  void aSuspendedFilterHoldsTheBodyBack() {
    List<Exchange> held = new ArrayList<>();
    filters.add(
        (_, _) ->
            (RequestHead head, Exchange exchange) -> {
              held.add(exchange);
              return Verdict.SUSPEND;
            });
    open();
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    assertThat(channel.config().isAutoRead()).isFalse();
    assertThat(flows).isEmpty();
    held.get(0).resume();
    assertThat(channel.config().isAutoRead()).isTrue();
    send("lo");
    assertThat(flows.get(0).body.toString()).isEqualTo("hello");
    assertThat(flows.get(0).ended).isTrue();
    held.get(0).resume();
    flows.get(0).answer(200);
  }

  @Test
  void aClientThatLeavesWhileSuspendedEndsTheExchangeOnce() {
    List<Outcome> outcomes = new ArrayList<>();
    filters.add(
        (_, _) ->
            new HttpFilter() {
              @Override
              public Verdict onRequest(RequestHead head, Exchange exchange) {
                return Verdict.SUSPEND;
              }

              @Override
              public void onFinish(Outcome outcome) {
                outcomes.add(outcome);
              }
            });
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    channel.close();
    assertThat(outcomes)
        .singleElement()
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed -> assertThat(failed.error()).isInstanceOf(ProxyError.DownstreamGone.class));
  }

  @Test
  void aFilterMayAnswerAndTheConnectionGoesOn() {
    filters.add(
        (_, _) -> (_, _) -> Verdict.refuse(new ProxyError.FaultInjected("exp-1", 503, null)));
    open();
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertThat(answers().split("HTTP/1.1 503 ", -1)).hasSize(3);
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void aResetFaultClosesWithoutAnAnswer() {
    filters.add((_, _) -> (_, _) -> Verdict.refuse(new ProxyError.FaultInjected("e", 0, null)));
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertThat(answers()).isEmpty();
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void aFilterThatThrowsIsAnInternalError() {
    filters.add(
        (_, _) ->
            (_, _) -> {
              throw new IllegalStateException("mine");
            });
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertThat(answers()).startsWith("HTTP/1.1 500 ").contains("internal_error");
    assertThat(telemetry.bugs).containsExactly("filter");
    telemetry.bugs.clear();
  }

  @Test
  void redirectsAndDirectAnswersAreMadeHere() {
    open();
    send("GET /old/x?q=1 HTTP/1.1\r\nHost: shop:8080\r\n\r\n");
    assertThat(answers())
        .startsWith("HTTP/1.1 301 ")
        .contains("location: http://shop:8080/new/x?q=1\r\n");
    send("GET /direct HTTP/1.1\r\nHost: shop\r\n\r\n");
    assertThat(answers()).startsWith("HTTP/1.1 418 ").endsWith("\r\n\r\ntea");
    assertThat(telemetry.records)
        .extracting(one -> one.outcomes.get(0))
        .containsExactly(new Outcome.AnsweredLocally(301), new Outcome.AnsweredLocally(418));
  }

  @Test
  void hopByHopHeadersEndHere() {
    open();
    send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Private, Cookie\r\nX-Private: 1\r\n"
            + "Keep-Alive: 5\r\nProxy-Connection: x\r\nUpgrade: foo\r\nTE: trailers, gzip\r\n"
            + "X-Kept: 2\r\n\r\n");
    assertThat(flows.get(0).exchange.head().headers().toString())
        .isEqualTo("Host: a\nX-Kept: 2\nte: trailers\nx-forwarded-proto: http\n");
    flows.get(0).answer(200);
  }

  @Test
  void outsidersCannotSpeakAsTheMesh() {
    inbound = true;
    forwarding = new Forwarding(true, ClientCert.SANITIZE_SET);
    open();
    send(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Client-Cert: URI=spiffe://a/b\r\n"
            + "X-Outrigger-Fault: no\r\nx-forwarded-for: 1.2.3.4\r\n"
            + "x-forwarded-proto: https\r\n\r\n");
    assertThat(flows.get(0).exchange.head().headers().toString())
        .isEqualTo("Host: a\nx-forwarded-for: 1.2.3.4,127.0.0.1\nx-forwarded-proto: http\n");
    flows.get(0).answer(200);
  }

  @Test
  void theLastRequestOfAConnectionIsToldSo() {
    limits = new Limits(60 * 1024, 100, 2);
    open();
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    flows.get(0).answer(200);
    assertThat(answers()).doesNotContain("connection: close");
    send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    flows.get(1).answer(200);
    assertThat(answers()).contains("connection: close");
  }

  @Test
  void anAnswerBeforeTheBodyIsWholeKeepsTheConnectionIfTheRestIsSmall() {
    open();
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    flows.get(0).answer(413);
    assertThat(answers()).doesNotContain("connection: close");
    send("worldGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assertThat(flows.get(1).exchange.head().path()).isEqualTo("/next");
    flows.get(1).answer(200);
    send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello");
    answers();
    flows.get(2).answer(413);
    assertThat(answers()).contains("connection: close");
  }

  @Test
  void aBrokenBodyEndsTheExchange() {
    open();
    send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX");
    assertThat(answers()).startsWith("HTTP/1.1 400 ").contains("connection: close");
    assertThat(flows.get(0).ended).isFalse();
  }

  @Test
  void randomCutsOfValidRequestsGiveTheSameExchanges() {
    open();
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < 50; i++) {
      all.append("POST /").append(i).append(" HTTP/1.1\r\nHost: a\r\n");
      if (i % 2 == 0) {
        all.append("Content-Length: 3\r\n\r\nabc");
      } else {
        all.append("Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n");
      }
    }
    Random random = new Random(11);
    int answered = 0;
    for (int at = 0; at < all.length(); ) {
      int end = Math.min(all.length(), at + 1 + random.nextInt(60));
      send(all.substring(at, end));
      at = end;
      while (answered < flows.size() && flows.get(answered).ended) {
        flows.get(answered++).answer(200);
      }
    }
    assertThat(flows).hasSize(50).allMatch(flow -> flow.body.toString().equals("abc"));
    answers();
  }
}
