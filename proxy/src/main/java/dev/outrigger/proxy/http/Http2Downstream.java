package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.Alpn;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.HttpProxyConfig.Timeouts;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.http.codec.Connections;
import dev.outrigger.proxy.http.codec.FloodKind;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.http.codec.Http2Connection;
import dev.outrigger.proxy.http.codec.Http2Fields;
import dev.outrigger.proxy.http.codec.Http2Stream;
import dev.outrigger.proxy.http.codec.WrittenNames;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.DeadlinePassed.Timer;
import dev.outrigger.proxy.outcome.ProxyError.TooLarge.What;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.proxy.telemetry.Explanation;
import dev.outrigger.proxy.worker.EarlyEnd;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Settings;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A client's HTTP/2 connection: each stream is one exchange, and none waits for another. Confined
 * to its worker's event loop.
 *
 * <p>It ends in two phases (RFC 9113, section 6.8): a GOAWAY that stops no stream, and, once the
 * client must have seen it, one that names the last stream that is answered.
 */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
@WorkerConfined
final class Http2Downstream implements Http2Connection.Owner, HttpService.Connection {
  private static final long WARNING_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long NEVER = Long.MAX_VALUE;

  // So many streams may be too slow on one connection within this time.
  private static final int MAX_SLOW_STREAMS = 20;
  private static final long SLOW_STREAMS_NANOS = Duration.ofMinutes(1).toNanos();

  private final HttpService service;
  private final HttpSettings.View settings;
  private final ConnectionFacts facts;
  private final ClientIdentity identity;
  private final Http2Connection connection;
  private final Set<Stream> open = new LinkedHashSet<>();
  private final Map<Http2Stream, Stream> leaving = new LinkedHashMap<>(); // answered, not all sent
  private final List<Stream> touched = new ArrayList<>();
  private final BodyClock frameClock;
  private final long idleNanos;
  private final long headNanos;
  private final long streamIdleNanos;
  private final long drainNanos;
  private final EarlyEnd early;

  @SuppressWarnings("NullAway.Init") // set by onOpen, before any other event
  private Alarm alarm;

  private boolean reading;
  private boolean draining;
  private boolean closed;
  private int requests;
  private long lastActivity;
  private int slowStreams;
  private long slowStreamsSince;
  private long finalGoAwayAt = NEVER;
  private long drainEndsAt = NEVER;
  private long retiresAt = NEVER;

  Http2Downstream(HttpService service, HttpSettings.View settings, ConnectionFacts facts) {
    this.service = service;
    this.settings = settings;
    this.facts = facts;
    this.identity = new ClientIdentity(facts);
    HttpProxyConfig config = settings.current().config();
    this.connection =
        new Http2Connection(
            Http2Connection.Side.SERVER,
            config.limits().http2(),
            config.limits().maxHeadBytes(),
            config.limits().maxHeaders(),
            this);
    Timeouts timeouts = config.timeouts();
    this.frameClock = service.newBodyClock(timeouts);
    this.idleNanos = timeouts.connectionIdle().toNanos();
    this.headNanos = timeouts.requestHeaders().toNanos();
    this.streamIdleNanos = timeouts.streamIdle().toNanos();
    this.drainNanos = timeouts.drain().toNanos();
    this.early = new EarlyEnd(service.worker().random());
  }

  ChannelHandler handler() {
    return connection;
  }

  /**
   * Goes on with a connection of HTTP/1.1, once its handler is in the pipeline.
   *
   * @param first the request that asked for it, which has no body
   * @param settings what it said of its client
   * @param earlier how many requests came before it
   * @param retires when the connection takes no more requests
   */
  void takeOver(RequestHead first, Http2Settings settings, int earlier, long retires) {
    requests = earlier;
    retiresAt = Math.min(retiresAt, retires);
    alarm.wakeBy(retiresAt);
    first.version(HttpVersion.HTTP_2);
    connection.upgraded(settings);
    Stream stream = open.iterator().next();
    stream.begin(first, BodyKind.NONE, null, -1);
    stream.onEnd(null);
    onReadComplete();
    connection.flush();
  }

