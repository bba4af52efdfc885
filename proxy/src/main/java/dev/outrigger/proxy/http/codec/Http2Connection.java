package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.config.Http2Config;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http2.DefaultHttp2FrameReader;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Flags;
import io.netty.handler.codec.http2.Http2FrameListener;
import io.netty.handler.codec.http2.Http2FrameTypes;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.collection.IntObjectHashMap;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/2 on one connection (RFC 9113), of either side: frames, streams and windows. Netty reads
 * frames and HPACK; the states are ours, so that every rule is in one place. Confined to its
 * worker's event loop.
 *
 * <p>What a peer can make us do without asking for anything is counted, and too much of it ends the
 * connection with ENHANCE_YOUR_CALM.
 */
@WorkerConfined
public final class Http2Connection extends ByteToMessageDecoder implements Http2FrameListener {
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final int MAX_FRAME = 16_384;
  private static final int HEADER = 9;
  private static final int DEFAULT_WINDOW = 65_535;
  private static final int COPIED = 2048;
  private static final int REMEMBERED = 64;
  private static final long NEVER = Long.MAX_VALUE;

  private static final int TINY = 64;

  // What was said last is given so long to leave, a whole answer longer.
  private static final Duration TO_LEAVE = Duration.ofSeconds(2);
  private static final Duration TO_LEAVE_WHOLE = Duration.ofSeconds(60);
  private static final Duration TO_LINGER = Duration.ofSeconds(1);

  // Where memory is scarce: when it is looked at again, and what may come until then even so.
  private static final Duration ASKED_AGAIN = Duration.ofMillis(100);
  private static final int LEAST_WINDOW = 64 * 1024;

  /** Which end this is. */
  public enum Side {
    SERVER,
    CLIENT
  }

  /** Who owns the connection. */
  public interface Owner {
    /** The connection can be used. */
    void onOpen(ChannelHandlerContext context);

    /** A client opened a stream; its listener is to be set. The head follows. */
    void onStream(Http2Stream stream);

    /** A stream is over, whichever way. */
    void onStreamOver(Http2Stream stream);

    /** The peer's SETTINGS changed what may be opened. */
    void onSettings();

    /** The peer will take no new streams. */
    void onGoAway();

    /** All that was read at once has been handed over. */
    void onReadComplete();

    /** The peer did too much of this; the connection is over. */
    void onFlood(FloodKind kind);

    /** The peer broke the protocol in a way that ends the connection. */
    default void onBroken() {}

    /** The connection is gone; streams were told before. */
    void onClosed();
  }

  private final Side side;
  private final Http2Config config;
  private final Owner owner;
  private final HpackReader hpack;
  private final DefaultHttp2FrameReader reader;
  private final int maxHeadBytes;
  private final long mostBlockBytes;
  private final Http2FieldsEncoder encoder = new Http2FieldsEncoder();
  private final IntObjectHashMap<Http2Stream> streams = new IntObjectHashMap<>();
  private final ArrayDeque<Http2Stream> blocked = new ArrayDeque<>();
  private final int[] lately = new int[REMEMBERED]; // ids closed last; negative where by us
  private int latelyAt;

  @SuppressWarnings("NullAway.Init") // set by handlerAdded, before any event
  private ChannelHandlerContext ctx;

  @SuppressWarnings("NullAway.Init") // likewise
  private FloodLedger floods;

  private final Runnable flushing = this::flushNow;
  private boolean flushAsked;
  private boolean unflushed;
  private @Nullable ByteBuf out;
  private int lastDataOf; // the stream whose DATA ends what is gathered, or 0
  private int lastDataFlagsAt;
  private boolean begun;
  private boolean prefaceSeen;
  private boolean settingsSeen;
  private boolean prefaceDue; // with its SETTINGS
  private boolean dead;
  private boolean closed;
  private boolean peerGoesAway;
  private boolean goesAway;
  private int lastPeerId;
  private int nextId = 1;
  private int sendWindow = DEFAULT_WINDOW;
  private int receiveWindow = DEFAULT_WINDOW;
  private int unreturned;
  private int peerStreamWindow = DEFAULT_WINDOW;
  private int peerMaxFrame = MAX_FRAME;
  private int peerMaxStreams = 1; // until the peer has said how many
  private boolean settingsPeer;
  private boolean peerExtendedConnect;
  private int headersOf; // the stream whose header block is not whole, or 0
  private long blockBytes; // of that block so far
  private long unfinishedSince = NEVER;
  private int unfinishedData;
  private int unfinishedOf; // the stream of those

  // What was written since the channel became full.
  private int unsent;
  private int unsentReplies;

  // Keep-alive.
  private long lastRead;
  private long pingSent = NEVER;

  // What we let the peer send.
  private final WindowGrowth growth = new WindowGrowth();
  private int streamWindow;
  private int connectionWindow;
  private int sinceHalf;
  private long lastHalf;
  private final WindowBudget budget;
  private long promised;
  private long waiting; // of streams whose other side does not take what came
  private boolean asksAgain;

  /** One whose window of all streams keeps its size, and is given back as soon as bytes came. */
  public Http2Connection(
      Side side, Http2Config config, int maxHeadBytes, int maxFields, Owner owner) {
    this(side, config, maxHeadBytes, maxFields, WindowBudget.FIXED, owner);
  }

  /**
   * @param budget what its window of all streams may become where a long way asks for it
   */
  public Http2Connection(
      Side side,
      Http2Config config,
      int maxHeadBytes,
      int maxFields,
      WindowBudget budget,
      Owner owner) {
    this.side = side;
    this.config = config;
    this.budget = budget;
    this.streamWindow = config.streamWindow();
    this.connectionWindow = Math.max(DEFAULT_WINDOW, config.connectionWindow());
    this.owner = owner;
    this.maxHeadBytes = maxHeadBytes;
    this.mostBlockBytes = maxHeadBytes + maxHeadBytes / 4L;
    this.hpack = new HpackReader(maxHeadBytes, maxFields);
    this.reader = new DefaultHttp2FrameReader(hpack);
    this.prefaceSeen = side == Side.CLIENT;
    setCumulator(Http2Connection::together);
  }

