package dev.outrigger.proxy.forward;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.balance.PickContext;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HostRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Mirror;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.LocalReply;
import dev.outrigger.proxy.http.RequestFlow;
import dev.outrigger.proxy.http.Suspended;
import dev.outrigger.proxy.http.Tunnel;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.http.codec.Connections;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.message.Grpc;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.DeadlinePassed.Timer;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.proxy.telemetry.ExchangeRecord.FaultKind;
import dev.outrigger.proxy.upstream.ConnectionPool;
import dev.outrigger.proxy.upstream.StreamListener;
import dev.outrigger.proxy.upstream.Upstream;
import dev.outrigger.proxy.upstream.UpstreamStream;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One exchange on its way to an endpoint and back: attempt after attempt until one is passed on to
 * the client. Confined to its worker's event loop.
 *
 * <pre>
 * pick → attempt filters → connection → head, body → answer → passed on (committed) → end
 *   ↑_________ back-off _________ failure or an answer worth another try
 * </pre>
 */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
@WorkerConfined
final class Forwarding
    implements RequestFlow, StreamListener, ConnectionPool.Waiter, Suspended, PickContext {
  private static final Logger LOG = LoggerFactory.getLogger(Forwarding.class);
  private static final int MAX_RACES = 3;

  private final Forwarder forwarder;
  private final Exchange exchange;
  private final RouteMatch match;
  private final Action.Forward route;
  private final RetryPolicy policy;
  private final CallDeadline times;
  private final Deadlines deadlines;
  private final Replay replay;
  private final boolean idempotent;
  private final boolean call;
  private final boolean retriable;
  private final @Nullable ForwardingSteps steps;

  private @Nullable Upstream upstream;
  private @Nullable Attempt attempt;
  private @Nullable List<Endpoint> tried;
  private List<Mirrored> mirrored = List.of();
  private @Nullable Tunnel wanted;
  private @Nullable Headers trailers;
  private @Nullable ResponseHead held;
  private BodyKind heldBody = BodyKind.NONE;
  private boolean bodyEnded;
  private boolean inStart;
  private boolean committed;
  private boolean tunnel;
  private boolean answerEnded; // of a tunnel, whose other way goes on
  private boolean over;
  private int number;
  private int retries;
  private int races;
  private boolean nextIsBudgeted;

  Forwarding(Forwarder forwarder, Exchange exchange) {
    this.forwarder = forwarder;
    this.exchange = exchange;
    RouteMatch found = exchange.route();
    if (found == null || !(found.action() instanceof Action.Forward forward)) {
      throw new IllegalArgumentException("the route does not forward");
    }
    this.match = found;
    this.route = forward;
    this.policy = forward.retry();
    this.times = CallDeadline.of(forward, exchange.head().headers());
    this.deadlines =
        new Deadlines(times.routeNanos(), policy.perTryTimeout(), policy.perTryIdleTimeout());
    this.replay = new Replay(forward.retryBufferBytes());
    this.idempotent = exchange.head().idempotent();
    this.call = Grpc.isCall(exchange.head().headers());
    this.retriable = found.retriable(exchange.head());
    this.steps = ForwardingSteps.of(exchange);
  }

  // The request way.

  @Override
  public void start() {
    Upstream found = forwarder.upstreams().find(match.cluster());
    if (found == null) {
      exchange.fail(new ProxyError.NoCluster(match.cluster()));
      return;
    }
    exchange.record().routed(match.route().name(), found.config());
    ProxyError refused = found.exchangeBegins();
    if (refused != null) {
      exchange.fail(refused);
      return;
    }
    upstream = found;
    if (steps != null) {
      steps.timers(times.routeNanos(), times.streamNanos(), policy);
    }
    long whole = times.streamNanos();
    if (whole >= 0) {
      long end = exchange.begunAt() + whole;
      if (end - forwarder.worker().nanoTime() <= 0) {
        exchange.fail(streamTimeout());
        return;
      }
      deadlines.streamEnds(end);
      arm();
    }
    wanted = exchange.tunnel();
    if (!Outgoing.prepare(exchange, match, route)) {
      exchange.fail(
          new ProxyError.NoRoute(exchange.head().authority(), exchange.head().pathOnly()));
      return;
    }
    if (wanted != null) {
      exchange.record().requestEnded();
      deadlines.requestEnded(forwarder.worker().nanoTime()); // the head is all there is
      arm();
    } else if (!route.mirrors().isEmpty()) {
      mirror();
    }
    inStart = true;
    beginAttempt(found, false, false);
    inStart = false;
  }

  private void mirror() {
    mirrored = new ArrayList<>(route.mirrors().size());
    for (Mirror mirror : route.mirrors()) {
      Mirrored begun = Mirrored.begin(forwarder, exchange, mirror, route.timeout());
      if (begun != null) {
        mirrored.add(begun);
      }
    }
  }

  @Override
  public void onBody(ByteBuf bytes) {
    for (int i = 0; i < mirrored.size(); i++) {
      mirrored.get(i).onBody(bytes.retainedDuplicate());
    }
    Attempt current = attempt;
    UpstreamStream stream = current == null ? null : current.stream;
    if (over || (committed && stream == null)) {
      bytes.release();
      return;
    }
    if (stream == null) {
      replay.add(bytes);
      if (replay.full()) {
        exchange.requestGate().hold(FlowGate.WAITING);
      }
      return;
    }
    if (replay.complete() && mayRepeat() && !replay.full()) {
      replay.add(bytes.retainedDuplicate());
    } else {
      replay.drop();
      replay.passed();
    }
    stream.body(bytes);
    if (!stream.writable()) {
      exchange.requestGate().hold(FlowGate.PEER_FULL);
    }
  }

  private boolean mayRepeat() {
    return !committed && (idempotent || retries < policy.maxRetries());
  }

  @Override
  public void onEnd(@Nullable Headers last) {
    if (over) {
      return;
    }
    Attempt current = attempt;
    UpstreamStream stream = current == null ? null : current.stream;
    for (int i = 0; i < mirrored.size(); i++) {
      mirrored.get(i).onEnd(last);
    }
    bodyEnded = true;
    if (wanted != null) {
      tunnelInputEnded();
      return;
    }
    trailers = last;
    exchange.record().requestEnded();
    deadlines.requestEnded(forwarder.worker().nanoTime());
    arm();
    if (stream != null) {
      stream.end(last);
    }
  }

  /** The client will send no more, and may still read. */
  private void tunnelInputEnded() {
    Attempt current = attempt;
    UpstreamStream stream = current == null ? null : current.stream;
    if (!tunnel || current == null || stream == null) {
      return; // what ends before it began is told when it has
    }
    stream.end(null);
    stream.flush();
    if (answerEnded) {
      current.stream = null;
      endAttempt(current);
      exchange.respondEnd(null);
    }
  }

  @Override
  public void onReadComplete() {
    for (int i = 0; i < mirrored.size(); i++) {
      mirrored.get(i).flush();
    }
    Attempt current = attempt;
    if (current != null && current.stream != null) {
      current.stream.flush();
    }
  }

  @Override
  public void holdAnswer() {
    Attempt current = attempt;
    if (current != null && current.stream != null) {
      current.stream.answerGate().hold(FlowGate.PEER_FULL);
    }
  }

  @Override
  public void onClientWritable() {
    Attempt current = attempt;
    if (current != null && current.stream != null) {
      current.stream.answerGate().release(FlowGate.PEER_FULL);
    }
  }

  @Override
  public void onFinish() {
    over = true;
    for (int i = 0; i < mirrored.size(); i++) {
      mirrored.get(i).exchangeEnded();
    }
    Attempt current = attempt;
    if (current != null) {
      UpstreamStream stream = current.stream;
      endAttempt(current);
      if (stream != null) {
        stream.cancel();
      }
    }
    replay.drop();
    Upstream counted = upstream;
    if (counted != null) {
      if (nextIsBudgeted) {
        nextIsBudgeted = false;
        counted.retryEnds();
      }
      counted.exchangeEnds();
    }
  }

  // Attempts.

  private void beginAttempt(Upstream to, boolean budgeted, boolean fresh) {
    Endpoint endpoint = to.pick(this, exchange.facts().destination());
    if (steps != null) {
      steps.picked(to, this, endpoint);
    }
    if (endpoint == null) {
      if (budgeted) {
        to.retryEnds();
      }
      exchange.fail(to.nothingToPick());
      return;
    }
    beginAttempt(to, endpoint, budgeted, fresh);
  }

  private void beginAttempt(Upstream to, Endpoint endpoint, boolean budgeted, boolean fresh) {
    Attempt begun = new Attempt(endpoint, budgeted, fresh);
    attempt = begun;
    number++;
    to.began(endpoint);
    if (steps != null) {
      steps.attempt(number, endpoint, to, exchange);
    }
    if (times.told() >= 0) {
      times.tell(exchange.head().headers(), forwarder.worker().nanoTime() - exchange.begunAt());
    }
    if (route.rewrite().host() instanceof HostRewrite.OfEndpoint
        && !endpoint.hostname().isEmpty()) {
      Outgoing.rewriteHost(
          exchange.head(),
          endpoint.hostname(),
          number == 1 && route.rewrite().appendForwardedHost());
    }
    if (match.virtualHost().countsToEndpoint()) {
      exchange.head().headers().set(HeaderName.X_ENVOY_ATTEMPT_COUNT, Integer.toString(number));
    }
    exchange.record().attemptStarted(number, exchange.head(), endpoint);
    if (deadlines.ofTries()) {
      deadlines.tryBegins(forwarder.worker().nanoTime());
      arm();
    }
    askFilters(begun);
  }

  private void askFilters(Attempt current) {
    Upstream to = upstream;
    if (to == null) {
      return;
    }
    List<AttemptFilter> filters = forwarder.filters();
    while (current.nextFilter < filters.size()) {
      AttemptFilter filter = filters.get(current.nextFilter++);
      Verdict verdict;
      try {
        verdict =
            filter.onAttempt(exchange.head(), exchange, to.config(), current.endpoint, number);
      } catch (RuntimeException e) {
        LOG.error("attempt filter {} failed", filter, e);
        exchange.fail(new ProxyError.Bug("attempt filter"));
        return;
      }
      switch (verdict) {
        case Verdict.Proceed _ -> {}
        case Verdict.Suspend _ -> {
          exchange.suspend(this);
          return;
        }
        case Verdict.Reply reply -> {
          replied(reply.reply());
          return;
        }
      }
    }
    connect(current);
  }

  @Override
  public void resumed() {
    Attempt current = attempt;
    if (!over && current != null) {
      askFilters(current);
    }
  }

  @Override
  public void replied(LocalReply reply) {
    switch (reply) {
      case LocalReply.Failure failure -> attemptFailed(failure.error(), false);
      case LocalReply.Answer answer -> exchange.answer(answer);
    }
  }

  private void connect(Attempt current) {
    Upstream to = upstream;
    if (to == null) {
      return;
    }
    ConnectionPool pool =
        to.poolOf(current.endpoint, exchange.head().version() == HttpVersion.HTTP_2, wanted);
    current.pool = pool;
    UpstreamStream kept = current.fresh ? null : pool.acquireNow();
    if (steps != null) {
      steps.connection(kept != null);
    }
    if (kept != null) {
      send(current, kept);
      return;
    }
    current.waiting = true;
    if (current.fresh) {
      pool.acquireFresh(this);
    } else {
      pool.acquireLater(this);
    }
  }

  @Override
  public void acquired(UpstreamStream stream) {
    Attempt current = attempt;
    if (current == null) {
      stream.cancel();
      return;
    }
    current.waiting = false;
    send(current, stream);
  }

  @Override
  public void failed(ProxyError error, List<FaultRule> by) {
    if (attempt != null) {
      touched(by);
    }
    failed(error);
  }

  /** Faults of the connection, which the answer names if its head has not been sent. */
  private void touched(List<FaultRule> by) {
    for (int i = 0; i < by.size(); i++) {
      FaultRule rule = by.get(i);
      exchange.faultApplied(rule.experiment(), rule.name(), FaultKind.CONNECTION);
    }
  }

  private void touchedOn(Attempt current) {
    UpstreamStream stream = current.stream;
    if (stream != null && !current.touched) {
      List<FaultRule> by = stream.faults();
      current.touched = !by.isEmpty();
      touched(by);
    }
  }

  @Override
  public void failed(ProxyError error) {
    Attempt current = attempt;
    if (current != null) {
      current.waiting = false;
      attemptFailed(error, false);
    }
  }

  private void send(Attempt current, UpstreamStream stream) {
    current.stream = stream;
    exchange.record().attemptConnected(stream.localAddress());
    touchedOn(current);
    stream.start(this, exchange.head(), exchange.requestBody(), wanted);
    replay.sendTo(stream);
    if (!mayRepeat()) {
      replay.drop();
    }
    if (bodyEnded && wanted == null) {
      stream.end(trailers);
    }
    if (!stream.writable()) {
      exchange.requestGate().hold(FlowGate.PEER_FULL);
    }
    exchange.requestGate().release(FlowGate.WAITING);
    if (!inStart) {
      stream.flush(); // otherwise the client's read that is under way flushes
    }
  }

  /** The attempt's own end: what it counted in is counted out. */
  private void endAttempt(Attempt current) {
    Upstream to = upstream;
    attempt = null;
    if (to == null) {
      return;
    }
    to.ended(current.endpoint);
    if (current.waiting && current.pool != null) {
      current.pool.cancel(this);
    }
    if (current.budgeted) {
      to.retryEnds();
    }
    deadlines.tryEnds();
  }

  private void attemptFailed(ProxyError error, boolean raced) {
    Attempt current = attempt;
    Upstream to = upstream;
    if (current == null || to == null || over) {
      return;
    }
    exchange.record().attemptFailed(error);
    if (steps != null) {
      steps.attemptFailed(error);
    }
    endAttempt(current);
    if (committed) {
      to.failed(current.endpoint, error);
      exchange.fail(error);
      return;
    }
    exchange.requestGate().release(FlowGate.PEER_FULL);
    if (raced
        && races < MAX_RACES
        && replay.complete()
        && (idempotent || error.requestUntouched())) {
      races++;
      noted("the connection had been closed by the endpoint: again, on a new one");
      beginAttempt(to, false, true);
      return;
    }
    to.failed(current.endpoint, error);
    if (Retries.notReached(error)) {
      Endpoint other = elsewhere(current.endpoint, to);
      if (other != null) {
        retries++;
        noted("the endpoint was not reached: at once to another one");
        beginAttempt(to, other, false, false);
        return;
      }
    }
    if (!retryLater(Retries.covers(policy, error, idempotent), current.endpoint, to, null)) {
      exchange.fail(error instanceof ProxyError.FaultInjected fault ? fault.asAnswer() : error);
    }
  }

  /**
   * Where to go at once after an endpoint whose application was not reached; null if a retry must
   * do. Such a move counts as a retry, but needs neither a pause nor a share of the budget, since
   * it adds no load to what fails.
   */
  private @Nullable Endpoint elsewhere(Endpoint failed, Upstream to) {
    to.unreachable(failed);
    if (!policy.conditions().contains(RetryPolicy.Condition.SAFE)
        || retries >= policy.maxRetries()
        || !replay.complete()) {
      return null;
    }
    avoid(failed);
    Endpoint other = to.pick(this, exchange.facts().destination());
    return other == null || tried(other) ? null : other;
  }

  private void avoid(Endpoint endpoint) {
    if (tried == null) {
      tried = new ArrayList<>(2);
    }
    tried.add(endpoint);
  }

  /**
   * Whether another attempt will follow.
   *
   * @param asked the headers of the answer, which may say when; null without an answer
   */
  private boolean retryLater(
      boolean covered, Endpoint avoided, Upstream to, @Nullable Headers asked) {
    if (!covered || !retriable) {
      return noted("no retry: the route's policy does not ask for one here");
    }
    if (retries >= policy.maxRetries()) {
      exchange.record().retriesUsedUp();
      return noted("no retry: none is left");
    }
    if (!replay.complete()) {
      return noted("no retry: the request's body is no longer held");
    }
    if (!to.retryBegins()) {
      return noted("no retry: the cluster's retry budget is spent");
    }
    retries++;
    nextIsBudgeted = true;
    avoid(avoided);
    long wait = Retries.backOffNanos(policy, retries, asked, forwarder.worker().random());
    deadlines.retryAt(forwarder.worker().nanoTime() + wait);
    arm();
    if (steps != null) {
      steps.retry(wait);
    }
    return true;
  }

  /** Always false. */
  private boolean noted(String about) {
    if (steps != null) {
      steps.note(about);
    }
    return false;
  }

  @Override
  public boolean tried(Endpoint endpoint) {
    List<Endpoint> before = tried;
    if (before != null) {
      for (int i = 0; i < before.size(); i++) {
        if (before.get(i) == endpoint) {
          return true;
        }
      }
    }
    return false;
  }

  // Time.

  private void arm() {
    long next = deadlines.next();
    if (next != Deadlines.NEVER) {
      exchange.wakeBy(next);
    }
  }

  @Override
  public void onAlarm(long now) {
    Upstream to = upstream;
    if (over || to == null) {
      return;
    }
    switch (deadlines.passed(now)) {
      case NONE -> {}
      case ROUTE -> routePassed(to);
      case STREAM -> streamPassed();
      case PER_TRY -> perTryPassed(Timer.PER_TRY, policy.perTryTimeout());
      case PER_TRY_IDLE -> perTryPassed(Timer.PER_TRY_IDLE, policy.perTryIdleTimeout());
      case RETRY -> {
        nextIsBudgeted = false;
        beginAttempt(to, true, false);
      }
    }
    if (!over) {
      arm();
    }
  }

  private void routePassed(Upstream to) {
    if (steps != null) {
      steps.passed("the route's timeout has passed");
    }
    ProxyError error =
        new ProxyError.DeadlinePassed(Timer.ROUTE, Duration.ofNanos(times.routeNanos()), false);
    Attempt current = attempt;
    if (current != null) {
      exchange.record().attemptFailed(error);
      to.failed(current.endpoint, error);
    }
    exchange.fail(error);
  }

  /** No endpoint is blamed: how long a call may take is its caller's wish. */
  private void streamPassed() {
    if (steps != null) {
      steps.passed("the time of the whole exchange has passed");
    }
    ProxyError error = streamTimeout();
    if (attempt != null) {
      exchange.record().attemptFailed(error);
    }
    exchange.fail(error);
  }

  private ProxyError streamTimeout() {
    return new ProxyError.DeadlinePassed(
        Timer.STREAM, Duration.ofNanos(times.streamNanos()), false);
  }

  private void perTryPassed(Timer timer, Duration limit) {
    Attempt current = attempt;
    if (current == null) {
      return;
    }
    UpstreamStream stream = current.stream;
    boolean untouched = stream == null || !stream.touched();
    current.stream = null;
    if (stream != null) {
      stream.cancel();
    }
    exchange.withdrawSuspension();
    attemptFailed(new ProxyError.DeadlinePassed(timer, limit, untouched), false);
  }

  // The answer's way.

  @Override
  public void onInterim(ResponseHead head) {
    Connections.strip(head.headers());
    head.headers().remove(HeaderName.CONTENT_LENGTH); // RFC 9110, section 8.6: it has none
    exchange.respondInterim(head);
  }

  @Override
  public void onHead(ResponseHead head, BodyKind body) {
    Attempt current = attempt;
    Upstream to = upstream;
    if (current == null || to == null) {
      return;
    }
    touchedOn(current);
    int status = head.status();
    if (wanted != null
        && body != BodyKind.TUNNEL
        && status < 300
        && exchange.head().version() == HttpVersion.HTTP_2) {
      // To a CONNECT of HTTP/2 any 2xx is an agreement (RFC 9113, section 8.5).
      UpstreamStream broken = current.stream;
      current.stream = null;
      if (broken != null) {
        broken.cancel();
      }
      attemptFailed(
          new ProxyError.ProtocolViolation(
              Origin.UPSTREAM, "the upstream answered an upgrade with " + status),
          false);
      return;
    }
    exchange.record().attemptAnswered(status);
    if (steps != null) {
      steps.attemptAnswered(status);
    }
    // The status of a call comes last.
    current.statusComes = call && wanted == null && status == 200 && body != BodyKind.NONE;
    if (!current.statusComes) {
      to.answered(current.endpoint, call ? statusOf(head.headers(), status) : status);
    }
    UpstreamStream stream = current.stream;
    if (head.headers().indexOf(HeaderName.OUTRIGGER_UNTOUCHED, 0) >= 0) {
      head.headers().remove(HeaderName.OUTRIGGER_UNTOUCHED);
      // The peer's proxy says that its application was not reached.
      if (stream != null && to.tlsOf(current.endpoint) instanceof UpstreamTls.Originate) {
        Endpoint other = elsewhere(current.endpoint, to);
        if (other != null) {
          current.stream = null;
          endAttempt(current);
          stream.discardRest();
          exchange.requestGate().release(FlowGate.PEER_FULL);
          retries++;
          beginAttempt(to, other, false, false);
          return;
        }
      }
    }
    if (stream != null
        && Retries.covers(policy, match, head, body)
        && body != BodyKind.TUNNEL
        && retryLater(true, current.endpoint, to, head.headers())) {
      current.stream = null;
      endAttempt(current);
      stream.discardRest();
      exchange.requestGate().release(FlowGate.PEER_FULL);
      return;
    }
    if (current.statusComes && mayRetryByTrailers()) {
      held = head; // a status may be all that follows
      heldBody = body;
      return;
    }
    commit(head, body);
  }

  /** The status of HTTP that says what a call's last headers say. */
  private static int statusOf(Headers last, int otherwise) {
    int said = Grpc.status(last);
    return said == Grpc.NO_STATUS ? otherwise : Grpc.httpStatusOf(said);
  }

  private boolean mayRetryByTrailers() {
    return !policy.grpcStatuses().isEmpty() && retries < policy.maxRetries() && replay.complete();
  }

  /** Passes on the head that waited for what follows it. */
  private void commitHeld() {
    ResponseHead head = held;
    if (head != null) {
      held = null;
      commit(head, heldBody);
    }
  }

  private void commit(ResponseHead head, BodyKind body) {
    int status = head.status();
    committed = true;
    Attempt answered = attempt;
    if (answered != null) {
      exchange.answeredBy(answered.endpoint);
    }
    deadlines.tryAnswers(forwarder.worker().nanoTime());
    replay.drop();
    Connections.strip(head.headers());
    if (status == 204) {
      head.headers().remove(HeaderName.CONTENT_LENGTH); // RFC 9110, section 8.6
    }
    if (match.virtualHost().countsToClient()) {
      head.headers().set(HeaderName.X_ENVOY_ATTEMPT_COUNT, Integer.toString(number));
    }
    if (body == BodyKind.TUNNEL) {
      tunnel = true;
      deadlines.tunnelOpens(); // it lives as long as it is used
      if (wanted != null && wanted.protocol() != null) {
        head.headers().add(HeaderName.CONNECTION, "upgrade");
        head.headers().add(HeaderName.UPGRADE, wanted.protocol());
      }
    }
    exchange.respond(head, body);
    if (tunnel && bodyEnded && !over) {
      tunnelInputEnded();
    }
  }

  @Override
  public void onAnswerBody(ByteBuf bytes) {
    commitHeld();
    if (!tunnel) {
      deadlines.moved(forwarder.worker().nanoTime());
    }
    exchange.respondBody(bytes);
    Attempt current = attempt;
    if (current != null && current.stream != null && !exchange.clientWritable()) {
      current.stream.answerGate().hold(FlowGate.PEER_FULL);
    }
  }

  @Override
  public void onAnswerEnd(@Nullable Headers last) {
    Attempt current = attempt;
    Upstream to = upstream;
    if (current == null || to == null) {
      return;
    }
    touchedOn(current);
    if (tunnel && !bodyEnded) {
      answerEnded = true;
      exchange.respondHalfEnd();
      return;
    }
    current.stream = null;
    if (current.statusComes) {
      to.answered(current.endpoint, last == null ? 200 : statusOf(last, 200));
    }
    if (held != null
        && last != null
        && Retries.coversGrpc(policy, Grpc.status(last))
        && retryLater(true, current.endpoint, to, last)) {
      held = null;
      endAttempt(current);
      exchange.requestGate().release(FlowGate.PEER_FULL);
      return;
    }
    commitHeld();
    endAttempt(current);
    exchange.respondEnd(last);
  }

  @Override
  public void onAnswerReadComplete() {
    commitHeld();
    exchange.flush();
  }

  @Override
  public void onFailure(ProxyError error, boolean raced) {
    Attempt current = attempt;
    if (current != null) {
      held = null;
      touchedOn(current);
      current.stream = null;
      attemptFailed(error, raced);
    }
  }

  @Override
  public void onWritable() {
    exchange.requestGate().release(FlowGate.PEER_FULL);
  }
}