  @Override
  public ConnectionFacts facts() {
    return facts;
  }

  @Override
  public void drain() {
    if (draining || closed) {
      return;
    }
    draining = true;
    connection.warnGoAway();
    long now = now();
    finalGoAwayAt = now + Math.min(WARNING_NANOS, drainNanos);
    drainEndsAt = now + drainNanos;
    alarm.wakeBy(finalGoAwayAt);
  }

  // What the connection says.

  @Override
  public void onOpen(ChannelHandlerContext context) {
    alarm = new Alarm(context.executor(), this::onAlarm);
    lastActivity = now();
    service.opened(this);
    if (service.draining(facts)) {
      drain();
    }
    if (idleNanos > 0) {
      alarm.wakeBy(lastActivity + idleNanos);
    }
    if (headNanos > 0) {
      alarm.wakeBy(lastActivity + headNanos);
    }
    retiresAt =
        service.retirement(settings.current().config().timeouts().maxConnectionAge(), early);
    alarm.wakeBy(retiresAt);
  }

  @Override
  public void onStream(Http2Stream stream) {
    reading = true;
    Stream made = new Stream(stream);
    stream.listener(made);
    open.add(made);
  }

  @Override
  public void onStreamOver(Http2Stream stream) {
    lastActivity = now();
    leaving.remove(stream);
  }

  @Override
  public void onSettings() {}

  @Override
  public void onGoAway() {}

  @Override
  public void onReadComplete() {
    reading = false;
    for (int i = 0; i < touched.size(); i++) {
      Stream stream = touched.get(i);
      stream.touchedNow = false;
      RequestFlow flow = stream.flow();
      if (flow != null) {
        flow.onReadComplete();
      }
    }
    touched.clear();
    if (headNanos > 0 && connection.unfinishedSince() != NEVER) {
      alarm.wakeBy(connection.unfinishedSince() + headNanos);
    }
    long max = early.of(settings.current().config().limits().maxRequestsPerConnection());
    if (max > 0 && requests >= max) {
      connection.goAway();
    }
  }

  @Override
  public void onFlood(FloodKind kind) {
    service.flooded(facts, kind);
  }

  @Override
  public void onClosed() {
    closed = true;
    alarm.cancel();
    service.closed(this);
  }

  private void onAlarm(long now) {
    if (closed) {
      return;
    }
    long unfinished = connection.unfinishedSince();
    long patience = headNanos + frameClock.timeFor(connection.unfinishedData());
    if (headNanos > 0 && unfinished != NEVER && now - unfinished >= patience) {
      connection.flood(FloodKind.SLOW_HEADERS);
      return;
    }
    if (now >= retiresAt) {
      retiresAt = NEVER;
      drain();
    }
    if (now >= finalGoAwayAt) {
      finalGoAwayAt = NEVER;
      connection.goAway();
    }
    if (now >= drainEndsAt && open.isEmpty()) {
      connection.close();
      return;
    }
    long next = Math.min(finalGoAwayAt, retiresAt);
    for (Stream stream : new ArrayList<>(open)) {
      next = Math.min(next, stream.onAlarm(now));
    }
    for (Stream stream : new ArrayList<>(leaving.values())) {
      next = Math.min(next, stream.onLeaveAlarm(now));
    }
    if (open.isEmpty() && leaving.isEmpty() && idleNanos > 0) {
      long idle = lastActivity + idleNanos;
      if (now >= idle) {
        connection.goAway();
        return;
      }
      next = Math.min(next, idle);
    } else if (idleNanos > 0) {
      next = Math.min(next, now + idleNanos);
    }
    if (unfinished != NEVER && headNanos > 0) {
      next = Math.min(next, unfinished + patience);
    }
    if (drainEndsAt > now) {
      next = Math.min(next, drainEndsAt);
    }
    alarm.wakeBy(next);
  }

