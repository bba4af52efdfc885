package dev.outrigger.proxy.upstream;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.Alpn;
import dev.outrigger.proxy.config.ClusterConfig.AnswerLimits;
import dev.outrigger.proxy.config.Http2Config;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Tunnel;
import dev.outrigger.proxy.http.codec.FloodKind;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.http.codec.Http2Connection;
import dev.outrigger.proxy.http.codec.Http2Fields;
import dev.outrigger.proxy.http.codec.Http2Stream;
import dev.outrigger.proxy.http.codec.WebSocketKeys;
import dev.outrigger.proxy.http.codec.WrittenNames;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.TooLarge.What;
import dev.outrigger.proxy.outcome.ProxyError.UpstreamReset.How;
import dev.outrigger.proxy.worker.EarlyEnd;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.EventExecutor;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A connection to an endpoint that speaks HTTP/2, shared by as many exchanges as the endpoint
 * allows. Confined to its worker's event loop.
 */
@WorkerConfined
final class Http2Upstream implements Http2Connection.Owner {
  private final ConnectionPool pool;
  private @Nullable SocketAddress local;
  private final Http2Connection connection;

  @SuppressWarnings("NullAway.Init") // set by onOpen, before any stream
  private ChannelHandlerContext context;

  private final List<Stream> touched = new ArrayList<>();
  private final int maxHeaders;
  private final long madeAt;
  private final EarlyEnd early;
  private long idleSince;
  private int requests;
  private boolean retired;
  private final List<Stream> unsettled = new ArrayList<>(0); // wait for the peer's SETTINGS
  private boolean mesh; // whether the peer is a proxy like this one

  Http2Upstream(
      ConnectionPool pool,
      Http2Config config,
      AnswerLimits limits,
      WindowBudget windows,
      long now) {
    this.pool = pool;
    this.maxHeaders = limits.maxHeaders();
    this.madeAt = now;
    this.early = new EarlyEnd(pool.random());
    this.idleSince = now;
    this.connection =
        new Http2Connection(
            Http2Connection.Side.CLIENT, config, limits.maxHeadBytes(), maxHeaders, windows, this);
  }

  ChannelHandler handler() {
    return connection;
  }

  boolean hasRoom() {
    return !retired && connection.hasRoom();
  }

  int active() {
    return connection.openStreams();
  }

  UpstreamStream newStream() {
    requests++;
    return new Stream(connection.newStream());
  }

  boolean used(int max) {
    return max > 0 && requests >= early.of(max);
  }

  boolean older(long now, Duration maxAge) {
    return !maxAge.isZero() && now - madeAt >= early.of(maxAge.toNanos());
  }

  boolean unusedFor(long now, long nanos) {
    return nanos > 0 && active() == 0 && now - idleSince >= nanos;
  }

  void keepAlive(long now) {
    connection.keepAlive(now);
  }

  /** Takes no new streams, and closes with the last. */
  void retire() {
    if (!retired) {
      retired = true;
      pool.goesAway(this);
      connection.goAway();
    }
  }

  @Override
  public void onOpen(ChannelHandlerContext opened) {
    context = opened;
    local = opened.channel().localAddress();
    SslHandler tls = opened.pipeline().get(SslHandler.class);
    mesh = tls != null && Alpn.MESH_HTTP2.equals(tls.applicationProtocol());
  }

  @Override
  public void onStream(Http2Stream stream) {}

  @Override
  public void onStreamOver(Http2Stream stream) {
    if (active() == 0) {
      idleSince = pool.now();
    }
    pool.roomMade(this);
  }

  /** Whether it is known how many streams it takes. */
  boolean settled() {
    return connection.settled();
  }

  @Override
  public void onSettings() {
    if (!unsettled.isEmpty()) {
      List<Stream> waiting = List.copyOf(unsettled);
      unsettled.clear();
      waiting.forEach(Stream::settled);
    }
    pool.settled(this, connection.peerMaxStreams());
  }

  @Override
  public void onGoAway() {
    retired = true;
    pool.goesAway(this);
  }

