package dev.outrigger.proxy.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.http.RecordedTelemetry;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.HeldBytes;
import dev.outrigger.proxy.worker.Worker;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ToxicStageTest {
  private static final String ME = "spiffe://shop.example/ns/shop/sa/checkout";
  private static final InetSocketAddress ADDRESS =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

  private static final long ALL = 20 << 20;

  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final Recorded record = new Recorded();
  private final FaultView view = new FaultView(worker(channel.eventLoop()), 1);
  private final List<String> sightings = new ArrayList<>();
  private final RecordedTelemetry telemetry = new RecordedTelemetry(sightings::add);
  private final ToxicStages stages =
      new ToxicStages(worker(channel.eventLoop()), view, () -> ME, telemetry, new HeldBytes(ALL));
  private final ToxicStage stage = stage(stages, ToxicStage.Side.CLIENT);

  @Test
  void liveConnectionSlowsDownAndRecoversWithEveryByteInOrder() {
    channel.pipeline().addLast(stage);
    assertThat(received("a")).isEqualTo("a");
    view.replace(plan(latency(100)));
    assertThat(received("b")).isEmpty();
    advance(50);
    assertThat(received("c")).isEmpty();
    advance(50);
    assertThat(inbound()).isEqualTo("b");
    // The fault ends; what it holds goes on at once.
    view.replace(FaultPlan.NONE);
    assertThat(inbound()).isEqualTo("c");
    assertThat(received("d")).isEqualTo("d");
    assertThat(record.faults).containsExactly("e/f");
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void writesAreDelayedAndTheirPromisesToo() {
    channel.pipeline().addLast(stage);
    view.replace(plan(latency(100)));
    var written = channel.writeAndFlush(chunk("x"));
    advance(99);
    assertThat(written.isDone()).isFalse();
    advance(1);
    assertThat(written.isSuccess()).isTrue();
    assertThat(outbound()).isEqualTo("x");
  }

  @Test
  void whatIsLetGoOfAtOnceGoesOnTogether() {
    channel.pipeline().addLast(stage);
    AtomicInteger completions = new AtomicInteger();
    channel
        .pipeline()
        .addLast(
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelReadComplete(ChannelHandlerContext ctx) {
                completions.incrementAndGet();
                ctx.fireChannelReadComplete();
              }
            });
    view.replace(plan(latency(100)));
    for (int i = 0; i < 30; i++) {
      channel.writeInbound(chunk("x"));
    }
    completions.set(0);
    advance(100);
    assertThat(inbound()).isEqualTo("x".repeat(30));
    assertThat(completions).hasValue(1);
  }

  @Test
  void closeByTheRelayWaitsForWhatIsHeld() {
    channel.pipeline().addLast(stage);
    view.replace(plan(latency(100)));
    channel.writeAndFlush(chunk("x"));
    channel.pipeline().close();
    assertThat(channel.isOpen()).isTrue();
    advance(100);
    assertThat(outbound()).isEqualTo("x");
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void halfCloseComesAfterTheLastByte() {
    channel.pipeline().addLast(stage);
    List<String> events = new ArrayList<>();
    view.replace(plan(latency(100)));
    channel.writeAndFlush(chunk("x")).addListener(f -> events.add("written"));
    stage.endOutward(() -> events.add("shut"));
    advance(100);
    assertThat(events).containsExactly("written", "shut");
    outbound();
  }

  @Test
  void whatALimitLetThroughIsTakenBeforeTheConnectionEnds() {
    SlowSocket socket = new SlowSocket();
    EmbeddedChannel server = new EmbeddedChannel();
    ToxicStage limited = stage(stages, ToxicStage.Side.CLIENT, server);
    channel.pipeline().addLast(socket, limited);
    view.replace(plan(new Fault.Limit(5, Direction.DOWNSTREAM)));
    channel.writeAndFlush(chunk("0123456789"));
    assertThat(server.isOpen()).isFalse();
    // What a relay does as soon as the other side is closed.
    List<String> events = new ArrayList<>();
    limited.endOutward(() -> events.add("shut"));
    channel.pipeline().close().addListener(_ -> events.add("closed"));
    channel.runPendingTasks();
    assertThat(events).isEmpty();
    assertThat(channel.isOpen()).isTrue();

    socket.takeAll();
    assertThat(outbound()).isEqualTo("01234");
    assertThat(channel.isOpen()).isFalse();
    assertThat(events).containsExactly("closed");
  }

  /** Takes nothing before it is told to, and loses what it did not take when it is closed. */
  private static final class SlowSocket extends ChannelOutboundHandlerAdapter {
    private final Deque<Runnable> waiting = new ArrayDeque<>();

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
      waiting.add(() -> ctx.writeAndFlush(message, promise));
    }

    void takeAll() {
      for (Runnable one = waiting.poll(); one != null; one = waiting.poll()) {
        one.run();
      }
    }
  }

  @Test
  void heartbeatOfTheSameFaultChangesNothing() {
    channel.pipeline().addLast(stage);
    view.replace(plan(latency(100)));
    assertThat(received("b")).isEmpty();
    advance(60);
    view.replace(plan(latency(100)));
    assertThat(inbound()).isEmpty();
    advance(40);
    assertThat(inbound()).isEqualTo("b");
    assertThat(record.faults).hasSize(1);
  }

  @Test
  void whatManyConnectionsHoldIsBoundedForAllOfThemTogether() {
    List<EmbeddedChannel> all = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      EmbeddedChannel one = EmbeddedChannel.builder().ticker(ticker).build();
      one.pipeline().addLast(stage(stages, ToxicStage.Side.CLIENT));
      all.add(one);
    }
    view.replace(plan(new Fault.Partition(Direction.BOTH)));
    long held = 0;
    for (EmbeddedChannel one : all) {
      while (one.isWritable() && held < 10 * ALL) {
        one.writeOneOutbound(Unpooled.buffer(32 * 1024).writeZero(32 * 1024));
        held += 32 * 1024;
      }
    }
    assertThat(held).isBetween(ALL, ALL + 40 * 128 * 1024);
    view.replace(FaultPlan.NONE);
    for (EmbeddedChannel one : all) {
      assertThat(one.isWritable()).isTrue();
      for (ByteBuf out = one.readOutbound(); out != null; out = one.readOutbound()) {
        held -= out.readableBytes();
        out.release();
      }
    }
    assertThat(held).isZero();
    assertThat(stages.allowance(0)).isEqualTo(ALL);
  }

  @Test
  void connectionsToOtherServicesAreSpared() {
    channel.pipeline().addLast(stage);
    view.replace(
        FaultPlan.of(
            List.of(
                rule(
                    latency(100),
                    new FaultMatch(
                        List.of(ME),
                        Set.of("cart.shop"),
                        Set.of(),
                        Set.of(),
                        List.of(),
                        List.of())))));
    assertThat(received("a")).isEqualTo("a");
    assertThat(record.faults).isEmpty();
  }

  @Test
  void whatToxicsHoldIsBoundedBecauseTheSenderIsNotRead() {
    channel.pipeline().addLast(stage);
    view.replace(plan(latency(1_000)));
    for (int mebibytes = 0; mebibytes < 17; mebibytes++) {
      channel.writeInbound(Unpooled.wrappedBuffer(new byte[1 << 20]));
      channel.write(Unpooled.wrappedBuffer(new byte[1 << 20]));
    }
    assertThat(channel.config().isAutoRead()).isFalse();
    assertThat(channel.isWritable()).isFalse();
    advance(1_000);
    assertThat(channel.config().isAutoRead()).isTrue();
    assertThat(channel.isWritable()).isTrue();
    channel.releaseInbound();
    channel.releaseOutbound();
  }

  @Test
  void aFaultThatOnlyObservesSeesOpenConnectionsAndThoseThatBeginEachOnceAndTouchesNone() {
    FaultRule cut = rule("cut", new Fault.ResetPeer(Duration.ZERO), 1_000_000);
    FaultRule never = rule("never", new Fault.ResetPeer(Duration.ZERO), 0);
    view.observe(FaultPlan.of(List.of(cut)));
    assertThat(sightings).containsExactly("cut db.shop " + ME + " HIT");
    view.observe(FaultPlan.of(List.of(cut, never)));
    assertThat(sightings.subList(1, sightings.size()))
        .containsExactly("never db.shop " + ME + " MATCHED");
    stages.newConnection(cluster(), true);
    stages.newConnection(cluster(), false);
    assertThat(sightings.subList(2, sightings.size()))
        .containsExactlyInAnyOrder(
            "cut db.shop " + ME + " HIT", "never db.shop " + ME + " MATCHED");
    assertThat(channel.isActive()).isTrue();
  }

  private static FaultRule rule(String name, Fault fault, int ppm) {
    return new FaultRule(
        "e", name, Place.CONNECTION, FaultMatch.ALL, new Percentage(ppm), 0, 1, Instant.MAX, fault);
  }

  @Test
  void clientWithAPlainSocketSeesResetOnALiveConnection() throws Exception {
    try (MultiThreadIoEventLoopGroup group =
        new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory())) {
      Worker worker = worker(group.next());
      FaultView live = new FaultView(worker, 1);
      ToxicStages all =
          worker
              .loop()
              .submit(() -> new ToxicStages(worker, live, () -> ME, telemetry, new HeldBytes(ALL)))
              .get();
      Channel listener =
          new ServerBootstrap()
              .group(group)
              .channel(NioServerSocketChannel.class)
              .childHandler(
                  new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel accepted) {
                      accepted
                          .pipeline()
                          .addLast(stage(all, ToxicStage.Side.CLIENT))
                          .addLast(new Echo());
                    }
                  })
              .bind(InetAddress.getLoopbackAddress(), 0)
              .sync()
              .channel();
      int port = ((InetSocketAddress) listener.localAddress()).getPort();
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
        client.setSoTimeout(10_000);
        client.getOutputStream().write('a');
        assertThat(client.getInputStream().read()).isEqualTo('a');
        worker
            .loop()
            .submit(() -> live.replace(plan(new Fault.ResetPeer(Duration.ofMillis(10)))))
            .get();
        assertThatThrownBy(() -> client.getInputStream().read())
            .isInstanceOf(SocketException.class)
            .hasMessageContaining("reset");
      }
      listener.close().sync();
    }
  }

  /** As a relay makes it. */
  private ToxicStage stage(ToxicStages all, ToxicStage.Side side) {
    return stage(all, side, null);
  }

  private ToxicStage stage(ToxicStages all, ToxicStage.Side side, @Nullable Channel far) {
    ToxicStage made =
        new ToxicStage(all, side, rule -> record.faults.add(rule.fullName()), () -> far);
    ConnectionLuck luck = all.newConnection(cluster(), false);
    all.follow(luck, plan -> made.follow(luck.hits(plan)));
    return made;
  }

  private static final class Echo extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ctx.writeAndFlush(message);
    }
  }

  private String received(String text) {
    channel.writeInbound(chunk(text));
    return inbound();
  }

  private String inbound() {
    StringBuilder all = new StringBuilder();
    for (ByteBuf one = channel.readInbound(); one != null; one = channel.readInbound()) {
      all.append(one.toString(StandardCharsets.US_ASCII));
      one.release();
    }
    return all.toString();
  }

  private String outbound() {
    StringBuilder all = new StringBuilder();
    for (ByteBuf one = channel.readOutbound(); one != null; one = channel.readOutbound()) {
      all.append(one.toString(StandardCharsets.US_ASCII));
      one.release();
    }
    return all.toString();
  }

  private void advance(long millis) {
    ticker.advance(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks(); // what was let go of goes on together
  }

  private static ByteBuf chunk(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
  }

  private static Fault latency(long millis) {
    return new Fault.Latency(Duration.ofMillis(millis), Duration.ZERO, Direction.BOTH);
  }

  private static FaultPlan plan(Fault fault) {
    return FaultPlan.of(
        List.of(
            rule(
                fault,
                new FaultMatch(
                    List.of(ME), Set.of("db.shop"), Set.of(), Set.of(), List.of(), List.of()))));
  }

  private static FaultRule rule(Fault fault, FaultMatch match) {
    return new FaultRule(
        "e", "f", Place.CONNECTION, match, Percentage.ALWAYS, 0, 1, Instant.MAX, fault);
  }

  private static Worker worker(EventLoop loop) {
    return new Worker(0, loop, RandomGenerator.of("L64X128MixRandom"));
  }

  private static ClusterConfig cluster() {
    return new ClusterConfig(
        "outbound|5432|db.shop",
        new ClusterConfig.Discovery.Listed(new EndpointSet(List.of())),
        new LbPolicy.RoundRobin(),
        Duration.ofSeconds(1),
        ClusterConfig.PoolConfig.DEFAULT,
        ClusterConfig.BreakerConfig.DEFAULT,
        null,
        null,
        List.of(),
        Map.of("service", "db", "namespace", "shop"));
  }

  private static final class Recorded {
    private final List<String> faults = new ArrayList<>();
  }
}