  /** A stream was ended for being too slow; too many of them end the connection. */
  private void slow(FloodKind kind, long now) {
    if (now - slowStreamsSince >= SLOW_STREAMS_NANOS) {
      slowStreamsSince = now;
      slowStreams = 0;
    }
    slowStreams++;
    if (slowStreams <= MAX_SLOW_STREAMS) {
      service.flooded(facts, kind);
    } else {
      connection.flood(kind); // counts only once
    }
  }

  private long now() {
    return service.worker().nanoTime();
  }

  /** One stream: the client's side of one exchange. */
  private final class Stream implements ClientStream, Http2Stream.Listener {
    private final Http2Stream wire;
    private @Nullable Exchange exchange;
    private @Nullable ArrayDeque<ByteBuf> waiting;
    private boolean requestEnded;
    private boolean wasHttp1; // until it reached the proxy of its client
    private @Nullable Headers trailers;
    private boolean endTold;
    private boolean tunnelOpen;
    private boolean touchedNow;
    private boolean answerBegun;
    private long deadline = NEVER;
    private long moved;
    private int unsent;
    private @Nullable BodyClock bodyClock; // where the length is known

    Stream(Http2Stream wire) {
      this.wire = wire;
    }

    @Nullable RequestFlow flow() {
      Exchange under = exchange;
      return under == null ? null : under.flow();
    }

    // What the client sends.

    @Override
    public void onHead(Http2Fields fields, boolean last) {
      if (fields.tooMany()) {
        requests++;
        moved = now();
        refuse(
            new ProxyError.TooLarge(
                Origin.DOWNSTREAM,
                What.HEADERS,
                settings.current().config().limits().maxHeadBytes()));
        return;
      }
      RequestHead head = fields.request(facts.tls() ? "https" : "http");
      wasHttp1 = Alpn.MESH_HTTP2.equals(facts.alpn()) && WrittenNames.take(head);
      BodyKind body =
          last ? BodyKind.NONE : fields.contentLength() >= 0 ? BodyKind.LENGTH : BodyKind.STREAM;
      begin(head, body, fields.protocol(), fields.contentLength());
    }

    private void begin(RequestHead head, BodyKind body, @Nullable String protocol, long length) {
      HttpSettings current = settings.current();
      requests++;
      moved = now();
      Connections.strip(head.headers());
      Explanation explanation = service.telemetry().explain(head, facts);
      RequestHeaders.clean(head.headers(), facts);
      Exchange begun =
          new Exchange(
              service,
              this,
              current,
              facts,
              head,
              body,
              protocol,
              service.telemetry().startExchange(head, facts, current.config()));
      begun.explained(explanation);
      RequestHeaders.identify(head, identity, facts, current.config().forwarding());
      exchange = begun;
      service.exchangeStarted();
      touch();
      begun.begin();
      long idle = idleNanosOf(begun);
      if (idle > 0 && exchange == begun) {
        alarm.wakeBy(moved + idle);
      }
      if (body != BodyKind.NONE && exchange == begun && !answerBegun) {
        clockBody(begun, body, length, idle > 0);
      }
    }

    /** What says how long it is must come in time, and what does not must not trickle for ever. */
    private void clockBody(Exchange begun, BodyKind body, long length, boolean mayNotIdle) {
      boolean trickles =
          body == BodyKind.STREAM
              && mayNotIdle
              && !begun.wantsTunnel()
              && !ReplyForm.isGrpc(begun.head());
      if (length <= 0 && !trickles) {
        return;
      }
      BodyClock clock = service.newBodyClock(settings.current().config().timeouts());
      if (trickles) {
        clock.startWhole(moved);
      } else {
        clock.start(moved);
      }
      bodyClock = clock;
      alarm.wakeBy(clock.deadline());
    }