  @Override
  public void onReadComplete() {
    for (int i = 0; i < touched.size(); i++) {
      Stream stream = touched.get(i);
      stream.touchedNow = false;
      StreamListener to = stream.flushes;
      if (to != null) {
        to.onAnswerReadComplete();
      }
    }
    touched.clear();
  }

  @Override
  public void onFlood(FloodKind kind) {
    pool.flooded(kind);
  }

  @Override
  public void onBroken() {
    pool.violated(Violation.CONNECTION);
  }

  @Override
  public void onClosed() {
    retired = true;
    pool.closed(this);
  }

  /** One request and its answer. */
  private final class Stream implements UpstreamStream, Http2Stream.Listener {
    private final Http2Stream wire;
    private @Nullable StreamListener listener;
    private @Nullable StreamListener flushes;
    private boolean headRequest;
    private boolean wasHttp1;
    private boolean flushed;
    private boolean headSeen;
    private @Nullable ResponseHead held;
    private boolean touchedNow;
    private @Nullable Tunnel wanted;
    private @Nullable RequestHead asked;
    private boolean tunnel;
    private boolean outputEnded;

    Stream(Http2Stream wire) {
      this.wire = wire;
      wire.listener(this);
    }

    // The request way.

    @Override
    public void start(
        StreamListener answers, RequestHead head, BodyKind body, @Nullable Tunnel wish) {
      listener = answers;
      flushes = answers;
      headRequest = head.method().equals("HEAD");
      wanted = wish;
      if (mesh) {
        WrittenNames.drop(head.headers()); // somebody else's
      }
      if (wish == null || wish.protocol() == null) {
        wasHttp1 = mesh && wish == null && head.version() != HttpVersion.HTTP_2;
        if (wasHttp1) {
          WrittenNames.put(head.headers());
        }
        wire.request(head, body == BodyKind.NONE && wish == null, null);
        if (wasHttp1) {
          WrittenNames.drop(head.headers()); // another attempt may go another way
        }
        return;
      }
      asked = head;
      if (connection.settled()) {
        if (connection.extendedConnect() && getsBack(head)) {
          wire.request(head, false, wish.protocol());
        } else {
          loop().execute(this::cannot); // not from within: who started it is not done yet
        }
      } else {
        unsettled.add(this);
      }
    }

    private EventExecutor loop() {
      return context.executor();
    }

    /** The method is CONNECT from here on, and whoever changes it back can only make it a GET. */
    private static boolean getsBack(RequestHead head) {
      return head.method().equals("GET");
    }

    /** The peer has said what it offers. */
    private void settled() {
      RequestHead head = asked;
      Tunnel wish = wanted;
      if (wire.gone() || head == null || wish == null) {
        return;
      }
      if (connection.extendedConnect() && getsBack(head) && connection.renumber(wire)) {
        wire.request(head, false, wish.protocol());
        flush();
      } else {
        cannot();
      }
    }

    private void cannot() {
      Tunnel wish = wanted;
      RequestHead head = asked;
      if (wire.gone() || wish == null || head == null) {
        return;
      }
      wire.reset(Http2Error.CANCEL); // which nobody hears of
      fail(
          new ProxyError.ProtocolViolation(
              Origin.UPSTREAM,
              getsBack(head)
                  ? "the upstream does not offer " + wish.protocol() + " over HTTP/2 (RFC 8441)"
                  : "HTTP/2 can change to " + wish.protocol() + " only from GET"),
          false);
    }

    @Override
    public void body(ByteBuf bytes) {
      wire.body(bytes);
    }

    @Override
    public void end(@Nullable Headers trailers) {
      outputEnded = true;
      wire.end(trailers);
    }

    @Override
    public void flush() {
      if (wire.begun()) {
        flushed = true;
        wire.flush(); // even if it is gone: its last frame may still be here
      }
    }

    @Override
    public boolean writable() {
      return wire.writable();
    }

    @Override
    public List<FaultRule> faults() {
      return ConnectionFaults.of(context.channel());
    }

    @Override
    public @Nullable SocketAddress localAddress() {
      return local;
    }

    @Override
    public boolean touched() {
      return flushed;
    }

    @Override
    public FlowGate answerGate() {
      return wire.gate();
    }