  /**
   * Puts a frame together. Two large parts stay where they are, side by side: at full speed one
   * frame in four lies in two reads. Small ones are copied, else a peer that sends byte by byte
   * would make us keep a buffer of a read for each.
   */
  private static ByteBuf together(ByteBufAllocator allocator, ByteBuf before, ByteBuf next) {
    boolean large = before.readableBytes() > COPIED && next.readableBytes() > COPIED;
    return (large ? COMPOSITE_CUMULATOR : MERGE_CUMULATOR).cumulate(allocator, before, next);
  }

  // For the owner.

  public int openStreams() {
    return streams.size();
  }

  /** Those open now, in no order. */
  public List<Http2Stream> streams() {
    return new ArrayList<>(streams.values());
  }

  /** How many streams the peer lets us open at once. */
  public int peerMaxStreams() {
    return peerMaxStreams;
  }

  /** Whether the peer has said how many streams it takes. */
  public boolean settled() {
    return settingsPeer;
  }

  /** Whether another stream can be opened. */
  public boolean hasRoom() {
    begin();
    return !dead
        && !closed
        && !peerGoesAway
        && !goesAway
        && nextId > 0
        && streams.size() < peerMaxStreams
        && ctx.channel().isActive();
  }

  /** Whether the peer offers the extended CONNECT of RFC 8441. */
  public boolean extendedConnect() {
    return peerExtendedConnect;
  }

  /** Gives a stream that has waited the next number: streams begin in the order of theirs. */
  public boolean renumber(Http2Stream stream) {
    if (stream.gone || stream.begun || nextId < 0) {
      return false;
    }
    streams.remove(stream.id);
    stream.id = nextId;
    nextId += 2;
    streams.put(stream.id, stream);
    return true;
  }

  /** Opens one; only where there is room. */
  public Http2Stream newStream() {
    Http2Stream made = new Http2Stream(this, nextId, peerStreamWindow, streamWindow);
    nextId += 2;
    streams.put(made.id, made);
    return made;
  }

  /**
   * Takes over, as soon as it is there, a connection that began in HTTP/1.1: the request that asked
   * for it is stream 1, of which the peer's way is whole, and a preface is still to come, soon (RFC
   * 7540, section 3.2).
   *
   * @param settings of the peer, which are not acknowledged
   */
  public void upgraded(Http2Settings settings) {
    assert side == Side.SERVER && begun && lastPeerId == 0;
    try {
      learn(settings);
    } catch (Http2Exception e) {
      throw new IllegalStateException(e); // there is no stream that it could be wrong for
    }
    prefaceDue = true;
    unfinishedSince = now();
    Http2Stream first = opened(1);
    first.headSeen = true;
    first.remoteEnded = true;
  }

  /** The first phase of going away: no new streams, please. */
  public void warnGoAway() {
    if (!dead && !closed && !goesAway) {
      writeGoAway(Integer.MAX_VALUE, Http2Error.NO_ERROR, "");
      flush();
    }
  }

  /** The second: streams that come from now on are not answered; closes with the last one. */
  public void goAway() {
    if (!dead && !closed && !goesAway) {
      goesAway = true;
      writeGoAway(lastPeerId, Http2Error.NO_ERROR, "");
      flush();
    }
    if (streams.isEmpty()) {
      close();
    }
  }

  /**
   * Closes once what was written has left. What the peer sends meanwhile is read and dropped: a
   * socket that is closed before it is read answers with RST, which may overtake what was written.
   */
  public void close() {
    if (closed) {
      return;
    }
    dead = true;
    flushNow();
    if (ctx.channel() instanceof DuplexChannel) {
      ctx.write(Unpooled.EMPTY_BUFFER).addListener(_ -> closeSoon(TO_LINGER));
      HalfClose.send(ctx.channel());
      closeSoon(TO_LEAVE_WHOLE);
    } else {
      closeFlushed(TO_LEAVE_WHOLE);
    }
  }

  private void closeFlushed(Duration patience) {
    if (!closed) {
      dead = true;
      flushNow();
      ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
      closeSoon(patience);
    }
  }