    private void refuse(ProxyError error) {
      service.telemetry().requestRefused(facts, settings.current().config(), error);
      LocalReplies.Rendered reply = Refusals.render(error, facts, null, null);
      head(reply.head(), BodyKind.LENGTH);
      body(reply.body());
      end(null);
    }

    @Override
    public void onBody(ByteBuf bytes) {
      reading = true;
      moved = now();
      BodyClock clock = bodyClock;
      if (clock != null) {
        clock.received(bytes.readableBytes());
      }
      RequestFlow flow = flow();
      Exchange under = exchange;
      if (under == null) {
        bytes.release(); // answered already
        return;
      }
      under.record().requestBytes(bytes.readableBytes());
      if (flow == null || (under.tunnel() != null && !tunnelOpen)) {
        ArrayDeque<ByteBuf> queue = waiting;
        if (queue == null) {
          queue = new ArrayDeque<>(4);
          waiting = queue;
          wire.gate().hold(FlowGate.WAITING);
        }
        queue.addLast(bytes);
        return;
      }
      touch();
      flow.onBody(bytes);
    }

    @Override
    public void onEnd(@Nullable Headers last) {
      reading = true;
      requestEnded = true;
      bodyClock = null;
      trailers = last;
      tellEnd();
    }

    private void tellEnd() {
      RequestFlow flow = flow();
      Exchange under = exchange;
      boolean early = under != null && under.tunnel() != null && !tunnelOpen;
      if (flow != null && requestEnded && !endTold && waiting == null && !early) {
        endTold = true;
        touch();
        flow.onEnd(trailers);
      }
    }

    private void touch() {
      if (reading && !touchedNow) {
        touchedNow = true;
        touched.add(this);
      }
    }

    @Override
    public void onReset(long code, boolean untouched, @Nullable String fault) {
      Exchange under = exchange;
      over();
      if (under != null) {
        if (fault != null) {
          under.abandon(new ProxyError.ProtocolViolation(Origin.DOWNSTREAM, fault));
        } else {
          under.clientGone("the client reset the stream before its answer was whole");
        }
      }
    }

    @Override
    public void onWritable() {
      RequestFlow flow = flow();
      if (flow != null) {
        flow.onClientWritable();
      }
    }

    // What the exchange says.

    @Override
    public void handlerReady() {
      Exchange under = exchange;
      if (under == null || under.tunnel() == null) {
        handOver();
      }
    }

    private void handOver() {
      ArrayDeque<ByteBuf> queue = waiting;
      waiting = null;
      RequestFlow flow = flow();
      while (queue != null && !queue.isEmpty()) {
        ByteBuf bytes = queue.pollFirst();
        if (flow == null || exchange == null) {
          bytes.release();
        } else {
          flow.onBody(bytes);
        }
      }
      wire.gate().release(FlowGate.WAITING);
      tellEnd();
      flow = flow();
      if (!reading && flow != null) {
        flow.onReadComplete(); // no read is under way that would flush
      }
    }

    @Override
    public void interim(ResponseHead head) {
      wire.response(head, false);
      wire.flush();
    }

    @Override
    public void head(ResponseHead head, BodyKind body) {
      if (wasHttp1) {
        WrittenNames.put(head.headers());
      }
      answerBegun = true;
      bodyClock = null;
      if (body != BodyKind.TUNNEL) {
        wire.response(head, body == BodyKind.NONE);
        return;
      }
      if (head.status() == 101) {
        head.status(200); // RFC 8441, section 5
      }
      wire.response(head, false);
      tunnelOpen = true;
      handOver(); // the client may have spoken ahead
    }

    @Override
    public void body(ByteBuf bytes) {
      moved = now();
      wire.body(bytes);
    }

    @Override
    public void halfEnd() {
      wire.end(null);
      wire.flush();
    }

