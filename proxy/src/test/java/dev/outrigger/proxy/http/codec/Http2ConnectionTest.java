package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.Http2Config;
import dev.outrigger.proxy.config.Http2Config.FrameLimits;
import dev.outrigger.proxy.http.codec.Http2Connection.Side;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class Http2ConnectionTest {
  private static final String PREFACE = "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a";
  private static final String SETTINGS = "000000040000000000";
  private static final String GET = "828684010161"; // of http://a/
  private static final String POST = "838684010161";
  private static final int WINDOW = 65_535;
  private static final int ALL = 1024 * 1024;

  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final List<Http2Stream> streams = new ArrayList<>();
  private final List<String> told = new ArrayList<>();
  private final List<String> bodies = new ArrayList<>();
  private final List<FloodKind> floods = new ArrayList<>();
  private final List<Frame> frames = new ArrayList<>();
  private Http2Config config =
      new Http2Config(3, WINDOW, ALL, Duration.ZERO, Duration.ofSeconds(10));
  private boolean closed;
  private @Nullable Consumer<ByteBuf> onBody;

  private record Frame(int type, int flags, int stream, byte[] payload) {
    int number(int at) {
      return Unpooled.wrappedBuffer(payload).getInt(at);
    }

    @Override
    public String toString() {
      return "frame " + type + " of " + stream + " " + ByteBufUtil.hexDump(payload);
    }
  }

  private final class Told implements Http2Stream.Listener {
    private final int id;

    Told(int id) {
      this.id = id;
    }

    @Override
    public void onHead(Http2Fields fields, boolean last) {
      told.add(id + " head" + (fields.tooMany() ? " too many" : ""));
    }

    @Override
    public void onBody(ByteBuf bytes) {
      if (onBody != null) {
        onBody.accept(bytes);
        return;
      }
      bodies.add(id + " " + bytes.toString(StandardCharsets.US_ASCII));
      bytes.release();
    }

    @Override
    public void onEnd(@Nullable Headers trailers) {
      told.add(id + " end");
    }

    @Override
    public void onReset(long code, boolean untouched, @Nullable String fault) {
      told.add(id + " reset " + code + (untouched ? " untouched" : ""));
    }

    @Override
    public void onWritable() {
      told.add(id + " writable");
    }
  }

  private Http2Connection open(Side side) {
    Http2Connection made =
        new Http2Connection(
            side,
            config,
            4096,
            50,
            new Http2Connection.Owner() {
              @Override
              public void onOpen(ChannelHandlerContext context) {}

              @Override
              public void onStream(Http2Stream stream) {
                streams.add(stream);
                stream.listener(new Told(stream.id));
              }

              @Override
              public void onStreamOver(Http2Stream stream) {}

              @Override
              public void onSettings() {}

              @Override
              public void onGoAway() {
                told.add("goaway");
              }

              @Override
              public void onReadComplete() {}

              @Override
              public void onFlood(FloodKind kind) {
                floods.add(kind);
              }

              @Override
              public void onClosed() {
                closed = true;
              }
            });
    channel.pipeline().addLast(made);
    return made;
  }

  private Http2Connection server() {
    Http2Connection made = open(Side.SERVER);
    hex(PREFACE + SETTINGS);
    sent();
    return made;
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
    assertThat(closed).isTrue();
  }

  private void hex(String text) {
    channel.writeInbound(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(text)));
  }

  private void receive(int type, int flags, int stream, byte... payload) {
    ByteBuf frame = Unpooled.buffer(9 + payload.length);
    frame.writeMedium(payload.length).writeByte(type).writeByte(flags).writeInt(stream);
    channel.writeInbound(frame.writeBytes(payload));
  }

  private void receive(int type, int flags, int stream, String payload) {
    receive(type, flags, stream, ByteBufUtil.decodeHexDump(payload));
  }

  private static byte[] number(int value) {
    return Unpooled.copyInt(value).array();
  }

  /** What was sent since it was asked last. */
  private List<Frame> sent() {
    channel.runPendingTasks(); // which send
    ByteBuf all = Unpooled.buffer();
    for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
      all.writeBytes(out);
      out.release();
    }
    List<Frame> found = new ArrayList<>();
    while (all.isReadable()) {
      int length = all.readMedium();
      int type = all.readByte();
      int flags = all.readByte();
      int stream = all.readInt();
      byte[] payload = new byte[length];
      all.readBytes(payload);
      found.add(new Frame(type, flags, stream, payload));
    }
    frames.addAll(found);
    return found;
  }

  private static int bytesOf(List<Frame> frames, int stream) {
    return frames.stream()
        .filter(frame -> frame.type() == 0 && frame.stream() == stream)
        .mapToInt(frame -> frame.payload().length)
        .sum();
  }

  private static ByteBuf bytes(int count) {
    return Unpooled.wrappedBuffer(new byte[count]);
  }

  private static void head(Http2Stream stream, boolean last) {
    stream.response(new ResponseHead(200, HttpVersion.HTTP_2, new Headers()), last);
  }

  private void pass(Duration time) {
    ticker.advance(time.toNanos(), TimeUnit.NANOSECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  private void assertFlooded(FloodKind kind) {
    assertThat(floods).containsExactly(kind);
    Frame last = sent().getLast();
    assertThat(last.type()).isEqualTo(7);
    assertThat(last.number(4)).isEqualTo((int) Http2Error.ENHANCE_YOUR_CALM.code());
    assertThat(new String(last.payload(), 8, last.payload().length - 8, StandardCharsets.UTF_8))
        .isEqualTo(kind.label());
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void framesCutAnywhereAreWhole() {
    server();
    ByteBuf all = Unpooled.buffer();
    all.writeMedium(6).writeByte(1).writeByte(4).writeInt(1);
    all.writeBytes(ByteBufUtil.decodeHexDump(POST));
    for (String text : List.of("", "abc", "defgh")) { // of which the first is no body
      all.writeMedium(text.length()).writeByte(0).writeByte(text.equals("defgh") ? 1 : 0);
      all.writeInt(1).writeCharSequence(text, StandardCharsets.US_ASCII);
    }
    List<String> expected = List.of("1 head", "1 end");
    for (int first = 1; first < all.readableBytes(); first++) {
      for (int second = first; second < all.readableBytes(); second++) {
        int stream = streams.size() * 2 + 1;
        ByteBuf copy = all.copy();
        for (int at = 5; at < copy.writerIndex(); at += 9 + copy.getUnsignedMedium(at - 5)) {
          copy.setInt(at, stream);
        }
        told.clear();
        bodies.clear();
        ByteBuf head = copy.readRetainedSlice(first);
        ByteBuf middle = copy.readRetainedSlice(second - first);
        channel.writeInbound(head, middle, copy);
        assertThat(told).isEqualTo(expected.stream().map(it -> stream + it.substring(1)).toList());
        assertThat(bodies).containsExactly(stream + " abc", stream + " defgh");
        assertThat(copy.refCnt()).as("%d, %d", first, second).isZero();
        streams.getLast().reset(Http2Error.NO_ERROR);
        pass(Duration.ofSeconds(1)); // many streams at once would be a flood
      }
    }
  }

  /** A frame that lies in two buffers is put together; what follows it stays where it is. */
  @Test
  void onlyTheFrameThatWasCutIsCopied() {
    server();
    receive(1, 4, 1, POST);
    ByteBuf all = Unpooled.buffer();
    for (int i = 0; i < 3; i++) {
      all.writeMedium(1000).writeByte(0).writeByte(0).writeInt(1).writeZero(1000);
    }
    ByteBuf first = all.readRetainedSlice(500);
    List<ByteBuf> came = new ArrayList<>();
    onBody = came::add;
    channel.writeInbound(first, all);
    assertThat(came).hasSize(3);
    byte[] arrays = all.array();
    assertThat(came.get(0).hasArray() && came.get(0).array() == arrays).isFalse();
    assertThat(came.get(1).array()).isSameAs(arrays);
    assertThat(came.get(2).array()).isSameAs(arrays);
    came.forEach(ByteBuf::release);
  }

  @Test
  void aLargeFrameStaysInItsTwoBuffersAndOneOfManySmallPiecesIsCopied() {
    server();
    receive(1, 4, 1, POST);
    byte[] body = new byte[10_000];
    new Random(1).nextBytes(body);
    List<ByteBuf> came = new ArrayList<>();
    onBody = came::add;
    for (int piece : new int[] {5_000, 100, 2_100}) {
      ByteBuf frame = Unpooled.buffer();
      frame.writeMedium(body.length).writeByte(0).writeByte(0).writeInt(1).writeBytes(body);
      while (frame.isReadable()) {
        channel.writeInbound(frame.readBytes(Math.min(piece, frame.readableBytes())));
      }
      frame.release();
    }
    assertThat(came).allSatisfy(one -> assertThat(ByteBufUtil.getBytes(one)).isEqualTo(body));
    assertThat(came.stream().map(ByteBuf::nioBufferCount)).containsExactly(3, 1, 5);
    came.forEach(ByteBuf::release);
  }

  // Flow control.

  @Test
  void aStreamsWindowIsGivenBackOnlyWhileItsGateIsOpen() {
    server();
    receive(1, 4, 1, POST);
    streams.getFirst().gate().hold(FlowGate.PEER_FULL);
    for (int i = 0; i < 3; i++) {
      receive(0, 0, 1, new byte[16_000]);
    }
    assertThat(sent()).isEmpty();
    streams.getFirst().gate().release(FlowGate.PEER_FULL);
    channel.flushOutbound();
    streams.getFirst().flush();
    assertThat(sent())
        .singleElement()
        .satisfies(
            frame -> {
              assertThat(frame.type()).isEqualTo(8);
              assertThat(frame.stream()).isEqualTo(1);
              assertThat(frame.number(0)).isEqualTo(48_000);
            });
  }

  @Test
  void aLargeWindowIsGivenBackBeforeHalfOfItIsUsedUp() {
    config = new Http2Config(3, 4 << 20, ALL, Duration.ZERO, Duration.ofSeconds(10));
    server();
    receive(1, 4, 1, POST);
    for (int i = 0; i < 31; i++) {
      receive(0, 0, 1, new byte[16_384]);
    }
    assertThat(sent()).noneMatch(frame -> frame.stream() == 1);
    receive(0, 0, 1, new byte[16_384]);
    assertThat(sent())
        .filteredOn(frame -> frame.stream() == 1)
        .singleElement()
        .satisfies(frame -> assertThat(frame.number(0)).isEqualTo(512 << 10));
  }

  @Test
  void whatIsSentBeyondAWindowResetsTheStreamOnly() {
    server();
    receive(1, 4, 1, POST);
    receive(1, 4, 3, POST);
    streams.getFirst().gate().hold(FlowGate.PEER_FULL);
    for (int i = 0; i < 5; i++) {
      receive(0, 0, 1, new byte[16_000]);
    }
    assertThat(told).contains("1 reset " + Http2Error.FLOW_CONTROL_ERROR.code());
    receive(0, 1, 3, new byte[10]);
    assertThat(told).contains("3 end");
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void oneStreamThatIsHeldBackDoesNotStallTheOthers() {
    server();
    receive(1, 4, 1, POST);
    receive(1, 4, 3, POST);
    streams.getFirst().gate().hold(FlowGate.PEER_FULL);
    for (int i = 0; i < 4; i++) {
      receive(0, 0, 1, new byte[16_000]);
    }
    int given = 0;
    for (int i = 0; i < 200; i++) {
      receive(0, 0, 3, new byte[16_000]);
      given +=
          sent().stream()
              .filter(frame -> frame.type() == 8 && frame.stream() == 3)
              .mapToInt(frame -> frame.number(0))
              .sum();
    }
    assertThat(given).isGreaterThan(3_000_000);
    assertThat(told).noneMatch(one -> one.contains("reset"));
  }

  @Test
  void oneStreamWithoutAWindowDoesNotStallTheOthers() {
    server();
    receive(4, 0, 0, "000400000000"); // INITIAL_WINDOW_SIZE 0
    receive(1, 5, 1, GET);
    receive(1, 5, 3, GET);
    sent();
    for (Http2Stream stream : streams) {
      head(stream, false);
      stream.body(bytes(10_000));
      stream.end(null);
      stream.flush();
    }
    assertThat(bytesOf(sent(), 3)).isZero();
    receive(8, 0, 3, number(20_000));
    List<Frame> now = sent();
    assertThat(bytesOf(now, 3)).isEqualTo(10_000);
    assertThat(bytesOf(now, 1)).isZero();
    assertThat(streams.get(1).gone()).isTrue();
    assertThat(streams.get(0).unsent()).isEqualTo(10_000);
  }

  @Test
  void theConnectionsWindowIsSharedInTurn() {
    server();
    receive(4, 0, 0, "0004" + "00100000"); // INITIAL_WINDOW_SIZE of 1 MiB
    receive(1, 5, 1, GET);
    receive(1, 5, 3, GET);
    for (Http2Stream stream : streams) {
      head(stream, false);
      stream.body(bytes(60_000));
      stream.flush();
    }
    List<Frame> first = sent();
    assertThat(bytesOf(first, 1) + bytesOf(first, 3)).isEqualTo(WINDOW);
    assertThat(streams.get(0).writable()).isFalse();
    receive(8, 0, 0, number(100_000));
    assertThat(bytesOf(sent(), 3)).isEqualTo(120_000 - WINDOW);
    assertThat(told).contains("1 writable");
  }

  // Ends.

  @Test
  void goingAwayIsSaidTwiceAndEndsWithTheLastStream() {
    Http2Connection connection = server();
    receive(1, 5, 1, GET);
    connection.warnGoAway();
    assertThat(sent().getLast().number(0)).isEqualTo(Integer.MAX_VALUE);
    receive(1, 5, 3, GET);
    assertThat(streams).hasSize(2);
    connection.goAway();
    assertThat(sent().getLast().number(0)).isEqualTo(3);
    receive(1, 5, 5, GET);
    assertThat(streams).hasSize(2);
    head(streams.get(0), true);
    assertThat(channel.isOpen()).isTrue();
    head(streams.get(1), true);
    assertThat(channel.isOpen()).isFalse();
    assertThat(told).noneMatch(one -> one.contains("reset"));
  }

  @Test
  void aServerThatGoesAwayLeavesUntouchedWhatItDidNotTake() {
    Http2Connection connection = open(Side.CLIENT);
    hex(SETTINGS);
    for (int i = 0; i < 2; i++) {
      Http2Stream stream = connection.newStream();
      stream.listener(new Told(stream.id));
      stream.request(request(), true, null);
    }
    receive(7, 0, 0, "0000000100000000");
    assertThat(told).containsExactly("goaway", "3 reset 0 untouched");
    assertThat(connection.hasRoom()).isFalse();
    receive(1, 5, 1, "88");
    assertThat(told).contains("1 end");
    assertThat(channel.isOpen()).isFalse();
  }

  private static RequestHead request() {
    return new RequestHead("GET", "/", "a", "http", HttpVersion.HTTP_2, new Headers());
  }

  /** Half a window of an answer; what is sent back of it, by type. */
  private List<Integer> half(Http2Stream stream, int window) {
    for (int left = window / 2 + 1; left > 0; left -= 16_384) {
      receive(0, 0, stream.id, new byte[Math.min(left, 16_384)]);
    }
    bodies.clear();
    List<Frame> sent = sent();
    sent.stream()
        .filter(f -> f.type() == 6)
        .forEach(
            ping -> {
              ticker.advance(50, TimeUnit.MILLISECONDS);
              receive(6, 1, 0, ping.payload());
            });
    sent.stream()
        .filter(f -> f.type() == 4)
        .forEach(f -> assertThat(f.number(2)).isEqualTo(2 * window));
    return sent.stream().map(Frame::type).toList();
  }

  @Test
  void windowsGrowWhereTheyHoldUpAServerFarAway() {
    Http2Connection connection = open(Side.CLIENT);
    hex(SETTINGS);
    Http2Stream stream = connection.newStream();
    stream.listener(new Told(stream.id));
    stream.request(request(), true, null);
    receive(1, 4, stream.id, "88");
    channel.runPendingTasks();
    channel.releaseOutbound(); // the preface is no frame
    ticker.advance(1, TimeUnit.SECONDS);
    // The first PING measures the way; then each half that is used up at once doubles the window.
    assertThat(half(stream, WINDOW)).containsExactly(8, 6);
    ticker.advance(1, TimeUnit.MILLISECONDS);
    assertThat(half(stream, WINDOW)).containsExactly(8);
    assertThat(half(stream, WINDOW)).containsExactly(8, 4);
    // One that is read slowly does not.
    stream.gate().hold(FlowGate.PEER_FULL);
    assertThat(half(stream, 2 * WINDOW)).isEmpty();
    ticker.advance(51, TimeUnit.MILLISECONDS);
    stream.gate().release(FlowGate.PEER_FULL);
    assertThat(sent()).extracting(Frame::type).containsExactly(8);
    assertThat(half(stream, 2 * WINDOW)).containsExactly(8, 4);
    // One that only cannot take a burst at once does: all that waits for windows comes in bursts.
    stream.gate().hold(FlowGate.PEER_FULL);
    assertThat(half(stream, 4 * WINDOW)).isEmpty();
    ticker.advance(10, TimeUnit.MILLISECONDS);
    stream.gate().release(FlowGate.PEER_FULL);
    assertThat(sent())
        .filteredOn(frame -> frame.type() != 6)
        .extracting(Frame::type)
        .containsExactly(8, 4);
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void aLargeWindowGrowsByTheTimeOfItsHalfNotOfThePiecesThatAreGivenBack() {
    config = new Http2Config(3, 4 << 20, ALL, Duration.ZERO, Duration.ofSeconds(10));
    Http2Connection connection = open(Side.CLIENT);
    hex(SETTINGS);
    Http2Stream stream = connection.newStream();
    stream.listener(new Told(stream.id));
    stream.request(request(), true, null);
    receive(1, 4, stream.id, "88");
    channel.runPendingTasks();
    channel.releaseOutbound();
    ticker.advance(1, TimeUnit.SECONDS);
    int piece = 512 << 10;
    assertThat(half(stream, 2 * piece)).contains(6); // 50 ms
    for (int i = 0; i < 16; i++) {
      ticker.advance(40, TimeUnit.MILLISECONDS);
      assertThat(half(stream, 2 * piece)).as("piece %d at 13 MB/s", i).doesNotContain(4);
    }
    List<Integer> quick = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      ticker.advance(10, TimeUnit.MILLISECONDS);
      for (int left = piece; left > 0; left -= 16_384) {
        receive(0, 0, stream.id, new byte[16_384]);
      }
      sent().forEach(frame -> quick.add(frame.type()));
      bodies.clear();
    }
    assertThat(quick).as("at 52 MB/s").contains(4);
  }

  @Test
  void whatIsReadFlushesNothingWhereNothingWasWritten() {
    AtomicInteger flushes = new AtomicInteger();
    channel
        .pipeline()
        .addLast(
            new ChannelOutboundHandlerAdapter() {
              @Override
              public void flush(ChannelHandlerContext context) {
                flushes.incrementAndGet();
                context.flush();
              }
            });
    server();
    flushes.set(0);
    receive(1, 4, 1, POST);
    receive(0, 0, 1, new byte[10]);
    assertThat(sent()).isEmpty();
    assertThat(flushes).hasValue(0);
    streams.getFirst().body(bytes(10_000)); // written past what is gathered
    streams.getFirst().flush();
    assertThat(sent()).hasSize(1);
    assertThat(flushes).hasValue(1);
    receive(6, 0, 0, "0000000000000001");
    assertThat(sent()).hasSize(1);
    assertThat(flushes).hasValue(2);
  }

  @Test
  void aRefusedStreamIsUntouched() {
    Http2Connection connection = open(Side.CLIENT);
    hex(SETTINGS);
    Http2Stream stream = connection.newStream();
    stream.listener(new Told(stream.id));
    stream.request(request(), true, null);
    receive(3, 0, 1, number((int) Http2Error.REFUSED_STREAM.code()));
    assertThat(told).containsExactly("1 reset 7 untouched");
    assertThat(channel.isOpen()).isTrue();
  }

  @Test
  void streamsBeyondTheLimitAreRefused() {
    server();
    for (int i = 0; i < 4; i++) {
      receive(1, 5, 2 * i + 1, GET);
    }
    assertThat(streams).hasSize(3);
    assertThat(sent())
        .singleElement()
        .satisfies(
            frame -> {
              assertThat(frame.stream()).isEqualTo(7);
              assertThat(frame.number(0)).isEqualTo((int) Http2Error.REFUSED_STREAM.code());
            });
    head(streams.getFirst(), true);
    receive(1, 5, 9, GET);
    assertThat(streams).hasSize(4);
  }

  @Test
  void theServersLimitOfStreamsIsObeyed() {
    Http2Connection connection = open(Side.CLIENT);
    hex("000006040000000000" + "000300000002");
    for (int i = 0; i < 2; i++) {
      assertThat(connection.hasRoom()).isTrue();
      connection.newStream().listener(new Told(1));
    }
    assertThat(connection.hasRoom()).isFalse();
  }

  @Test
  void theLastBytesOfAPromisedLengthWaitForTheEnd() {
    server();
    String promises = POST + "0f0d0133"; // content-length: 3
    receive(1, 4, 1, promises);
    receive(0, 0, 1, (byte) 'a');
    receive(0, 0, 1, (byte) 'b', (byte) 'c');
    assertThat(bodies).containsExactly("1 a");
    receive(0, 1, 1);
    assertThat(bodies).containsExactly("1 a", "1 bc");
    assertThat(told).containsExactly("1 head", "1 end");

    receive(1, 4, 3, promises);
    receive(0, 0, 3, (byte) 'a', (byte) 'b', (byte) 'c');
    receive(0, 1, 3, (byte) 'd');
    assertThat(bodies).as("nothing of what came to be too much").hasSize(2);
    assertThat(told).endsWith("3 head", "3 reset " + Http2Error.PROTOCOL_ERROR.code());

    receive(1, 4, 5, promises);
    receive(0, 0, 5, (byte) 'x', (byte) 'y', (byte) 'z');
    receive(1, 5, 5, "0001740131"); // a trailer, t: 1
    assertThat(bodies).endsWith("5 xyz");
    assertThat(told).endsWith("5 head", "5 end");

    receive(1, 4, 7, promises);
    receive(0, 1, 7, (byte) 'x', (byte) 'y', (byte) 'z');
    assertThat(bodies).as("an end with the last bytes needs no waiting").endsWith("7 xyz");
  }

  @Test
  void errorsOfAStreamEndThatStreamOnly() {
    server();
    receive(1, 4, 1, POST);
    receive(1, 5, 3, GET);
    receive(1, 5, 5, GET + "0005557070657200"); // a name in upper case
    receive(8, 0, 3, number(0));
    assertThat(told).containsExactly("1 head", "3 head", "3 end", "5 reset 1", "3 reset 1");
    assertThat(sent()).extracting(Frame::type).containsExactly(3, 3);
    receive(0, 1, 1, new byte[5]);
    assertThat(told).contains("1 end");
    assertThat(channel.isOpen()).isTrue();
  }

  // Keep-alive.

  @Test
  void aSilentPeerIsAskedAndThenGivenUp() {
    config = new Http2Config(3, WINDOW, ALL, Duration.ofSeconds(30), Duration.ofSeconds(5));
    Http2Connection connection = server();
    pass(Duration.ofSeconds(29));
    connection.keepAlive(ticker.nanoTime());
    assertThat(sent()).isEmpty();
    pass(Duration.ofSeconds(1));
    connection.keepAlive(ticker.nanoTime());
    List<Frame> asked = sent();
    assertThat(asked).singleElement().satisfies(frame -> assertThat(frame.type()).isEqualTo(6));
    receive(6, 1, 0, asked.getFirst().payload());
    pass(Duration.ofSeconds(30));
    connection.keepAlive(ticker.nanoTime());
    assertThat(sent()).hasSize(1);
    pass(Duration.ofSeconds(5));
    connection.keepAlive(ticker.nanoTime());
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void aPingIsAnsweredWithItsOwnBytes() {
    server();
    receive(6, 0, 0, "0102030405060708");
    assertThat(sent())
        .singleElement()
        .satisfies(
            frame -> {
              assertThat(frame.flags()).isEqualTo(1);
              assertThat(frame.payload()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
            });
  }

  // Floods.

  @Test
  void streamsOpenedAndResetAreAFlood() {
    server();
    for (int i = 0; i < 201; i++) {
      assertThat(channel.isOpen()).isTrue();
      receive(1, 5, 2 * i + 1, GET);
      receive(3, 0, 2 * i + 1, number(8));
    }
    assertFlooded(FloodKind.RAPID_RESET);
  }

  @Test
  void aClientThatCancelsHalfOfWhatItAsksIsNone() {
    server();
    for (int i = 0; i < 4000; i++) {
      int id = 2 * i + 1;
      receive(1, 5, id, GET);
      if (i % 2 == 0) {
        head(streams.getLast(), true);
      } else {
        receive(3, 0, id, number(8));
      }
    }
    assertThat(floods).isEmpty();
  }

  @Test
  void resetsThatAPeerProvokesAreAFlood() {
    server();
    for (int i = 0; i < 101; i++) {
      receive(1, 5, 2 * i + 1, GET);
      receive(0, 1, 2 * i + 1, new byte[1]);
    }
    assertFlooded(FloodKind.PROVOKED_RESET);
  }

  @Test
  void badHeadersAreAFlood() {
    server();
    for (int i = 0; i < 101; i++) {
      receive(1, 5, 2 * i + 1, GET + "0005557070657200");
    }
    assertFlooded(FloodKind.BAD_HEADERS);
  }

  @Test
  void headersBeyondTheBoundAreAnsweredUntilTheyAreAFlood() {
    server();
    String many = GET + "0001610162".repeat(60);
    receive(1, 5, 1, many);
    assertThat(told).containsExactly("1 head too many", "1 end");
    head(streams.getFirst(), true);
    for (int i = 1; i < 101; i++) {
      receive(1, 5, 2 * i + 1, many);
      if (channel.isOpen()) {
        head(streams.getLast(), true);
      }
    }
    assertFlooded(FloodKind.LARGE_HEADERS);
  }

  @Test
  void aHeaderBlockWithoutAnEndIsAFlood() {
    server();
    receive(1, 1, 1, GET);
    for (int i = 0; i < 6; i++) {
      receive(9, 0, 1, "0001610162".repeat(200));
    }
    assertFlooded(FloodKind.CONTINUATION);
  }

  @Test
  void aHeaderBlockOfNothingIsAFlood() {
    server();
    receive(1, 1, 1, GET);
    many(20, 9, 0, 1);
    assertFlooded(FloodKind.CONTINUATION);
  }

  private void many(int count, int type, int flags, int stream, byte... payload) {
    for (int i = 0; i < count && channel.isOpen(); i++) {
      receive(type, flags, stream, payload);
    }
  }

  @Test
  void framesThatAskForNothingAreFloods() {
    server();
    many(99, 4, 0, 0); // the first came with the preface
    assertThat(channel.isOpen()).isTrue();
    many(1, 4, 0, 0);
    assertFlooded(FloodKind.SETTINGS);
  }

  @Test
  void acknowledgementsOfNothingAreAFlood() {
    server();
    many(101, 4, 1, 0);
    assertFlooded(FloodKind.SETTINGS);
  }

  @Test
  void pingsAreAFlood() {
    server();
    many(1001, 6, 0, 0, new byte[8]);
    assertFlooded(FloodKind.PING);
  }

  @Test
  void prioritiesAreAFlood() {
    server();
    many(101, 2, 0, 9, new byte[5]);
    assertFlooded(FloodKind.PRIORITY);
  }

  @Test
  void windowUpdatesAreAFlood() {
    server();
    many(1001, 8, 0, 0, number(1));
    assertFlooded(FloodKind.WINDOW_UPDATE);
  }

  @Test
  void emptyDataInARowIsAFlood() {
    server();
    receive(1, 4, 1, POST);
    receive(0, 0, 1);
    receive(0, 0, 1, new byte[1]);
    receive(0, 0, 1);
    assertThat(channel.isOpen()).isTrue();
    receive(0, 0, 1);
    assertFlooded(FloodKind.EMPTY_DATA);
  }

  @Test
  void framesOfNobodyAreAFlood() {
    server();
    many(1001, 0x77, 0, 0, new byte[3]);
    assertFlooded(FloodKind.UNKNOWN_FRAMES);
  }

  @Test
  void changesOfTheTableWithinABlockAreAFlood() {
    server();
    receive(1, 5, 1, "20".repeat(9) + GET);
    assertFlooded(FloodKind.TABLE_SIZE);
  }

  @Test
  void windowsOfAByteAreAFlood() {
    server();
    receive(4, 0, 0, "000400000000");
    receive(1, 5, 1, GET);
    head(streams.getFirst(), false);
    streams.getFirst().body(bytes(2000));
    for (int i = 0; i < 1001 && channel.isOpen(); i++) {
      receive(8, 0, 1, number(1));
    }
    assertFlooded(FloodKind.TINY_WINDOWS);
  }

  // A peer that does not read.

  private void full(boolean full) {
    channel.unsafe().outboundBuffer().setUserDefinedWritability(1, !full);
    channel.runPendingTasks();
  }

  @Test
  void repliesThatNobodyReadsAreAFlood() {
    config =
        new Http2Config(
            3, WINDOW, ALL, Duration.ZERO, Duration.ZERO, new FrameLimits(100, 5, 1, 1, 1), false);
    server();
    full(true);
    many(5, 6, 0, 0, new byte[8]);
    assertThat(floods).isEmpty();
    many(1, 6, 0, 0, new byte[8]);
    assertThat(floods).containsExactly(FloodKind.UNREAD_ANSWERS);
  }

  @Test
  void answersThatNobodyReadsAreAFlood() {
    config =
        new Http2Config(
            3, WINDOW, ALL, Duration.ZERO, Duration.ZERO, new FrameLimits(10, 50, 1, 1, 1), false);
    server();
    full(true);
    for (int i = 0; i < 12; i++) {
      receive(1, 5, 2 * i + 1, GET);
      if (channel.isOpen() && floods.isEmpty()) {
        head(streams.getLast(), true);
      }
    }
    assertThat(floods).containsExactly(FloodKind.UNREAD_ANSWERS);
  }

  @Test
  void bodiesWaitInTheirStreamsWhileThePeerDoesNotRead() {
    server();
    receive(1, 5, 1, GET);
    full(true);
    head(streams.getFirst(), false);
    streams.getFirst().body(bytes(1000));
    streams.getFirst().end(null);
    assertThat(streams.getFirst().unsent()).isEqualTo(1000);
    assertThat(streams.getFirst().writable()).isFalse();
    full(false);
    assertThat(bytesOf(sent(), 1)).isEqualTo(1000);
    assertThat(streams.getFirst().gone()).isTrue();
  }

  @Test
  void theEndsOfFramesAreNotMistakenForOneThatDoesNotEnd() {
    Http2Connection connection = server();
    receive(1, 4, 1, POST);
    ByteBuf two = Unpooled.buffer();
    two.writeMedium(4).writeByte(0).writeByte(0).writeInt(1).writeInt(7);
    two.writeMedium(4).writeByte(0).writeByte(0).writeInt(1).writeInt(7);
    byte[] all = ByteBufUtil.getBytes(two);
    channel.writeInbound(Unpooled.copiedBuffer(all, 0, 15));
    long first = connection.unfinishedSince();
    assertThat(connection.unfinishedData()).isZero();
    pass(Duration.ofSeconds(5));
    channel.writeInbound(Unpooled.copiedBuffer(all, 15, 9));
    assertThat(connection.unfinishedData()).isEqualTo(2);
    ByteBuf rest = Unpooled.buffer().writeBytes(all, 24, 2).writeBytes(all, 0, 10);
    channel.writeInbound(rest);
    assertThat(connection.unfinishedSince()).isEqualTo(first + Duration.ofSeconds(5).toNanos());
    channel.writeInbound(Unpooled.copiedBuffer(all, 10, 3));
    assertThat(connection.unfinishedSince()).isEqualTo(Long.MAX_VALUE);
  }
}
