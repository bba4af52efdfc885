package dev.outrigger.proxy.upstream;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.ClusterConfig.AnswerLimits;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Tunnel;
import dev.outrigger.proxy.http.codec.Connections;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.http.codec.HalfClose;
import dev.outrigger.proxy.http.codec.Http1BodyReader;
import dev.outrigger.proxy.http.codec.Http1HeadParser;
import dev.outrigger.proxy.http.codec.Http1HeadWriter;
import dev.outrigger.proxy.http.codec.WebSocketKeys;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.UpstreamReset.How;
import dev.outrigger.proxy.worker.EarlyEnd;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.io.IOException;
import java.net.SocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A connection to an endpoint that speaks HTTP/1.1: one stream after the other. Confined to its
 * worker's event loop.
 *
 * <p>States: IDLE → HEAD → BODY → IDLE; HEAD → TUNNEL; any → CLOSED. A tunnel is closed once both
 * ways have ended.
 */
@WorkerConfined
final class Http1Upstream extends ChannelInboundHandlerAdapter implements UpstreamStream {
  private static final int MAX_DISCARDED_BYTES = 64 * 1024;

  private enum State {
    IDLE,
    HEAD,
    BODY,
    TUNNEL,
    CLOSED
  }

  private final ConnectionPool pool;
  private final Http1HeadWriter writer;
  private final NameCase names;
  private final Http1HeadParser parser;
  private final Http1BodyReader reader;

  @SuppressWarnings("NullAway.Init") // set by handlerAdded, before any event
  private ChannelHandlerContext ctx;

  @SuppressWarnings("NullAway.Init") // likewise
  private FlowGate gate;

  private State state = State.IDLE;
  private @Nullable StreamListener listener;
  private boolean headRequest;
  private @Nullable Tunnel wanted;
  private @Nullable String accept; // that belongs to the key we made
  private boolean inputEnded;
  private boolean outputEnded;
  private BodyKind requestBody = BodyKind.NONE;
  private boolean requestDone;
  private boolean firstChunk;
  private boolean written;
  private boolean flushed;
  private boolean reused;
  private boolean sawBytes;
  private boolean keepAlive;
  private boolean sawReset;
  private int discardLeft;
  private int requests;

  /** When it was made and when it was last given back, in the worker's nanoseconds. */
  final long madeAt;

  final EarlyEnd early;

  long idleSince;

  Http1Upstream(ConnectionPool pool, Http1HeadWriter writer, PoolConfig config, long now) {
    AnswerLimits limits = config.answers();
    this.pool = pool;
    this.writer = writer;
    this.names = config.nameCase();
    this.parser = Http1HeadParser.ofResponses(limits.maxHeadBytes(), limits.maxHeaders());
    this.reader = new Http1BodyReader(Origin.UPSTREAM, limits.maxHeadBytes(), limits.maxHeaders());
    this.madeAt = now;
    this.early = new EarlyEnd(pool.random());
    this.idleSince = now;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
    gate = new FlowGate(context.channel());
  }

  boolean usable() {
    return state == State.IDLE && ctx.channel().isActive();
  }

  int requests() {
    return requests;
  }

  void close() {
    state = State.CLOSED;
    ctx.close();
  }

  // The request way.

  @Override
  public void start(
      StreamListener answers, RequestHead head, BodyKind body, @Nullable Tunnel tunnel) {
    assert state == State.IDLE;
    state = State.HEAD;
    listener = answers;
    headRequest = head.method().equals("HEAD");
    wanted = tunnel;
    requestBody = tunnel == null ? body : BodyKind.NONE;
    requestDone = body == BodyKind.NONE && tunnel == null;
    firstChunk = true;
    flushed = false;
    sawBytes = false;
    keepAlive = false;
    reused = requests > 0;
    requests++;
    accept = tunnel == null ? null : completeHandshake(head, tunnel);
    write(writer.request(head, requestBody == BodyKind.STREAM, names, ctx.alloc()));
  }

  /** HTTP/2 asks for WebSocket without a key (RFC 8441); returns what must come back for ours. */
  private @Nullable String completeHandshake(RequestHead head, Tunnel tunnel) {
    Headers headers = head.headers();
    if (head.version() != HttpVersion.HTTP_2
        || !UpgradesConfig.WEBSOCKET.equals(tunnel.protocol())
        || headers.contains(HeaderName.SEC_WEBSOCKET_KEY)) {
      return null;
    }
    String key = WebSocketKeys.newKey(pool.random());
    headers.add(HeaderName.SEC_WEBSOCKET_KEY, key);
    return WebSocketKeys.acceptOf(key);
  }

