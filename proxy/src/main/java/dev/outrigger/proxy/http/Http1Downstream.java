package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.HttpProxyConfig.Timeouts;
import dev.outrigger.proxy.config.NameCase;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.http.codec.Connections;
import dev.outrigger.proxy.http.codec.FloodKind;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.http.codec.HalfClose;
import dev.outrigger.proxy.http.codec.Http1BodyReader;
import dev.outrigger.proxy.http.codec.Http1HeadParser;
import dev.outrigger.proxy.http.codec.Http1HeadWriter;
import dev.outrigger.proxy.http.codec.Http1HeadWriter.ConnectionWord;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.DeadlinePassed.Timer;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.proxy.telemetry.Explanation;
import dev.outrigger.proxy.worker.EarlyEnd;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http2.Http2Settings;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A client's HTTP/1.1 connection. Requests are answered one after the other in the order they came;
 * what a client sends ahead waits as bytes, within a bound. Confined to its worker's event loop.
 *
 * <p>States:
 *
 * <pre>
 * HEAD → BODY → WAIT → HEAD                  request read, then answered
 *        BODY → DISCARD → HEAD               answered before the request was whole
 *               WAIT → TUNNEL → CLOSED       101, or 200 after CONNECT
 * HEAD → CLOSED                              101, and {@link Http2Downstream} in its place
 * any  → LINGER → CLOSED                     the answer must be seen before the connection goes
 * </pre>
 */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
