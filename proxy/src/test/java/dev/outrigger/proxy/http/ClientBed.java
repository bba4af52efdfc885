package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.config.HttpProxyConfig.Limits;
import dev.outrigger.proxy.config.HttpProxyConfig.Timeouts;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
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
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.Worker;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.WriteBufferWaterMark;
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

/** One connection of a client in an embedded channel, with handlers that answer when told. */
class ClientBed {
  private static final InetSocketAddress ADDRESS =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1234);
  final MockTicker ticker = Ticker.newMockTicker();
  final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  final RecordedTelemetry telemetry = new RecordedTelemetry();
  final List<Flow> flows = new ArrayList<>();

  /** Whether a filter keeps each exchange until the test lets it go on. */
  boolean suspends;

  /** What the listener lets clients change to. */
  UpgradesConfig upgrades = UpgradesConfig.WEBSOCKETS;

  /** Whether its bytes came through TLS. */
  boolean tls;

  final List<Exchange> suspended = new ArrayList<>();
  private @Nullable HttpService service;

  static final class Flow implements RequestFlow {
    final Exchange exchange;
    int bytes;
    boolean ended;
    boolean finished;

    Flow(Exchange exchange) {
      this.exchange = exchange;
    }

    @Override
    public void start() {}

    @Override
    public void onBody(ByteBuf some) {
      bytes += some.readableBytes();
      some.release();
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

    void begin(int length) {
      Headers headers = new Headers();
      headers.add("content-length", Integer.toString(length));
      exchange.respond(
          new ResponseHead(200, HttpVersion.HTTP_1_1, headers),
          length == 0 ? BodyKind.NONE : BodyKind.LENGTH);
    }

    void answer() {
      begin(0);
      exchange.respondEnd(null);
    }
  }

  void open(Codec codec) {
    Worker worker = new Worker(0, channel.eventLoop(), new Random(1));
    HttpService made =
        new HttpService(
            worker,
            telemetry,
            List.of(
                (_, _) ->
                    (head, exchange) -> {
                      if (!suspends) {
                        return Verdict.PROCEED;
                      }
                      suspended.add(exchange);
                      return Verdict.SUSPEND;
                    }),
            exchange -> {
              Flow flow = new Flow(exchange);
              flows.add(flow);
              return flow;
            });
    service = made;
    Match all = new Match(new PathMatch.Prefix("/", true), List.of(), List.of(), List.of());
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
                            all,
                            new Action.Forward(
                                List.of(new WeightedCluster("c", 1)),
                                Duration.ZERO,
                                null,
                                RetryPolicy.NEVER,
                                null,
                                null,
                                null),
                            HeaderChanges.NONE)))));
    HttpProxyConfig config =
        new HttpProxyConfig(
            "t",
            table,
            codec,
            Limits.DEFAULT,
            Timeouts.DEFAULT,
            Forwarding.DEFAULT,
            TracingConfig.OFF,
            AccessLogConfig.OFF,
            upgrades,
            "");
    HttpSettings settings =
        new HttpSettings(RuntimeSnapshot.EMPTY, config, RouteTable.compile(table));
    channel
        .pipeline()
        .addLast(
            made.newHandler(
                () -> settings,
                new ConnectionFacts("l", false, ADDRESS, ADDRESS, ADDRESS, tls, null, null, null)));
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
    assertThat(telemetry.bugs).isEmpty();
    assertThat(flows).allMatch(flow -> flow.finished);
    assertThat(service == null ? 0 : service.openConnections()).isZero();
  }

  void send(String text) {
    channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1));
  }

  void sendHex(String hex) {
    channel.writeInbound(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex)));
  }

  String answers() {
    StringBuilder text = new StringBuilder();
    for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
      text.append(out.toString(StandardCharsets.ISO_8859_1));
      out.release();
    }
    return text.toString();
  }

  void pass(Duration time) {
    ticker.advance(time.toNanos(), TimeUnit.NANOSECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  /** Lets the channel be full, as if the client read nothing. */
  void fill() {
    channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(1, 2));
    writable(false);
  }

  /** Lets the client have read all. */
  void drain() {
    writable(true);
  }

  private void writable(boolean now) {
    channel.unsafe().outboundBuffer().setUserDefinedWritability(1, now);
    channel.runPendingTasks();
  }
}