    @Override
    public void cancel() {
      listener = null;
      flushes = null;
      if (!wire.gone()) {
        wire.reset(Http2Error.CANCEL);
        wire.flush();
      }
    }

    @Override
    public void discardRest() {
      cancel();
    }

    // The answer's way.

    private @Nullable StreamListener told() {
      StreamListener to = listener;
      if (to != null && !touchedNow) {
        touchedNow = true;
        touched.add(this);
      }
      return to;
    }

    @Override
    public void onHead(Http2Fields fields, boolean last) {
      StreamListener to = told();
      if (to == null) {
        return;
      }
      if (fields.tooMany()) {
        pool.violated(Violation.TOO_LARGE);
        fail(new ProxyError.TooLarge(Origin.UPSTREAM, What.HEADER_COUNT, maxHeaders), false);
        wire.reset(Http2Error.CANCEL);
        return;
      }
      ResponseHead head = fields.response();
      if (wasHttp1) {
        WrittenNames.take(head.headers());
      }
      if (head.status() < 200) {
        to.onInterim(head);
        return;
      }
      headSeen = true;
      Tunnel wish = wanted;
      if (wish != null && head.status() < 300) {
        tunnel = true;
        head.headers().remove(HeaderName.CONTENT_LENGTH); // RFC 9110, section 9.3.6
        if (wish.protocol() != null) {
          head.status(101);
          completeHandshake(head.headers(), wish);
        }
        to.onHead(head, BodyKind.TUNNEL);
        return;
      }
      boolean none =
          headRequest
              || head.status() == 204
              || head.status() == 304
              || fields.contentLength() == 0;
      if (none && !last) {
        held = head; // a body may come all the same, and then this is no answer
        return;
      }
      to.onHead(
          head,
          last ? BodyKind.NONE : fields.contentLength() >= 0 ? BodyKind.LENGTH : BodyKind.STREAM);
    }

    /** HTTP/2 agrees to WebSocket without this; a client of HTTP/1.1 waits for it. */
    private void completeHandshake(Headers headers, Tunnel wish) {
      RequestHead head = asked;
      String key = head == null ? null : head.headers().get(HeaderName.SEC_WEBSOCKET_KEY);
      if (key != null
          && UpgradesConfig.WEBSOCKET.equals(wish.protocol())
          && !headers.contains(HeaderName.SEC_WEBSOCKET_ACCEPT)) {
        headers.add(HeaderName.SEC_WEBSOCKET_ACCEPT, WebSocketKeys.acceptOf(key));
      }
    }

    @Override
    public void onBody(ByteBuf bytes) {
      StreamListener to = told();
      if (to == null) {
        bytes.release();
      } else {
        to.onAnswerBody(bytes);
      }
    }

    @Override
    public void onEnd(@Nullable Headers trailers) {
      StreamListener to = told();
      if (tunnel && !outputEnded) {
        if (to != null) {
          to.onAnswerEnd(null);
        }
        return;
      }
      ResponseHead head = held;
      held = null;
      if (to != null && head != null) {
        to.onHead(head, BodyKind.NONE);
        to = listener;
      }
      listener = null;
      if (to != null) {
        to.onAnswerEnd(trailers);
      }
      wire.resetOnceAnswered();
    }

    @Override
    public void onReset(long code, boolean untouched, @Nullable String fault) {
      if (fault != null) {
        pool.violated(Violation.MALFORMED);
        fail(new ProxyError.ProtocolViolation(Origin.UPSTREAM, fault), false);
        return;
      }
      boolean refused = code == Http2Error.REFUSED_STREAM.code();
      boolean gone = untouched && !refused;
      fail(
          new ProxyError.UpstreamReset(
              pool.endpointName(),
              code == Http2Error.NO_ERROR.code() ? How.CLOSED : How.RESET,
              !headSeen && (untouched || !flushed)),
          gone && !headSeen);
    }

    private void fail(ProxyError error, boolean raced) {
      StreamListener to = listener;
      listener = null;
      flushes = null;
      if (to != null) {
        to.onFailure(error, raced);
      }
    }

    @Override
    public void onWritable() {
      StreamListener to = listener;
      if (to != null) {
        to.onWritable();
      }
    }
  }
}