  @Override
  public void body(ByteBuf bytes) {
    if (outputEnded || listener == null || !bytes.isReadable()) {
      bytes.release();
      return;
    }
    if (requestBody == BodyKind.STREAM && state != State.TUNNEL) {
      write(writer.chunkStart(bytes.readableBytes(), firstChunk, ctx.alloc()));
      firstChunk = false;
    }
    write(bytes);
  }

  @Override
  public void end(@Nullable Headers trailers) {
    if (listener == null) {
      return;
    }
    if (state == State.TUNNEL) {
      if (!outputEnded) {
        outputEnded = true;
        HalfClose.send(ctx.channel());
        closeIfBothEnded();
      }
      return;
    }
    if (!requestDone && requestBody == BodyKind.STREAM) {
      write(writer.chunksEnd(firstChunk, trailers, names, ctx.alloc()));
    }
    requestDone = true;
  }

  private void closeIfBothEnded() {
    if (inputEnded && outputEnded) {
      listener = null;
      state = State.CLOSED;
      ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }
  }

  @Override
  public void flush() {
    if (written) {
      written = false;
      flushed = true;
      ctx.flush();
    }
  }

  @Override
  public boolean writable() {
    return ctx.channel().isWritable();
  }

  @Override
  public List<FaultRule> faults() {
    return ConnectionFaults.of(ctx.channel());
  }

  @Override
  public @Nullable SocketAddress localAddress() {
    return ctx.channel().localAddress();
  }

  @Override
  public boolean touched() {
    return flushed;
  }

  @Override
  public FlowGate answerGate() {
    return gate;
  }

  @Override
  public void cancel() {
    listener = null;
    if (state == State.TUNNEL) {
      ctx.channel().config().setOption(ChannelOption.SO_LINGER, 0);
    }
    if (state != State.CLOSED) {
      close();
    }
  }

  @Override
  public void discardRest() {
    if (!requestDone || !keepAlive || (state != State.BODY && state != State.HEAD)) {
      cancel();
      return;
    }
    listener = null;
    discardLeft = MAX_DISCARDED_BYTES;
    gate.release(FlowGate.PEER_FULL);
  }

  private void write(ByteBuf bytes) {
    written = true;
    ctx.write(bytes, ctx.voidPromise());
  }