    @Override
    public void end(@Nullable Headers last) {
      wire.end(last);
      over();
      if (!wire.gone() && wire.unsent() > 0 && streamIdleNanos > 0) {
        unsent = wire.unsent();
        moved = now();
        leaving.put(wire, this);
        alarm.wakeBy(moved + streamIdleNanos);
      }
      if (!wire.remoteEnded()) {
        wire.resetOnceSent();
      }
      if (!reading) {
        wire.flush();
      }
    }

    @Override
    public void breakOff() {
      Exchange under = exchange;
      Tunnel tunnel = under == null ? null : under.tunnel();
      boolean connect = tunnel != null && tunnel.protocol() == null;
      over();
      wire.reset(
          !tunnelOpen
              ? Http2Error.INTERNAL_ERROR
              : connect ? Http2Error.CONNECT_ERROR : Http2Error.CANCEL);
      wire.flush();
    }

    @Override
    public void reset() {
      breakOff();
    }

    @Override
    public void flush() {
      wire.flush();
    }

    @Override
    public boolean writable() {
      return wire.writable();
    }

    @Override
    public FlowGate requestGate() {
      return wire.gate();
    }

    @Override
    public boolean requestWhole() {
      return requestEnded;
    }

    @Override
    public void noneAfter() {} // other streams are none of its business

    @Override
    public void wakeBy(long deadlineNanos) {
      deadline = deadlineNanos;
      alarm.wakeBy(deadlineNanos);
    }

    private void over() {
      exchange = null;
      deadline = NEVER;
      open.remove(this);
      ArrayDeque<ByteBuf> queue = waiting;
      waiting = null;
      if (queue != null) {
        queue.forEach(ByteBuf::release);
      }
      wire.gate().release(FlowGate.WAITING | FlowGate.PEER_FULL);
    }

    /** Resets what the client does not take; when to ask again. */
    private long onLeaveAlarm(long now) {
      if (wire.gone()) {
        return NEVER;
      }
      if (wire.unsent() != unsent) {
        unsent = wire.unsent();
        moved = now;
      } else if (now - moved >= streamIdleNanos) {
        wire.reset(Http2Error.CANCEL);
        wire.flush();
        slow(FloodKind.UNREAD_ANSWERS, now);
        return NEVER;
      }
      return moved + streamIdleNanos;
    }

    /** Ends an exchange whose body comes too slowly; when to ask again. */
    private long onBodyAlarm(long now) {
      BodyClock clock = bodyClock;
      Exchange under = exchange;
      if (clock == null || under == null) {
        return NEVER;
      }
      long until = clock.deadline();
      if (until == NEVER || now < until) {
        return until;
      }
      until += clock.timeFor(wire.unfinishedData());
      if (now < until) {
        return until;
      }
      if (wire.gate().held()) {
        clock.forgive(now); // it is not asked for more
        return clock.deadline();
      }
      bodyClock = null;
      under.fail(new ProxyError.DeadlinePassed(Timer.REQUEST_BODY, clock.grace(), false));
      flush();
      slow(FloodKind.SLOW_BODY, now);
      return NEVER;
    }

    /** When to ask again. */
    private long onAlarm(long now) {
      long body = onBodyAlarm(now);
      Exchange under = exchange;
      if (under != null && now >= deadline) {
        deadline = NEVER;
        under.onAlarm(now);
        flush();
      }
      under = exchange;
      if (under == null) {
        return NEVER;
      }
      long idle = idleNanosOf(under);
      if (idle > 0 && now - moved >= idle) {
        boolean unread = wire.unsent() > 0;
        under.fail(new ProxyError.DeadlinePassed(Timer.STREAM_IDLE, Duration.ofNanos(idle), false));
        flush();
        if (unread) {
          slow(FloodKind.UNREAD_ANSWERS, now);
        }
        return NEVER;
      }
      return Math.min(body, Math.min(deadline, idle > 0 ? moved + idle : NEVER));
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
  }
}