  /** A peer that reads nothing, or goes on without end, would hold it for ever. */
  private void closeSoon(Duration patience) {
    ctx.executor().schedule(() -> ctx.close(), patience.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Ends the connection for a reason that the peer is told. */
  public void fail(Http2Error error, String why) {
    if (dead || closed) {
      return;
    }
    writeGoAway(lastPeerId, error, why);
    closeFlushed(TO_LEAVE);
    endStreams(error.code(), false);
  }

  private void broken(Http2Error error, String why) {
    if (!dead && !closed) {
      owner.onBroken();
    }
    fail(error, why);
  }

  /** Since when a frame or header block is not whole, or {@code Long.MAX_VALUE}. */
  public long unfinishedSince() {
    return unfinishedSince;
  }

  /** How much there is of the DATA frame that is not whole; 0 where it is something else. */
  public int unfinishedData() {
    return unfinishedData;
  }

  /** Sends a PING when it is time, and closes when nothing came after one. */
  public void keepAlive(long now) {
    long every = config.keepAlive().toNanos();
    if (every <= 0 || dead || closed) {
      return;
    }
    if (pingSent != NEVER) {
      if (now - pingSent >= config.keepAliveTimeout().toNanos()) {
        dead = true;
        ctx.close();
      }
    } else if (now - lastRead >= every) {
      pingSent = now;
      frame(8, Http2FrameTypes.PING, 0, 0).writeLong(now);
      flush();
    }
  }

  /**
   * Sends what was written once the event loop has handled the events at hand: what one pass brings
   * for many streams leaves in one write.
   */
  public void flush() {
    if (!flushAsked && !closed) {
      flushAsked = true;
      ctx.executor().execute(flushing);
    }
  }

  private void flushNow() {
    flushAsked = false;
    if (closed) {
      return;
    }
    ByteBuf gathered = out;
    if (gathered != null) {
      out = null;
      lastDataOf = 0;
      ctx.write(gathered, ctx.voidPromise());
      unflushed = true;
    }
    if (unflushed) { // else TLS would make an empty write of it
      unflushed = false;
      ctx.flush();
    }
  }

  // The channel.

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
    lastRead = now();
    floods = new FloodLedger(config.frames(), context.executor().ticker());
    begin();
  }

  @Override
  public void channelActive(ChannelHandlerContext context) throws Exception {
    begin();
    super.channelActive(context);
  }

  /** Says what comes first, once the channel is open. */
  private void begin() {
    if (begun || !ctx.channel().isActive()) {
      return;
    }
    begun = true;
    if (side == Side.CLIENT) {
      gathered(32).writeBytes(Http2CodecUtil.connectionPrefaceBuf());
    }
    boolean offers = side == Side.SERVER && config.extendedConnect();
    ByteBuf to = frame(6 * (offers ? 4 : 3), Http2FrameTypes.SETTINGS, 0, 0);
    if (side == Side.SERVER) {
      setting(to, Http2CodecUtil.SETTINGS_MAX_CONCURRENT_STREAMS, config.maxStreams());
    } else {
      setting(to, Http2CodecUtil.SETTINGS_ENABLE_PUSH, 0);
    }
    setting(to, Http2CodecUtil.SETTINGS_INITIAL_WINDOW_SIZE, config.streamWindow());
    setting(to, Http2CodecUtil.SETTINGS_MAX_HEADER_LIST_SIZE, maxHeadBytes);
    if (offers) {
      setting(to, Http2CodecUtil.SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
    }
    if (config.connectionWindow() > DEFAULT_WINDOW) {
      writeWindowUpdate(0, config.connectionWindow() - DEFAULT_WINDOW);
      receiveWindow = config.connectionWindow();
    }
    flush();
    owner.onOpen(ctx);
  }

  private static void setting(ByteBuf to, int id, int value) {
    to.writeShort(id).writeInt(value);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object bytes) throws Exception {
    lastRead = now();
    pingSent = NEVER;
    if (bytes instanceof ByteBuf in) {
      // What lacks of a frame comes by itself, so that only this frame is put together from two
      // buffers, and all that follows stays where it is.
      try {
        for (int lacks = lacks(); lacks > 0 && lacks < in.readableBytes(); lacks = lacks()) {
          super.channelRead(context, in.readRetainedSlice(lacks));
        }
      } catch (Exception e) {
        in.release();
        throw e;
      }
    }
    super.channelRead(context, bytes);
  }

  /** How much is missing of a frame of which a part is here, or of its first nine bytes. */
  private int lacks() {
    ByteBuf part = internalBuffer();
    int here = part.readableBytes();
    if (here == 0 || !prefaceSeen || dead) {
      return 0;
    }
    return here < HEADER
        ? HEADER - here
        : HEADER + part.getUnsignedMedium(part.readerIndex()) - here;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> none) {
    if (dead) {
      in.skipBytes(in.readableBytes());
      return;
    }
    if (!prefaceSeen && !preface(in)) {
      return;
    }
    unfinishedData = 0;
    if (in.readableBytes() < HEADER) {
      return;
    }
    int at = in.readerIndex();
    int length = in.getUnsignedMedium(at);
    byte type = in.getByte(at + 3);
    int flags = in.getUnsignedByte(at + 4);
    if (length <= MAX_FRAME && in.readableBytes() < HEADER + length) {
      if (type == Http2FrameTypes.DATA) {
        unfinishedData = in.readableBytes() - HEADER;
        unfinishedOf = in.getInt(at + 5) & 0x7fffffff;
      }
      return;
    }
    if (!settingsSeen) {
      settingsSeen = true;
      prefaceDue = false;
      if (type != Http2FrameTypes.SETTINGS || (flags & 1) != 0) {
        broken(Http2Error.PROTOCOL_ERROR, "SETTINGS must come first");
        return;
      }
    }
    boolean block =
        type == Http2FrameTypes.HEADERS
            || type == Http2FrameTypes.CONTINUATION
            || type == Http2FrameTypes.PUSH_PROMISE;
    boolean amidBlock = headersOf != 0;
    headersOf = block && (flags & 4) == 0 ? in.getInt(at + 5) & 0x7fffffff : 0;
    blockBytes = type == Http2FrameTypes.CONTINUATION ? blockBytes + length : length;
    if (type == Http2FrameTypes.CONTINUATION && blockBytes > mostBlockBytes) {
      flood(FloodKind.CONTINUATION);
      return;
    }
    if (headersOf == 0) {
      unfinishedSince = NEVER;
    }
    int readable = in.readableBytes();
    int whole = length > MAX_FRAME ? readable : HEADER + length;
    int id = in.getInt(at + 5) & 0x7fffffff;
    try {
      if (amidBlock || id == 0 || length > MAX_FRAME) {
        reader.readFrame(context, in.readSlice(whole), this);
      } else if (type == Http2FrameTypes.HEADERS && (flags & ~END_STREAM) == END_HEADERS) {
        // What nearly all frames are takes the short way; Netty's reader takes the others.
        head(id, hpack.read(id, in.skipBytes(HEADER), length), (flags & END_STREAM) != 0, null);
      } else if (type == Http2FrameTypes.DATA && (flags & ~END_STREAM) == 0) {
        ByteBuf body = in.skipBytes(HEADER).readSlice(length);
        onDataRead(context, id, body, 0, (flags & END_STREAM) != 0);
      } else {
        reader.readFrame(context, in.readSlice(whole), this);
      }
    } catch (Http2Exception e) {
      refused(e);
    }
  }

  private boolean preface(ByteBuf in) {
    ByteBuf expected = Http2CodecUtil.connectionPrefaceBuf();
    int common = Math.min(expected.readableBytes(), in.readableBytes());
    for (int i = 0; i < common; i++) {
      if (in.getByte(in.readerIndex() + i) != expected.getByte(i)) {
        broken(Http2Error.PROTOCOL_ERROR, "no HTTP/2 preface");
        in.skipBytes(in.readableBytes());
        return false;
      }
    }
    if (common < expected.readableBytes()) {
      return false;
    }
    in.skipBytes(common);
    prefaceSeen = true;
    return true;
  }

  private void refused(Http2Exception e) {
    if (hpack.resizedTooOften()) {
      flood(FloodKind.TABLE_SIZE);
      return;
    }
    if (e.error() == Http2Error.ENHANCE_YOUR_CALM) {
      flood(FloodKind.CONTINUATION); // frames of it that hold next to nothing
      return;
    }
    String why = String.valueOf(e.getMessage());
    if (!Http2Exception.isStreamError(e)) {
      broken(e.error(), why);
      return;
    }
    int id = Http2Exception.streamId(e);
    if (e instanceof Http2Exception.HeaderListSizeException
        && side == Side.SERVER
        && isPeers(id)
        && id > lastPeerId) {
      tooLarge(id);
      return;
    }
    misbehaved(id, e.error(), why, FloodKind.PROVOKED_RESET);
  }

  /** A head of which not all was kept: its stream is opened, to be answered and no more. */
  private void tooLarge(int id) {
    if (tooMany(FloodKind.LARGE_HEADERS)) {
      return;
    }
    try {
      Http2Stream stream = accept(id);
      if (stream != null) {
        stream.headSeen = true;
        stream.remoteEnded = true;
        Http2Stream.Listener told = stream.listener;
        if (told != null) {
          told.onHead(Http2Fields.TOO_MANY, true);
        }
      }
    } catch (Http2Exception e) {
      refused(e);
    }
  }

  /** A stream error: the stream is reset, whatever it was, and that is counted. */
  private void misbehaved(int id, Http2Error error, String why) {
    misbehaved(id, error, why, FloodKind.PROVOKED_RESET);
  }

  private void misbehaved(int id, Http2Error error, String why, FloodKind kind) {
    Http2Stream stream = streams.get(id);
    writeReset(id, error);
    if (stream == null) {
      remember(-id);
    } else {
      over(stream, true);
      Http2Stream.Listener told = stream.listener;
      if (told != null) {
        told.onReset(error.code(), false, why);
      }
    }
    if (side == Side.SERVER) {
      tooMany(kind); // of an upstream each answer is refused for itself
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) throws Exception {
    boolean unfinished = headersOf != 0 || prefaceDue || (actualReadableBytes() > 0 && !dead);
    if (!unfinished) {
      unfinishedSince = NEVER;
    } else if (unfinishedSince == NEVER) {
      unfinishedSince = now();
    }
    owner.onReadComplete();
    flush();
    if (unsentReplies > config.frames().unsentReplies() || unsent > config.frames().unsent()) {
      flood(FloodKind.UNREAD_ANSWERS);
    }
    super.channelReadComplete(context);
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) throws Exception {
    if (context.channel().isWritable()) {
      unsent = 0;
      unsentReplies = 0;
      sendBlocked();
      flush();
    }
    super.channelWritabilityChanged(context);
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
    if (event instanceof ChannelInputShutdownEvent) {
      context.close();
      ReferenceCountUtil.release(event);
      return;
    }
    super.userEventTriggered(context, event);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) throws Exception {
    over();
    super.channelInactive(context);
  }

  @Override
  protected void handlerRemoved0(ChannelHandlerContext context) {
    over();
  }

  private void over() {
    if (closed) {
      return;
    }
    closed = true;
    dead = true;
    budget.takeBack(promised);
    promised = 0;
    endStreams(Http2Error.NO_ERROR.code(), false);
    ByteBuf gathered = out;
    out = null;
    if (gathered != null) {
      gathered.release();
    }
    encoder.close();
    reader.close();
    owner.onClosed();
  }

  private void endStreams(long code, boolean untouched) {
    for (Http2Stream stream : streams()) {
      over(stream, false);
      Http2Stream.Listener told = stream.listener;
      if (told != null) {
        told.onReset(code, untouched, null);
      }
    }
  }

  // What the peer sends.

  @Override
  public int onDataRead(
      ChannelHandlerContext context, int id, ByteBuf data, int padding, boolean last)
      throws Http2Exception {
    int size = data.readableBytes() + padding;
    receiveWindow -= size;
    if (receiveWindow < 0) {
      throw connection(Http2Error.FLOW_CONTROL_ERROR, "the connection's window is exceeded");
    }
    unreturned += size;
    sinceHalf += size;
    int more = 0;
    if (sinceHalf >= connectionWindow / 2) {
      more = growth(connectionWindow, WindowGrowth.MOST_OF_CONNECTION, sinceHalf, lastHalf);
      lastHalf = now();
      sinceHalf = 0;
      if (more > 0 && budget.promise(more)) {
        promised += more;
        connectionWindow += more;
      } else {
        more = 0;
      }
    }
    var _ = giveBack(more);
    Http2Stream stream = streams.get(id);
    if (stream == null) {
      if (idle(id)) {
        throw connection(Http2Error.PROTOCOL_ERROR, "DATA on an idle stream");
      }
      if (!closedByUs(id)) {
        misbehaved(id, Http2Error.STREAM_CLOSED, "DATA on a closed stream");
      }
      return 0;
    }
    if (stream.remoteEnded) {
      misbehaved(id, Http2Error.STREAM_CLOSED, "DATA after the end");
      return 0;
    }
    if (!stream.headSeen) {
      misbehaved(id, Http2Error.PROTOCOL_ERROR, "DATA before a head");
      return 0;
    }
    stream.receiveWindow -= size;
    if (stream.receiveWindow < 0) {
      misbehaved(id, Http2Error.FLOW_CONTROL_ERROR, "the stream's window is exceeded");
      return 0;
    }
    int length = data.readableBytes();
    if (!stream.count(length) || (last && !stream.complete())) {
      misbehaved(id, Http2Error.PROTOCOL_ERROR, "content-length and DATA differ");
      return 0;
    }
    boolean empty = length == 0 && !last;
    if (!floods.data(empty)) {
      flood(FloodKind.EMPTY_DATA);
      return 0;
    }
    if (empty && tooMany(FloodKind.EMPTY_DATA)) {
      return 0;
    }
    stream.remoteEnded = last;
    Http2Stream.Listener told = stream.listener;
    if (told != null) {
      if (length > 0 && !last && side == Side.SERVER && stream.promiseKept()) {
        stream.hold(data.retainedSlice());
      } else if (length > 0) {
        told.onBody(data.retainedSlice());
      }
      stream.used(size);
      if (last) {
        stream.letGo(told);
        told.onEnd(null);
      }
    }
    ended(stream);
    return 0;
  }

  /**
   * Gives back what was used of the window of all streams. They have their own as well: what one
   * holds back must not stall the others, unless memory becomes scarce.
   *
   * @param more by how much the window grows
   */
  private boolean giveBack(int more) {
    int most = Math.min(connectionWindow / 2, WindowGrowth.MOST_UNRETURNED);
    if (more == 0 && unreturned < most) {
      return false;
    }
    int kept = kept();
    if (kept > 0 && !asksAgain) {
      asksAgain = true;
      ctx.executor().schedule(this::askAgain, ASKED_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
    }
    if (more == 0 && unreturned - kept < most) {
      return false;
    }
    giveBackAllBut(kept, more);
    return true;
  }

  /** How much of what was used is not given back now. */
  private int kept() {
    return waiting == 0 ? 0 : (int) Math.clamp(waiting - budget.mayWait(), 0L, unreturned);
  }

  private void giveBackAllBut(int kept, int more) {
    int amount = unreturned - kept + more;
    unreturned = kept;
    receiveWindow += amount;
    writeWindowUpdate(0, amount);
  }

  /**
   * Memory may be there again. While it is not, one stream that nobody reads is not to stop all
   * others for good: a little passes.
   */
  private void askAgain() {
    asksAgain = false;
    if (dead || closed || unreturned == 0) {
      return;
    }
    int kept = kept();
    if (kept > 0) {
      asksAgain = true;
      ctx.executor().schedule(this::askAgain, ASKED_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
      int lacks = LEAST_WINDOW - receiveWindow - (unreturned - kept);
      kept = Math.clamp(kept - (long) Math.max(0, lacks), 0, kept);
    }
    if (kept < unreturned) {
      giveBackAllBut(kept, 0);
      flush();
    }
  }

  /**
   * So many bytes more, or less, wait for streams whose other side takes nothing now.
   *
   * @return whether something was written that is to be flushed
   */
  boolean waits(long more) {
    waiting += more;
    return more < 0 && !dead && giveBack(0);
  }

  /** The peer's way is whole; if ours is too, the stream is over. */
  private void ended(Http2Stream stream) {
    if (stream.remoteEnded && stream.localEnded && !stream.gone) {
      over(stream, false);
    }
  }

  @Override
  public void onHeadersRead(
      ChannelHandlerContext context,
      int id,
      Http2Headers headers,
      int dependency,
      short weight,
      boolean exclusive,
      int padding,
      boolean last)
      throws Http2Exception {
    head(
        id,
        ((HpackReader.Carried) headers).fields(),
        last,
        dependency == id ? "a stream depends on itself" : null);
  }

  @Override
  public void onHeadersRead(
      ChannelHandlerContext context, int id, Http2Headers headers, int padding, boolean last)
      throws Http2Exception {
    head(id, ((HpackReader.Carried) headers).fields(), last, null);
  }

  private void head(int id, Http2Fields fields, boolean last, @Nullable String wrong)
      throws Http2Exception {
    Http2Stream stream = streams.get(id);
    if (stream == null) {
      stream = accept(id);
      if (stream == null) {
        return;
      }
    }
    if (stream.remoteEnded) {
      misbehaved(id, Http2Error.STREAM_CLOSED, "HEADERS after the end");
      return;
    }
    Http2Stream.Listener told = stream.listener;
    if (stream.headSeen) {
      trailers(stream, told, fields, last);
      return;
    }
    String fault = wrong;
    if (fault == null && !fields.tooMany()) {
      fault = side == Side.SERVER ? fields.requestFault() : fields.responseFault();
    }
    if (fault == null
        && side == Side.SERVER
        && !config.extendedConnect()
        && fields.protocol() != null) {
      fault = ":protocol was not offered";
    }
    boolean bodiless = side == Side.CLIENT && (stream.asksForHead() || fields.bodiless());
    if (fault == null && last && fields.contentLength() > 0 && !bodiless) {
      fault = "content-length promises a body that does not come";
    }
    if (fault == null && side == Side.CLIENT && fields.interim()) {
      if (last) {
        fault = "an interim answer cannot be the last";
      } else if (told != null) {
        told.onHead(fields, false);
        return;
      }
    }
    if (fault != null) {
      misbehaved(id, Http2Error.PROTOCOL_ERROR, fault, FloodKind.BAD_HEADERS);
      return;
    }
    if (fields.tooMany() && tooMany(FloodKind.LARGE_HEADERS)) {
      return;
    }
    stream.headSeen = true;
    stream.remoteEnded = last;
    if (!last && !(stream.tunnel && fields.agrees())) {
      stream.declare(bodiless ? 0 : fields.contentLength());
    }
    if (told != null) {
      told.onHead(fields, last);
      if (last) {
        told.onEnd(null);
      }
    }
    ended(stream);
  }

  private void trailers(
      Http2Stream stream, Http2Stream.@Nullable Listener told, Http2Fields fields, boolean last) {
    String fault =
        !last
            ? "trailers must end the stream"
            : !stream.complete() ? "content-length and DATA differ" : fields.trailerFault();
    if (fault != null) {
      misbehaved(stream.id, Http2Error.PROTOCOL_ERROR, fault, FloodKind.BAD_HEADERS);
      return;
    }
    stream.remoteEnded = true;
    if (told != null) {
      stream.letGo(told);
      told.onEnd(fields.trailers());
    }
    ended(stream);
  }

  /** The stream that HEADERS open; null if it is refused. */
  private @Nullable Http2Stream accept(int id) throws Http2Exception {
    if (side == Side.CLIENT || !isPeers(id)) {
      if (idle(id)) {
        throw connection(Http2Error.PROTOCOL_ERROR, "HEADERS on an idle stream");
      }
      if (!closedByUs(id)) {
        throw connection(Http2Error.STREAM_CLOSED, "HEADERS on a closed stream");
      }
      return null;
    }
    if (id <= lastPeerId) {
      if (closedByUs(id)) {
        return null;
      }
      throw connection(
          lately(id) ? Http2Error.STREAM_CLOSED : Http2Error.PROTOCOL_ERROR,
          "HEADERS on a stream that is closed");
    }
    if (goesAway) {
      return null;
    }
    if (streams.size() >= config.maxStreams()) {
      lastPeerId = id;
      floods.opened();
      if (!tooMany(FloodKind.REFUSED_STREAMS)) {
        writeReset(id, Http2Error.REFUSED_STREAM);
        remember(-id);
      }
      return null;
    }
    return opened(id);
  }

  private Http2Stream opened(int id) {
    lastPeerId = id;
    floods.opened();
    Http2Stream made = new Http2Stream(this, id, peerStreamWindow, streamWindow);
    made.begun = true;
    streams.put(id, made);
    owner.onStream(made);
    return made;
  }

  @Override
  public void onPriorityRead(
      ChannelHandlerContext context, int id, int dependency, short weight, boolean exclusive) {
    if (id == dependency) {
      misbehaved(id, Http2Error.PROTOCOL_ERROR, "a stream depends on itself");
      return;
    }
    tooMany(FloodKind.PRIORITY);
  }

  @Override
  public void onRstStreamRead(ChannelHandlerContext context, int id, long code)
      throws Http2Exception {
    Http2Stream stream = streams.get(id);
    if (stream == null) {
      if (idle(id)) {
        throw connection(Http2Error.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
      }
      tooMany(FloodKind.RAPID_RESET);
      return;
    }
    over(stream, false);
    Http2Stream.Listener told = stream.listener;
    if (told != null) {
      told.onReset(code, code == Http2Error.REFUSED_STREAM.code(), null);
    }
    if (side == Side.SERVER) {
      tooMany(FloodKind.RAPID_RESET);
    }
  }

  @Override
  public void onSettingsAckRead(ChannelHandlerContext context) {
    tooMany(FloodKind.SETTINGS);
  }

  @Override
  public void onSettingsRead(ChannelHandlerContext context, Http2Settings settings)
      throws Http2Exception {
    if (tooMany(FloodKind.SETTINGS)) {
      return;
    }
    learn(settings);
    frame(0, Http2FrameTypes.SETTINGS, 1, 0);
    reply();
    if (settings.initialWindowSize() != null) {
      for (Http2Stream stream : streams()) {
        stream.send();
      }
    }
    owner.onSettings();
  }

  private void learn(Http2Settings settings) throws Http2Exception {
    Long table = settings.headerTableSize();
    if (table != null) {
      encoder.tableSize(table);
    }
    Long max = settings.maxConcurrentStreams();
    peerMaxStreams =
        max == null
            ? (settingsPeer ? peerMaxStreams : 1000)
            : (int) Math.min(max, Integer.MAX_VALUE);
    settingsPeer = true;
    Boolean connect = settings.connectProtocolEnabled();
    if (connect != null && side == Side.CLIENT) {
      if (peerExtendedConnect && !connect) {
        throw connection(Http2Error.PROTOCOL_ERROR, "extended CONNECT is taken back");
      }
      peerExtendedConnect = connect;
    }
    Integer frame = settings.maxFrameSize();
    if (frame != null) {
      peerMaxFrame = Math.min(frame, 64 * 1024);
    }
    Integer window = settings.initialWindowSize();
    if (window != null) {
      int more = window - peerStreamWindow;
      peerStreamWindow = window;
      for (Http2Stream stream : streams()) {
        if ((long) stream.sendWindow + more > Integer.MAX_VALUE) {
          throw connection(Http2Error.FLOW_CONTROL_ERROR, "a window is exceeded by SETTINGS");
        }
        stream.sendWindow += more;
      }
    }
  }

  @Override
  public void onPingRead(ChannelHandlerContext context, long data) {
    if (!tooMany(FloodKind.PING)) {
      frame(8, Http2FrameTypes.PING, 1, 0).writeLong(data);
      reply();
    }
  }

  @Override
  public void onPingAckRead(ChannelHandlerContext context, long data) {
    if (!tooMany(FloodKind.PING) && data == WindowGrowth.PING) {
      growth.answered(now());
    }
  }

  @Override
  public void onPushPromiseRead(
      ChannelHandlerContext context, int id, int promised, Http2Headers headers, int padding)
      throws Http2Exception {
    throw connection(Http2Error.PROTOCOL_ERROR, "PUSH_PROMISE was not allowed");
  }

  @Override
  public void onGoAwayRead(ChannelHandlerContext context, int lastId, long code, ByteBuf debug) {
    peerGoesAway = true;
    owner.onGoAway();
    if (side == Side.CLIENT) {
      for (Http2Stream stream : streams()) {
        if (stream.id > lastId) {
          over(stream, false);
          Http2Stream.Listener told = stream.listener;
          if (told != null) {
            told.onReset(code, true, null);
          }
        }
      }
    }
    if (streams.isEmpty()) {
      close();
    }
  }

  @Override
  public void onWindowUpdateRead(ChannelHandlerContext context, int id, int more)
      throws Http2Exception {
    if (tooMany(FloodKind.WINDOW_UPDATE)) {
      return;
    }
    if (id == 0) {
      if ((long) sendWindow + more > Integer.MAX_VALUE) {
        throw connection(Http2Error.FLOW_CONTROL_ERROR, "the connection's window overflows");
      }
      sendWindow += more;
      sendBlocked();
      return;
    }
    Http2Stream stream = streams.get(id);
    if (stream == null) {
      if (idle(id)) {
        throw connection(Http2Error.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
      }
      return;
    }
    if ((long) stream.sendWindow + more > Integer.MAX_VALUE) {
      misbehaved(id, Http2Error.FLOW_CONTROL_ERROR, "the stream's window overflows");
      return;
    }
    stream.sendWindow += more;
    stream.send();
  }

  @Override
  public void onUnknownFrame(
      ChannelHandlerContext context, byte type, int id, Http2Flags flags, ByteBuf payload) {
    tooMany(FloodKind.UNKNOWN_FRAMES);
  }

  // Streams.

  private boolean isPeers(int id) {
    return (id & 1) == (side == Side.SERVER ? 1 : 0);
  }

  private boolean idle(int id) {
    return isPeers(id) ? id > lastPeerId : id >= nextId || side == Side.SERVER;
  }

  /** A stream is over; nobody is told but the owner. */
  void over(Http2Stream stream, boolean byUs) {
    if (stream.gone) {
      return;
    }
    if (stream.remoteEnded && stream.localEnded) {
      floods.ended();
    }
    stream.drop();
    streams.remove(stream.id);
    remember(byUs ? -stream.id : stream.id);
    owner.onStreamOver(stream);
    if ((goesAway || peerGoesAway) && streams.isEmpty() && !closed && !dead) {
      close();
    }
  }

  private void remember(int id) {
    lately[latelyAt] = id;
    latelyAt = (latelyAt + 1) % REMEMBERED;
  }

  private boolean closedByUs(int id) {
    for (int one : lately) {
      if (one == -id) {
        return true;
      }
    }
    return false;
  }

  private boolean lately(int id) {
    for (int one : lately) {
      if (one == id) {
        return true;
      }
    }
    return false;
  }

  void block(Http2Stream stream) {
    if (!stream.blocked) {
      stream.blocked = true;
      blocked.addLast(stream);
    }
  }

  /** Sends what waited for the connection's window or for the channel. */
  private void sendBlocked() {
    for (int left = blocked.size(); left > 0 && canSend(); left--) {
      Http2Stream stream = blocked.pollFirst();
      if (stream != null) {
        stream.blocked = false;
        if (!stream.gone) {
          stream.send();
        }
      }
    }
    if (canSend()) {
      for (Http2Stream stream : streams()) {
        stream.tellWritable();
      }
    }
  }

  /** How much there is of this stream's next DATA frame, which is not whole. */
  int unfinishedDataOf(int id) {
    return unfinishedOf == id ? unfinishedData : 0;
  }

  int sendWindow() {
    return sendWindow;
  }

  int maxFrame() {
    return peerMaxFrame;
  }

  int streamWindow() {
    return streamWindow;
  }

  /** Only of answers: who asks us is not trusted with more of our memory. */
  private int growth(int window, int most, int bytes, long since) {
    return side == Side.CLIENT ? growth.more(window, most, bytes, now() - since) : 0;
  }

  /**
   * A stream gave back so much of its window. How long the way to half of it took counts however it
   * was read: what a way carries in windows comes in bursts, and none is taken all at once.
   */
  void gaveBack(Http2Stream stream, int bytes) {
    if (side == Side.SERVER) {
      return;
    }
    long now = now();
    if (streamWindow < WindowGrowth.MOST_OF_STREAM && growth.asks(now)) {
      frame(8, Http2FrameTypes.PING, 0, 0).writeLong(WindowGrowth.PING);
    }
    stream.sinceHalf += bytes;
    if (stream.sinceHalf < streamWindow / 2) {
      return;
    }
    int more = growth(streamWindow, WindowGrowth.MOST_OF_STREAM, stream.sinceHalf, stream.lastHalf);
    stream.sinceHalf = 0;
    stream.lastHalf = now;
    if (more > 0) {
      streamWindow += more;
      setting(
          frame(6, Http2FrameTypes.SETTINGS, 0, 0),
          Http2CodecUtil.SETTINGS_INITIAL_WINDOW_SIZE,
          streamWindow);
      for (Http2Stream each : streams()) {
        each.receiveWindow += more;
      }
    }
  }

  boolean canSend() {
    return sendWindow > 0 && ctx.channel().isWritable();
  }

  // Abuse.

  private boolean tooMany(FloodKind kind) {
    if (!floods.tooMany(kind)) {
      return false;
    }
    flood(kind);
    return true;
  }

  /** The peer is told that it was too much, and that was it. */
  public void flood(FloodKind kind) {
    if (!dead && !closed) {
      owner.onFlood(kind);
      fail(Http2Error.ENHANCE_YOUR_CALM, kind.label());
    }
  }

  /** Whether the peer's windows have let so little through too often; the connection is over. */
  boolean tiny(int size) {
    return size < TINY && tooMany(FloodKind.TINY_WINDOWS);
  }

  /** An answer that a peer made us give; it must also read them. */
  private void reply() {
    if (!ctx.channel().isWritable()) {
      unsentReplies++;
    }
  }

  private static Http2Exception connection(Http2Error error, String why) {
    return Http2Exception.connectionError(error, why);
  }

  // What is sent.

  private ByteBuf gathered(int size) {
    ByteBuf to = out;
    if (to == null) {
      to = ctx.alloc().directBuffer(Math.max(512, size));
      out = to;
    }
    return to;
  }

  private ByteBuf frame(int length, byte type, int flags, int stream) {
    lastDataOf = 0;
    if (!ctx.channel().isWritable()) {
      unsent++;
    }
    return gathered(HEADER + length)
        .writeMedium(length)
        .writeByte(type)
        .writeByte(flags)
        .writeInt(stream);
  }

  void writeRequest(Http2Stream stream, RequestHead head, boolean last, @Nullable String protocol) {
    ByteBuf to = headers(stream.id, last);
    int at = to.writerIndex();
    try {
      encoder.request(stream.id, head, protocol, to);
      headersWhole(stream.id, to, at);
    } catch (Http2Exception e) {
      fail(Http2Error.INTERNAL_ERROR, "HPACK");
    }
  }

  void writeResponse(Http2Stream stream, ResponseHead head, boolean last) {
    ByteBuf to = headers(stream.id, last);
    int at = to.writerIndex();
    try {
      encoder.response(stream.id, head, to);
      headersWhole(stream.id, to, at);
    } catch (Http2Exception e) {
      fail(Http2Error.INTERNAL_ERROR, "HPACK");
    }
  }

  void writeTrailers(Http2Stream stream, Headers trailers) {
    ByteBuf to = headers(stream.id, true);
    int at = to.writerIndex();
    try {
      encoder.trailers(stream.id, trailers, to);
      headersWhole(stream.id, to, at);
    } catch (Http2Exception e) {
      fail(Http2Error.INTERNAL_ERROR, "HPACK");
    }
  }

  /** Begins a HEADERS frame whose length is not known yet; the block is written behind it. */
  private ByteBuf headers(int id, boolean last) {
    return frame(0, Http2FrameTypes.HEADERS, last ? END_STREAM : 0, id);
  }

  /** Completes the frame whose block begins there; what a frame cannot hold is moved to others. */
  private void headersWhole(int id, ByteBuf to, int block) {
    int size = to.writerIndex() - block;
    if (size <= MAX_FRAME) {
      to.setMedium(block - HEADER, size);
      to.setByte(block - HEADER + 4, to.getByte(block - HEADER + 4) | END_HEADERS);
      return;
    }
    to.setMedium(block - HEADER, MAX_FRAME);
    ByteBuf rest = to.copy(block + MAX_FRAME, size - MAX_FRAME);
    to.writerIndex(block + MAX_FRAME);
    while (rest.isReadable()) {
      int part = Math.min(rest.readableBytes(), MAX_FRAME);
      boolean whole = part == rest.readableBytes();
      frame(part, Http2FrameTypes.CONTINUATION, whole ? END_HEADERS : 0, id).writeBytes(rest, part);
    }
    rest.release();
  }

  /** Takes ownership of the bytes. */
  void writeData(int id, ByteBuf bytes, int size, boolean last) {
    sendWindow -= size;
    floods.sentData();
    ByteBuf to = frame(size, Http2FrameTypes.DATA, last ? 1 : 0, id);
    if (size <= COPIED) {
      lastDataOf = id;
      lastDataFlagsAt = to.writerIndex() - 5;
      to.writeBytes(bytes, size);
      bytes.release();
    } else {
      out = null;
      ctx.write(to, ctx.voidPromise());
      ctx.write(bytes, ctx.voidPromise());
      unflushed = true;
    }
  }

  void writeEnd(int id) {
    ByteBuf gathered = out;
    if (lastDataOf == id && gathered != null) {
      gathered.setByte(lastDataFlagsAt, 1); // the frame is still here: it is the last
      lastDataOf = 0;
      return;
    }
    frame(0, Http2FrameTypes.DATA, 1, id);
  }

  void writeReset(int id, Http2Error error) {
    if (!closed) {
      frame(4, Http2FrameTypes.RST_STREAM, 0, id).writeInt((int) error.code());
      reply();
    }
  }

  void writeWindowUpdate(int id, int more) {
    if (!closed) {
      frame(4, Http2FrameTypes.WINDOW_UPDATE, 0, id).writeInt(more);
    }
  }

  private void writeGoAway(int lastId, Http2Error error, String why) {
    String shown = why.length() > 200 ? why.substring(0, 200) : why;
    byte[] text = shown.getBytes(StandardCharsets.UTF_8);
    frame(8 + text.length, Http2FrameTypes.GO_AWAY, 0, 0)
        .writeInt(lastId)
        .writeInt((int) error.code())
        .writeBytes(text);
  }

  private long now() {
    return ctx.executor().ticker().nanoTime();
  }
}