  // The answer's way.

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf in = (ByteBuf) message;
    try {
      sawBytes = true;
      if (state == State.TUNNEL) {
        StreamListener to = listener;
        if (to != null) {
          to.onAnswerBody(in.retain());
        }
        return;
      }
      while (in.isReadable() && step(in)) {}
    } finally {
      in.release();
    }
  }

  /** Whether there may be more to do with what is left. */
  private boolean step(ByteBuf in) {
    return switch (state) {
      case IDLE -> {
        pool.violated(Violation.UNASKED); // nobody asked for this
        close();
        yield false;
      }
      case HEAD -> readHead(in);
      case BODY -> readBody(in);
      case TUNNEL -> {
        StreamListener to = listener;
        ByteBuf rest = in.readRetainedSlice(in.readableBytes());
        if (to == null) {
          rest.release();
        } else {
          to.onAnswerBody(rest);
        }
        yield false;
      }
      case CLOSED -> false;
    };
  }

  private boolean readHead(ByteBuf in) {
    StreamListener to = listener;
    if (!parser.parse(in) || to == null) {
      return false;
    }
    ProxyError error = parser.error();
    if (error != null) {
      fail(error);
      return false;
    }
    ResponseHead head = parser.response();
    int status = head.status();
    if (status == 101) {
      return readUpgrade(head, to);
    }
    if (status < 200) {
      to.onInterim(head);
      return true;
    }
    if (status < 300 && wanted != null && wanted.protocol() == null) {
      head.headers().remove(HeaderName.CONTENT_LENGTH); // RFC 9110, section 9.3.6
      head.headers().remove(HeaderName.TRANSFER_ENCODING);
      openTunnel(head, to);
      return true;
    }
    keepAlive = parser.keepAlive();
    BodyKind body;
    if (headRequest || status == 204 || status == 304) {
      reader.beginLength(0);
      body = BodyKind.NONE;
    } else if (parser.chunked()) {
      reader.beginChunked();
      body = BodyKind.STREAM;
    } else if (parser.contentLength() >= 0) {
      reader.beginLength(parser.contentLength());
      body = reader.done() ? BodyKind.NONE : BodyKind.LENGTH;
    } else {
      reader.beginUntilClose();
      keepAlive = false;
      body = BodyKind.STREAM;
    }
    state = State.BODY;
    to.onHead(head, body);
    if (state == State.BODY && reader.done()) {
      complete(in);
      return false;
    }
    return true;
  }

  private boolean readUpgrade(ResponseHead head, StreamListener to) {
    Tunnel asked = wanted;
    if (asked == null || asked.protocol() == null) {
      return violated("the upstream changed the protocol without being asked");
    }
    Headers headers = head.headers();
    if (!asked.protocol().equals(Connections.upgrade(headers))) {
      return violated("the upstream changed to another protocol than " + asked.protocol());
    }
    if (parser.chunked() || parser.contentLength() >= 0) {
      return violated("the upstream changed the protocol with a body");
    }
    if (accept != null) {
      if (!accept.equals(headers.get(HeaderName.SEC_WEBSOCKET_ACCEPT))) {
        return violated("the upstream's sec-websocket-accept does not belong to the key");
      }
      headers.remove(HeaderName.SEC_WEBSOCKET_ACCEPT);
    }
    openTunnel(head, to);
    return true;
  }

  private boolean violated(String what) {
    fail(new ProxyError.ProtocolViolation(Origin.UPSTREAM, what));
    return false;
  }

  private void openTunnel(ResponseHead head, StreamListener to) {
    state = State.TUNNEL;
    inputEnded = false;
    outputEnded = false;
    ctx.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
    to.onHead(head, BodyKind.TUNNEL);
  }

  private boolean readBody(ByteBuf in) {
    ByteBuf piece = reader.next(in);
    StreamListener to = listener;
    if (piece != null) {
      if (to != null) {
        to.onAnswerBody(piece);
      } else {
        discardLeft -= piece.readableBytes();
        piece.release();
        if (discardLeft < 0) {
          close();
          return false;
        }
      }
    }
    if (state != State.BODY) {
      return false;
    }
    ProxyError error = reader.error();
    if (error != null) {
      fail(error);
      return false;
    }
    if (reader.done()) {
      complete(in);
      return false;
    }
    return true;
  }

  /** The answer is whole: the connection goes back before its listener goes on. */
  private void complete(ByteBuf in) {
    StreamListener to = listener;
    Headers trailers = reader.trailers();
    listener = null;
    gate.release(FlowGate.PEER_FULL);
    if (requestDone && keepAlive && !in.isReadable()) {
      state = State.IDLE;
      flush(); // a request may have been answered before its last bytes were flushed
      pool.giveBack(this);
    } else {
      if (keepAlive && in.isReadable()) {
        pool.violated(Violation.UNASKED);
      }
      close();
    }
    if (to != null) {
      to.onAnswerEnd(trailers);
    }
  }

  private void fail(ProxyError error) {
    StreamListener to = listener;
    boolean raced =
        reused && !sawBytes && error instanceof ProxyError.UpstreamReset && state == State.HEAD;
    Violation violation = Violation.of(error);
    if (violation != null) {
      pool.violated(violation);
    }
    listener = null;
    close();
    if (to != null) {
      to.onFailure(error, raced);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    StreamListener to = listener;
    if (to != null) {
      to.onAnswerReadComplete();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    StreamListener to = listener;
    if (to != null && context.channel().isWritable()) {
      to.onWritable();
    }
    context.fireChannelWritabilityChanged();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (state == State.TUNNEL) {
      if (HalfClose.ends(event)) {
        tunnelInputEnded();
      }
    } else if (event instanceof ChannelInputShutdownEvent) {
      context.close();
    }
    context.fireUserEventTriggered(event);
  }

  private void tunnelInputEnded() {
    StreamListener to = listener;
    if (!inputEnded) {
      inputEnded = true;
      if (to != null) {
        to.onAnswerEnd(null);
      }
      closeIfBothEnded();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    sawReset = cause instanceof IOException;
    context.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    ended();
    context.fireChannelInactive();
  }

  private void ended() {
    State at = state;
    if (at == State.TUNNEL && !sawReset) {
      tunnelInputEnded();
    }
    StreamListener to = listener;
    state = State.CLOSED;
    pool.closed(this);
    if (to == null) {
      return;
    }
    if (at == State.BODY && reader.untilClose() && !sawReset) {
      listener = null;
      to.onAnswerEnd(null);
      return;
    }
    state = at;
    fail(
        new ProxyError.UpstreamReset(
            pool.endpointName(), sawReset ? How.RESET : How.CLOSED, !flushed));
  }
}