@WorkerConfined
final class Http1Downstream extends ChannelInboundHandlerAdapter
    implements ClientStream, HttpService.Connection {
  private static final int MAX_AHEAD_BYTES = 16 * 1024;

  /** Answers beyond it wait for the kernel to take them before the next request is looked at. */
  private static final int MAX_UNREAD_BYTES = 16 * 1024;

  /**
   * A client that was given so many answers in a row, each while its next request was there
   * already, must read them as soon as it must send a head, or it is sent away.
   */
  private static final int MAX_ANSWERS_AHEAD = 100;

  private static final long MAX_DISCARDED_BYTES = 64 * 1024;
  private static final long LINGER_NANOS = Duration.ofSeconds(1).toNanos();
  private static final Duration TO_LEAVE = Duration.ofSeconds(60);
  private static final long NEVER = Long.MAX_VALUE;

  /**
   * How long a client that sends no more is taken to be reading still, without a byte for it. Some
   * clients end their side once they have asked (nc, BusyBox's wget), and most have simply gone.
   */
  private static final long READS_ON_NANOS = Duration.ofSeconds(2).toNanos();

  private enum State {
    HEAD,
    BODY,
    WAIT,
    DISCARD,
    TUNNEL,
    LINGER,
    CLOSED
  }

  private final HttpService service;
  private final HttpSettings.View settings;
  private final ConnectionFacts facts;
  private final ClientIdentity identity;
  private final Http1HeadParser parser;
  private final Http1BodyReader reader;
  private final Http1HeadWriter writer;
  private final NameCase names;
  private final BodyClock bodyClock;
  private final long idleNanos;
  private final long headNanos;
  private final long streamIdleNanos;
  private final long drainNanos;
  private final EarlyEnd early;

  @SuppressWarnings("NullAway.Init") // set by handlerAdded, before any event
  private ChannelHandlerContext ctx;

  @SuppressWarnings("NullAway.Init") // likewise
  private FlowGate gate;

  @SuppressWarnings("NullAway.Init") // likewise
  private Alarm alarm;

  private State state = State.HEAD;
  private ByteBuf pending = Unpooled.EMPTY_BUFFER;
  private boolean processing;
  private @Nullable Exchange exchange;
  private int requests;
  private boolean draining;

  // Of the exchange under way.
  private HttpVersion version = HttpVersion.HTTP_1_1;
  private boolean closeAfter;
  private boolean awaitsContinue;
  private boolean answerBegun;
  private boolean chunkedAnswer;
  private boolean firstChunk;
  private boolean endedByClose;
  private boolean inputEnded;
  private long discarded;

  // Of answers that wait to be read.
  private int answersAhead;
  private boolean unread;
  private long unreadBytes;

  // Times, in the worker's nanoseconds.
  private long lastActivity;
  private long headDeadline = NEVER;
  private long exchangeDeadline = NEVER;
  private long retiresAt = NEVER;
  private long endDeadline = NEVER; // of draining or lingering
  private long goneAt = NEVER; // once the client sends no more
  private long readDeadline = NEVER; // while it leaves answers unread

  Http1Downstream(HttpService service, HttpSettings.View settings, ConnectionFacts facts) {
    this.service = service;
    this.settings = settings;
    this.facts = facts;
    this.identity = new ClientIdentity(facts);
    HttpProxyConfig config = settings.current().config();
    this.parser =
        Http1HeadParser.ofRequests(config.limits().maxHeadBytes(), config.limits().maxHeaders());
    this.reader =
        new Http1BodyReader(
            Origin.DOWNSTREAM, config.limits().maxHeadBytes(), config.limits().maxHeaders());
    this.writer = service.headWriter();
    this.names = config.nameCase();
    Timeouts timeouts = config.timeouts();
    this.bodyClock = service.newBodyClock(timeouts);
    this.idleNanos = timeouts.connectionIdle().toNanos();
    this.headNanos = timeouts.requestHeaders().toNanos();
    this.streamIdleNanos = timeouts.streamIdle().toNanos();
    this.drainNanos = timeouts.drain().toNanos();
    this.early = new EarlyEnd(service.worker().random());
  }

  @Override
  public ConnectionFacts facts() {
    return facts;
  }

  /** Ends without losing a request: see {@link HttpService#drain}. */
  @Override
  public void drain() {
    draining = true;
    endDeadline = now() + drainNanos;
    alarm.wakeBy(endDeadline);
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
    gate = new FlowGate(context.channel());
    alarm = new Alarm(context.executor(), this::onAlarm);
    lastActivity = now();
    service.opened(this);
    if (service.draining(facts)) {
      drain();
    }
    if (idleNanos > 0) {
      alarm.wakeBy(lastActivity + idleNanos);
    }
    retiresAt =
        service.retirement(settings.current().config().timeouts().maxConnectionAge(), early);
    alarm.wakeBy(retiresAt);
  }

  // What the client sends.

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf in = (ByteBuf) message;
    if (state == State.LINGER || state == State.CLOSED) {
      in.release();
      return;
    }
    if (pending.isReadable()) {
      ByteBuf both = context.alloc().buffer(pending.readableBytes() + in.readableBytes());
      both.writeBytes(pending).writeBytes(in);
      pending.release();
      in.release();
      pending = both;
    } else {
      pending.release();
      pending = in;
    }
    process();
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    Exchange under = exchange;
    if (under != null) {
      RequestFlow flow = under.flow();
      if (flow != null) {
        flow.onReadComplete();
      }
    }
  }

  private void process() {
    if (processing) {
      return; // the loop below sees what changed
    }
    processing = true;
    try {
      while (step()) {}
    } finally {
      processing = false;
    }
    if (!pending.isReadable() && pending != Unpooled.EMPTY_BUFFER) {
      pending.release();
      pending = Unpooled.EMPTY_BUFFER;
    }
  }

  /** Does what the state allows with the bytes there are; false when it must wait. */
  private boolean step() {
    return switch (state) {
      case HEAD -> readHead();
      case BODY -> readBody();
      case WAIT -> {
        if (pending.readableBytes() > MAX_AHEAD_BYTES) {
          gate.hold(FlowGate.AHEAD);
        } else {
          gate.release(FlowGate.AHEAD);
        }
        yield false;
      }
      case DISCARD -> discard();
      case TUNNEL -> tunnel();
      case LINGER, CLOSED -> {
        pending.skipBytes(pending.readableBytes());
        yield false;
      }
    };
  }

  private boolean readHead() {
    if (inputEnded && !pending.isReadable()) {
      closeOnceWritten();
      return false;
    }
    if (leavesUnread()) {
      return false; // a client that sends on without reading must not fill our memory
    }
    if (!parser.parse(pending)) {
      if (inputEnded) {
        closeOnceWritten();
        return false;
      }
      gate.release(FlowGate.AHEAD); // what came ahead is used up
      if (headDeadline == NEVER && parser.midHead() && headNanos > 0) {
        headDeadline = now() + headNanos;
        alarm.wakeBy(headDeadline);
      }
      return false;
    }
    headDeadline = NEVER;
    ProxyError error = parser.error();
    if (error == null && parser.asksForHttps() && !facts.tls()) {
      // RFC 9110, section 7.4: it was not secured on its way here.
      error = new ProxyError.ProtocolViolation(Origin.DOWNSTREAM, "https is asked for without TLS");
    }
    if (error != null) {
      refuse(error);
      return false;
    }
    startExchange();
    return true;
  }

  private void startExchange() {
    HttpSettings current = settings.current();
    RequestHead head = parser.request(facts.tls() ? "https" : "http");
    Headers headers = head.headers();
    version = head.version();
    boolean hasBody = parser.chunked() || parser.contentLength() > 0;
    if (parser.chunked()) {
      reader.beginChunked();
    } else {
      reader.beginLength(Math.max(0, parser.contentLength()));
    }
    String upgrade =
        hasBody || version == HttpVersion.HTTP_1_0 ? null : Connections.upgrade(headers);
    long max = early.of(current.config().limits().maxRequestsPerConnection());
    requests++;
    closeAfter = !parser.keepAlive() || draining || (max > 0 && requests >= max);
    boolean mayChange = !closeAfter && !inputEnded && !facts.tls() && ctx.channel().isActive();
    if (upgrade != null && mayChange) {
      switch (H2cWish.of(head, upgrade, pending, current.config().upgrades())) {
        case H2cWish.Ignored _ -> {}
        case H2cWish.Granted granted -> {
          changeToHttp2(head, granted.settings());
          return;
        }
        case H2cWish.Malformed malformed -> {
          refuse(new ProxyError.ProtocolViolation(Origin.DOWNSTREAM, malformed.why()));
          return;
        }
      }
    }
    awaitsContinue =
        hasBody
            && version != HttpVersion.HTTP_1_0
            && headers.valueEqualsIgnoreCase(HeaderName.EXPECT, "100-continue");
    chunkedAnswer = false;
    endedByClose = false;
    answerBegun = false;
    lastActivity = now();
    Connections.strip(headers);
    Explanation explanation = service.telemetry().explain(head, facts);
    RequestHeaders.clean(headers, facts);
    BodyKind body = parser.chunked() ? BodyKind.STREAM : hasBody ? BodyKind.LENGTH : BodyKind.NONE;
    Exchange begun =
        new Exchange(
            service,
            this,
            current,
            facts,
            head,
            body,
            upgrade,
            service.telemetry().startExchange(head, facts, current.config()));
    begun.explained(explanation);
    RequestHeaders.identify(head, identity, facts, current.config().forwarding());
    exchange = begun;
    state = State.BODY;
    service.exchangeStarted();
    readsOn();
    begun.begin();
    long idle = idleNanosOf(begun);
    if (idle > 0 && exchange == begun) {
      alarm.wakeBy(lastActivity + idle);
      if (body == BodyKind.STREAM && !answerBegun && !ReplyForm.isGrpc(head)) {
        bodyClock.startWhole(lastActivity);
        alarm.wakeBy(bodyClock.deadline());
      }
    }
  }

  /** Goes on in HTTP/2: the request is its first stream, and what is answered follows the 101. */
  private void changeToHttp2(RequestHead head, Http2Settings peer) {
    Headers headers = new Headers();
    headers.add(HeaderName.CONNECTION, "upgrade");
    headers.add(HeaderName.UPGRADE, UpgradesConfig.H2C);
    ResponseHead switching = new ResponseHead(101, HttpVersion.HTTP_1_1, headers);
    write(writer.response(switching, false, ConnectionWord.NONE, names, ctx.alloc()));
    ByteBuf ahead = pending;
    pending = Unpooled.EMPTY_BUFFER;
    state = State.CLOSED;
    gate.release(FlowGate.AHEAD | FlowGate.PEER_FULL | FlowGate.WAITING);
    Http2Downstream next = new Http2Downstream(service, settings, facts);
    ctx.pipeline().replace(this, null, next.handler());
    next.takeOver(head, peer, requests - 1, retiresAt);
    ctx.fireChannelRead(ahead); // to the one that came in its place
    ctx.fireChannelReadComplete();
  }

  /** How long an exchange may be without a byte: the route's word, else the listener's. */
  private long idleNanosOf(Exchange under) {
    RouteMatch found = under.route();
    if (found != null && found.action() instanceof Action.Forward forward) {
      Duration own = forward.idleTimeout();
      if (own != null) {
        return own.toNanos();
      }
    }
    return streamIdleNanos;
  }

  private boolean readBody() {
    Exchange under = exchange;
    RequestFlow flow = under == null ? null : under.flow();
    if (under == null || flow == null) {
      if (!reader.done() || pending.readableBytes() > MAX_AHEAD_BYTES) {
        gate.hold(FlowGate.WAITING);
      }
      return false;
    }
    if (reader.done()) {
      state = State.WAIT;
      bodyClock.end();
      if (under.tunnel() == null) {
        flow.onEnd(reader.trailers());
      }
      return true;
    }
    ByteBuf piece = reader.next(pending);
    if (piece != null) {
      lastActivity = now();
      bodyClock.received(piece.readableBytes());
      under.record().requestBytes(piece.readableBytes());
      flow.onBody(piece);
      return true;
    }
    ProxyError error = reader.error();
    if (error != null) {
      closeAfter = true;
      under.fail(error);
      return false;
    }
    if (!reader.done()) {
      if (inputEnded) {
        ctx.close(); // the rest will never come
        return false;
      }
      gate.release(FlowGate.AHEAD);
      watchBody();
    }
    return reader.done();
  }

  /** More of the body is to come: it must come fast enough, while the client is asked for it. */
  private void watchBody() {
    if (reader.owesNothing() || answerBegun || awaitsContinue || gate.held()) {
      bodyClock.stop();
    } else if (!bodyClock.runs()) {
      bodyClock.start(now());
      alarm.wakeBy(bodyClock.deadline());
    }
  }

  private boolean discard() {
    ByteBuf piece = reader.next(pending);
    if (piece != null) {
      discarded += piece.readableBytes();
      bodyClock.received(piece.readableBytes());
      piece.release();
      if (discarded > MAX_DISCARDED_BYTES) {
        linger();
        return false;
      }
      return true;
    }
    if (reader.error() != null) {
      linger();
      return false;
    }
    if (!reader.done()) {
      if (inputEnded) {
        closeOnceWritten();
        return false;
      }
      gate.release(FlowGate.AHEAD);
      if (!bodyClock.runs()) {
        bodyClock.start(now());
        alarm.wakeBy(bodyClock.deadline());
      }
      return false;
    }
    bodyClock.end();
    state = State.HEAD;
    return true;
  }

  private boolean tunnel() {
    Exchange under = exchange;
    RequestFlow flow = under == null ? null : under.flow();
    if (flow == null || under == null || !pending.isReadable()) {
      return false;
    }
    lastActivity = now();
    ByteBuf bytes = pending;
    pending = Unpooled.EMPTY_BUFFER;
    under.record().requestBytes(bytes.readableBytes());
    flow.onBody(bytes);
    return false;
  }

  // What the exchange says.

  @Override
  public void handlerReady() {
    gate.release(FlowGate.WAITING);
    boolean inRead = processing;
    process();
    Exchange under = exchange;
    RequestFlow flow = under == null ? null : under.flow();
    if (!inRead && flow != null) {
      flow.onReadComplete(); // no read is under way that would flush
    }
  }

  @Override
  public void interim(ResponseHead head) {
    if (version == HttpVersion.HTTP_1_0) {
      return;
    }
    if (head.status() == 100) {
      awaitsContinue = false;
      if (state == State.BODY && !reader.done()) {
        watchBody();
      }
    }
    readsOn();
    write(writer.response(head, false, ConnectionWord.NONE, names, ctx.alloc()));
    ctx.flush();
  }

  @Override
  public void head(ResponseHead head, BodyKind body) {
    answerBegun = true;
    bodyClock.end();
    Exchange under = exchange;
    boolean wholeRequest = state == State.WAIT || reader.done();
    if (body == BodyKind.TUNNEL) {
      write(writer.response(head, false, ConnectionWord.NONE, names, ctx.alloc()));
      state = State.TUNNEL;
      closeAfter = true;
      gate.release(FlowGate.AHEAD);
      process(); // the client may have spoken ahead
      flushRequest();
      if (inputEnded) {
        tunnelInputEnded();
      }
      return;
    }
    if (draining
        || (inputEnded && !pending.isReadable())
        || (!wholeRequest && (awaitsContinue || reader.known() > MAX_DISCARDED_BYTES))
        // What comes behind a wish for a tunnel may be meant for the tunnel, not for us.
        || (under != null
            && (under.missesTunnel()
                || (under.wantsTunnel() && (inputEnded || pending.isReadable()))))) {
      closeAfter = true;
    }
    readsOn();
    firstChunk = true;
    chunkedAnswer = body == BodyKind.STREAM && version != HttpVersion.HTTP_1_0;
    endedByClose = body == BodyKind.STREAM && version == HttpVersion.HTTP_1_0;
    closeAfter |= endedByClose;
    ConnectionWord word =
        closeAfter
            ? ConnectionWord.CLOSE
            : version == HttpVersion.HTTP_1_0 ? ConnectionWord.KEEP_ALIVE : ConnectionWord.NONE;
    if (body == BodyKind.NONE && endsByItself(head.status(), under)) {
      // Of HTTP/2, where an answer may end without having said how long it is.
      head.headers().set(HeaderName.CONTENT_LENGTH, "0");
    }
    write(writer.response(head, chunkedAnswer, word, names, ctx.alloc()));
  }

  /** Whether a client takes an answer without a length to have a body. */
  private static boolean endsByItself(int status, @Nullable Exchange under) {
    return status != 204
        && status != 304
        && (under == null || !under.head().method().equals("HEAD"));
  }

  @Override
  public void body(ByteBuf bytes) {
    if (state == State.CLOSED || !bytes.isReadable()) {
      bytes.release();
      return;
    }
    lastActivity = now();
    readsOn();
    if (chunkedAnswer) {
      write(writer.chunkStart(bytes.readableBytes(), firstChunk, ctx.alloc()));
      firstChunk = false;
    }
    write(bytes);
  }

  @Override
  public void halfEnd() {
    if (state == State.TUNNEL) {
      HalfClose.send(ctx.channel());
    }
  }

  @Override
  public void end(@Nullable Headers trailers) {
    if (state == State.CLOSED) {
      return;
    }
    if (chunkedAnswer) {
      write(writer.chunksEnd(firstChunk, trailers, names, ctx.alloc()));
    }
    ctx.flush();
    State at = state;
    exchangeOver();
    if (at == State.TUNNEL) {
      closeOnceWritten();
    } else if (closeAfter) {
      linger();
    } else if (at == State.WAIT || reader.done()) {
      state = State.HEAD;
      answersAhead++;
      if (!pending.isReadable()) {
        answersAhead = 0;
        gate.release(FlowGate.AHEAD); // else each answer would let more in than it uses up
      }
    } else {
      state = State.DISCARD;
      discarded = 0;
    }
    if (pending.isReadable() || state == State.DISCARD) {
      process();
      flushRequest();
    }
  }

  private void flushRequest() {
    Exchange next = exchange;
    RequestFlow flow = next == null ? null : next.flow();
    if (flow != null && !processing) {
      flow.onReadComplete();
    }
  }

  @Override
  public void breakOff() {
    exchangeOver();
    if (state == State.CLOSED) {
      return;
    }
    if (endedByClose) {
      reset(); // an orderly close would look like the end of the body
    } else {
      closeOnceWritten();
    }
  }

  @Override
  public void reset() {
    exchangeOver();
    if (state != State.CLOSED) {
      state = State.CLOSED;
      ctx.channel().config().setOption(ChannelOption.SO_LINGER, 0);
      ctx.close();
    }
  }

  @Override
  public void flush() {
    ctx.flush();
  }

  @Override
  public boolean writable() {
    return ctx.channel().isWritable();
  }

  @Override
  public FlowGate requestGate() {
    return gate;
  }

  @Override
  public boolean requestWhole() {
    return state == State.WAIT || reader.done();
  }

  @Override
  public void noneAfter() {
    closeAfter = true;
  }

  @Override
  public void wakeBy(long deadlineNanos) {
    exchangeDeadline = deadlineNanos;
    alarm.wakeBy(deadlineNanos);
  }

  private void exchangeOver() {
    exchange = null;
    exchangeDeadline = NEVER;
    bodyClock.end();
    gate.release(FlowGate.PEER_FULL | FlowGate.WAITING);
  }

  // The connection's own life.

  /** Answers a head that was refused, of which no exchange can be made. */
  private void refuse(ProxyError error) {
    service.telemetry().requestRefused(facts, settings.current().config(), error);
    LocalReplies.Rendered reply = Refusals.render(error, facts, null, null);
    write(writer.response(reply.head(), false, ConnectionWord.CLOSE, names, ctx.alloc()));
    write(reply.body());
    linger();
  }

  /**
   * Whether the client leaves answers unread, and is not to get more; then it is not read either.
   */
  private boolean leavesUnread() {
    if (unread || !fullOfAnswers()) {
      return unread;
    }
    ctx.flush();
    if (!fullOfAnswers()) {
      return false;
    }
    unread = true;
    unreadBytes = queuedBytes();
    gate.hold(FlowGate.UNREAD);
    readDeadline = newReadDeadline();
    alarm.wakeBy(readDeadline);
    ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> readsAgain());
    return true;
  }

  private boolean fullOfAnswers() {
    return queuedBytes() > MAX_UNREAD_BYTES || !channelWritable();
  }

  /** Goes on with what was sent ahead, once the kernel has taken what was answered. */
  private void readsAgain() {
    if (!unread || fullOfAnswers()) {
      return;
    }
    unread = false;
    readDeadline = NEVER;
    gate.release(FlowGate.UNREAD);
    if (state == State.HEAD) {
      lastActivity = now();
      process();
      flushRequest();
    }
  }

  /** Sends away who has read nothing for too long; false for who has read something. */
  private boolean neverReads() {
    long queued = queuedBytes();
    if (queued < unreadBytes) {
      unreadBytes = queued;
      readDeadline = newReadDeadline();
      return false;
    }
    service.flooded(facts, FloodKind.UNREAD_ANSWERS);
    reset();
    return true;
  }

  private long newReadDeadline() {
    long allowed = answersAhead > MAX_ANSWERS_AHEAD && headNanos > 0 ? headNanos : streamIdleNanos;
    return allowed > 0 ? now() + allowed : NEVER;
  }

  /** What the kernel has not taken yet. */
  private long queuedBytes() {
    Channel channel = ctx.channel();
    WriteBufferWaterMark marks = channel.config().getWriteBufferWaterMark();
    return channel.isWritable()
        ? marks.high() + 1 - channel.bytesBeforeUnwritable()
        : marks.low() - 1 + channel.bytesBeforeWritable();
  }

  /** Says no more, and waits a little for the client to have read what was said. */
  private void linger() {
    bodyClock.end();
    if (inputEnded) {
      closeOnceWritten(); // nothing comes that could tear off what was said
      return;
    }
    state = State.LINGER;
    gate.release(FlowGate.AHEAD | FlowGate.PEER_FULL | FlowGate.WAITING | FlowGate.UNREAD);
    endDeadline = now() + TO_LEAVE.toNanos();
    alarm.wakeBy(endDeadline);
    ctx.writeAndFlush(Unpooled.EMPTY_BUFFER)
        .addListener(
            _ -> {
              endDeadline = now() + LINGER_NANOS; // what is unread until then is not torn off
              alarm.wakeBy(endDeadline);
              shutOutput();
            });
  }

  private void shutOutput() {
    if (!facts.tls() && ctx.channel() instanceof DuplexChannel duplex && duplex.isActive()) {
      duplex.shutdownOutput();
    } else if (facts.tls()) {
      ctx.close(); // TLS says that it is over, and then closes
    }
  }

  private void closeOnceWritten() {
    state = State.CLOSED;
    ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    if (ctx.channel().isActive()) { // a client that reads nothing would hold it for ever
      ctx.executor().schedule(() -> ctx.close(), TO_LEAVE.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    Exchange under = exchange;
    RequestFlow flow = under == null ? null : under.flow();
    if (context.channel().isWritable()) {
      lastActivity = now();
      if (flow != null) {
        flow.onClientWritable();
      }
      readsAgain();
    }
    context.fireChannelWritabilityChanged();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (HalfClose.ends(event)) { // FIN, or close_notify with or without one
      inputEnded();
    }
    context.fireUserEventTriggered(event);
  }

  /** The client will send no more, and may still read. */
  private void inputEnded() {
    if (inputEnded) {
      return; // TLS said so before
    }
    inputEnded = true;
    switch (state) {
      case WAIT, BODY -> {
        closeAfter |= answerBegun && !pending.isReadable();
        readsOn();
        process();
      }
      case TUNNEL -> tunnelInputEnded();
      case HEAD, DISCARD -> process();
      case LINGER -> closeOnceWritten();
      case CLOSED -> {}
    }
  }

  /** A byte goes to the client: if it sends no more, it may take its time to read this one. */
  private void readsOn() {
    if (inputEnded && state != State.TUNNEL) {
      goneAt = now() + READS_ON_NANOS;
      alarm.wakeBy(goneAt);
    }
  }

  private void tunnelInputEnded() {
    Exchange under = exchange;
    RequestFlow flow = under == null ? null : under.flow();
    if (flow != null) {
      flow.onEnd(null);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    gone("the client closed the connection before its answer was whole");
    context.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    gone("the connection's handler was removed");
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close();
  }

  private void gone(String reason) {
    if (state == State.CLOSED && exchange == null && pending == Unpooled.EMPTY_BUFFER) {
      service.closed(this);
      alarm.cancel();
      return;
    }
    state = State.CLOSED;
    pending.release();
    pending = Unpooled.EMPTY_BUFFER;
    alarm.cancel();
    service.closed(this);
    Exchange under = exchange;
    exchange = null;
    if (under != null) {
      under.clientGone(reason);
    }
  }

  private void onAlarm(long now) {
    if (state == State.CLOSED) {
      return;
    }
    if (now >= retiresAt) {
      retiresAt = NEVER;
      if (!draining) {
        drain();
      }
    }
    if (now >= goneAt && noMoreToRead()) {
      ctx.close();
      return;
    }
    Exchange under = exchange;
    if (now >= bodyClock.deadline()) {
      slowBody(under, now);
    }
    under = exchange;
    if (now >= headDeadline) {
      headDeadline = NEVER;
      service.flooded(facts, FloodKind.SLOW_HEADERS);
      refuse(
          new ProxyError.DeadlinePassed(Timer.REQUEST_HEADERS, Duration.ofNanos(headNanos), true));
    } else if (now >= endDeadline
        && (state == State.LINGER || (under == null && !parser.midHead()))) {
      endDeadline = NEVER;
      ctx.close();
      return;
    }
    if (under != null && now >= exchangeDeadline) {
      exchangeDeadline = NEVER;
      under.onAlarm(now);
    }
    under = exchange;
    long idle = idleNanos > 0 ? now + idleNanos : NEVER;
    long underIdle = under == null ? 0 : idleNanosOf(under);
    if (under != null && underIdle > 0) {
      idle = lastActivity + underIdle;
      if (now >= idle) {
        closeAfter = true;
        boolean unread = !channelWritable();
        under.fail(
            new ProxyError.DeadlinePassed(Timer.STREAM_IDLE, Duration.ofNanos(underIdle), false));
        if (unread) {
          service.flooded(facts, FloodKind.UNREAD_ANSWERS);
          ctx.close();
          return;
        }
        idle = NEVER;
      }
    } else if (under == null && state != State.LINGER && idleNanos > 0) {
      idle = lastActivity + idleNanos;
      if (now >= idle) {
        ctx.close();
        return;
      }
    }
    if (now >= readDeadline && neverReads()) {
      return;
    }
    long next = Math.min(Math.min(headDeadline, exchangeDeadline), Math.min(idle, retiresAt));
    if (endDeadline > now) {
      next = Math.min(next, endDeadline);
    }
    next = Math.min(Math.min(next, readDeadline), goneAt);
    alarm.wakeBy(Math.min(next, bodyClock.deadline()));
  }

  /** Whether a client that sends no more has been sent nothing either, and is taken to be gone. */
  private boolean noMoreToRead() {
    goneAt = NEVER;
    if (exchange == null || state == State.TUNNEL) {
      return false;
    }
    if (!channelWritable()) {
      readsOn(); // it reads slowly, or its kernel will say that it has gone
      return false;
    }
    return true;
  }

  private boolean channelWritable() {
    return ctx.channel().isWritable();
  }

  private void slowBody(@Nullable Exchange under, long now) {
    if (gate.held()) {
      bodyClock.forgive(now); // it is not asked for more
      return;
    }
    Duration grace = bodyClock.grace();
    bodyClock.end();
    service.flooded(facts, FloodKind.SLOW_BODY);
    closeAfter = true;
    if (under == null) {
      linger();
    } else {
      under.fail(new ProxyError.DeadlinePassed(Timer.REQUEST_BODY, grace, false));
    }
  }

  private void write(ByteBuf bytes) {
    ctx.write(bytes, ctx.voidPromise());
  }

  private long now() {
    return service.worker().nanoTime();
  }
}
