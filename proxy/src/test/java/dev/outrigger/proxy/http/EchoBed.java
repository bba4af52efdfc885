package dev.outrigger.proxy.http;

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
import dev.outrigger.proxy.fuzz.Oracle;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.route.RouteTable;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.worker.Worker;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.Ticker;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A client's connection for fuzz targets: each request is answered with what came as its body. */
final class EchoBed {
  private static final InetSocketAddress ADDRESS =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1234);
  private static final Match ALL =
      new Match(new PathMatch.Prefix("/", true), List.of(), List.of(), List.of());
  private static final Action TO_ORIGIN =
      new Action.Forward(
          List.of(new WeightedCluster("c", 1)),
          Duration.ZERO,
          null,
          RetryPolicy.NEVER,
          null,
          null,
          null);
  private static final RouteTableConfig TABLE =
      new RouteTableConfig(
          "r",
          List.of(
              new VirtualHost(
                  "v",
                  List.of("*"),
                  List.of(new Route("all", ALL, TO_ORIGIN, HeaderChanges.NONE)))));

  private final EmbeddedChannel channel =
      EmbeddedChannel.builder().ticker(Ticker.newMockTicker()).build();
  private final RecordedTelemetry telemetry = new RecordedTelemetry();
  private final HttpService service;
  private int live;

  /** What came of a connection. */
  record Answers(byte[] bytes, boolean open) {}

  private EchoBed(Codec codec) {
    Worker worker = new Worker(0, channel.eventLoop(), new Random(1));
    service = new HttpService(worker, telemetry, List.of(), Echo::new);
    HttpProxyConfig config =
        new HttpProxyConfig(
            "t",
            TABLE,
            codec,
            new Limits(4096, 32, 0),
            Timeouts.DEFAULT,
            Forwarding.DEFAULT,
            TracingConfig.OFF,
            AccessLogConfig.OFF,
            UpgradesConfig.WEBSOCKETS,
            "");
    HttpSettings settings =
        new HttpSettings(RuntimeSnapshot.EMPTY, config, RouteTable.compile(TABLE));
    channel
        .pipeline()
        .addLast(
            service.newHandler(
                () -> settings,
                new ConnectionFacts(
                    "l", true, ADDRESS, ADDRESS, ADDRESS, false, null, null, null)));
  }

  /** Sends pieces and reads what is answered; nothing may be left behind, whatever they are. */
  static Answers answers(Codec codec, List<byte[]> pieces) {
    EchoBed bed = new EchoBed(codec);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    boolean open = true;
    for (byte[] piece : pieces) {
      if (!bed.channel.isOpen()) {
        break;
      }
      bed.channel.writeInbound(Unpooled.copiedBuffer(piece));
      open = bed.channel.isOpen();
      bed.drainTo(out);
    }
    bed.channel.finishAndReleaseAll();
    bed.telemetry.records.forEach(
        one -> Oracle.same(1, one.outcomes.size(), "an exchange has not one outcome"));
    Oracle.check(bed.telemetry.bugs.isEmpty(), "a bug was counted: " + bed.telemetry.bugs);
    Oracle.same(0, bed.service.activeExchanges(), "exchanges are left");
    Oracle.same(0, bed.service.openConnections(), "connections are left");
    Oracle.same(0, bed.live, "bodies are left");
    return new Answers(out.toByteArray(), open);
  }

  private void drainTo(ByteArrayOutputStream out) {
    for (ByteBuf some = channel.readOutbound(); some != null; some = channel.readOutbound()) {
      byte[] bytes = new byte[some.readableBytes()];
      some.readBytes(bytes).release();
      out.writeBytes(bytes);
    }
  }

  private final class Echo implements RequestFlow {
    private final Exchange exchange;
    private final CompositeByteBuf body = Unpooled.compositeBuffer(1024);
    private boolean over;

    Echo(Exchange exchange) {
      this.exchange = exchange;
      live++;
    }

    @Override
    public void start() {}

    @Override
    public void onBody(ByteBuf bytes) {
      body.addComponent(true, bytes);
    }

    @Override
    public void onEnd(@Nullable Headers trailers) {
      Headers headers = new Headers();
      int length = body.readableBytes();
      headers.add("content-length", Integer.toString(length));
      exchange.respond(
          new ResponseHead(200, HttpVersion.HTTP_1_1, headers),
          length == 0 ? BodyKind.NONE : BodyKind.LENGTH);
      if (length > 0) {
        exchange.respondBody(body.retainedSlice());
      }
      exchange.respondEnd(null);
    }

    @Override
    public void onReadComplete() {
      exchange.flush();
    }

    @Override
    public void onClientWritable() {}

    @Override
    public void onAlarm(long nowNanos) {}

    @Override
    public void onFinish() {
      Oracle.check(!over, "a flow is finished twice");
      over = true;
      body.release();
      live--;
    }
  }
}
