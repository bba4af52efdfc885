package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.DeadlinePassed.Timer;
import dev.outrigger.proxy.outcome.ProxyError.UpstreamReset.How;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.proxy.telemetry.ExchangeRecord;
import dev.outrigger.proxy.telemetry.ExchangeRecord.FaultKind;
import dev.outrigger.proxy.telemetry.Explanation;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request with its response. Confined to its worker's event loop. It keeps the settings that it
 * began with to its end.
 *
 * <p>States: filters (some may suspend) → handler → response begun → finished. {@link #finish} runs
 * once; whatever arrives after it is dropped.
 */
@WorkerConfined
public final class Exchange {
  private static final long NEVER = Long.MAX_VALUE;

  private final HttpService service;
  private final ClientStream client;
  private final HttpSettings settings;
  private final ConnectionFacts facts;
  private final RequestHead head;
  private BodyKind requestBody;
  private final @Nullable String upgrade;
  private @Nullable Tunnel tunnel;
  private boolean wishIgnored;
  private final ExchangeRecord record;
  private final FilterChain filters;
  private final long begunAt;

  private @Nullable Explanation explanation;
  private @Nullable RouteMatch route;
  private @Nullable RequestFlow flow;
  private @Nullable Suspended suspended;
  private @Nullable String faultExperiment;
  private @Nullable Endpoint answeredBy;
  private long flowWakesAt = NEVER;
  private long streamEndsBy = NEVER;
  private long requestEndsBy = NEVER;
  private BodyKind answerBody = BodyKind.NONE;
  private @Nullable AnswerTransform transform;
  private @Nullable RequestTransform requestTransform;
  private int requestBuffer = -1;
  private boolean responseBegun;
  private boolean finished;
  private boolean untouched;
  private int status;

  Exchange(
      HttpService service,
      ClientStream client,
      HttpSettings settings,
      ConnectionFacts facts,
      RequestHead head,
      BodyKind requestBody,
      @Nullable String upgrade,
      ExchangeRecord record) {
    this.service = service;
    this.client = client;
    this.settings = settings;
    this.facts = facts;
    this.head = head;
    this.requestBody = requestBody;
    this.upgrade = upgrade;
    this.record = record;
    this.filters = new FilterChain(this);
    this.begunAt = service.worker().nanoTime();
  }

  /** The request as filters and routes have changed it so far. */
  public RequestHead head() {
    return head;
  }

  public ConnectionFacts facts() {
    return facts;
  }

  /** What body the request announces. */
  public BodyKind requestBody() {
    return requestBody;
  }

  /** When its head had come, in the worker's time. */
  public long begunAt() {
    return begunAt;
  }

  /** What both ways are to become once the endpoint agrees; null for an ordinary exchange. */
  public @Nullable Tunnel tunnel() {
    return tunnel;
  }

  /** Whether the client asked for another protocol, granted or not. */
  boolean wantsTunnel() {
    return upgrade != null || head.method().equals("CONNECT");
  }

  /** Whether what the client sends next may be meant for a tunnel that did not come about. */
  boolean missesTunnel() {
    return !wishIgnored && wantsTunnel();
  }

  public HttpSettings settings() {
    return settings;
  }

  public ExchangeRecord record() {
    return record;
  }

  public Worker worker() {
    return service.worker();
  }

  /** The route, or null when none matches. */
  public @Nullable RouteMatch route() {
    return route;
  }

  /**
   * The client's address as a trusted {@code x-forwarded-for} says it, or null where the peer of
   * the connection is the client.
   */
  public @Nullable String forwardedClient() {
    return TrustedClient.of(head.headers(), settings.config().forwarding());
  }

  /** The endpoint whose answer this is, once there is one. */
  @Nullable Endpoint answeredBy() {
    return answeredBy;
  }

  /** The answer that follows is this endpoint's. */
  public void answeredBy(Endpoint endpoint) {
    answeredBy = endpoint;
  }

  /** What body the upstream's answer has; for filters that look at its head. */
  public BodyKind answerBody() {
    return answerBody;
  }

  /** What the answer's body goes through so far; for filters that put another behind it. */
  public @Nullable AnswerTransform answerTransform() {
    return transform;
  }

  /** The answer's body goes through this; for filters that look at its head. */
  public void transformAnswer(AnswerTransform chosen) {
    transform = chosen;
  }

  /** The request's body goes through this, and then has no length; for filters on its head. */
  public void transformRequest(RequestTransform chosen) {
    requestTransform = chosen;
    requestBody = requestBody == BodyKind.LENGTH ? BodyKind.STREAM : requestBody;
  }

  /** The request goes on only once it is whole, with no more of a body than this. */
  public void bufferRequest(int maxBytes) {
    requestBuffer = maxBytes;
  }

  /** Looks the route up again, after a filter changed the head. */
  public void reroute() {
    route = settings.routes().find(head, service.worker().random());
  }

  /** Whether any byte of the final answer was handed to the client's connection. */
  public boolean responseBegun() {
    return responseBegun;
  }

  public boolean finished() {
    return finished;
  }

  /** Notes that an experiment touched this exchange, and names it in the answer's head. */
  public void faultApplied(String experiment, String fault, FaultKind kind) {
    faultExperiment = experiment;
    record.faultApplied(experiment, fault, kind);
  }

  /** Ends a suspension; without one it does nothing. */
  public void resume() {
    Suspended waiting = suspended;
    if (waiting != null) {
      suspended = null;
      waiting.resumed();
      client.flush();
    }
  }

  /** Ends a suspension with an answer; without one it does nothing. */
  public void reply(LocalReply reply) {
    Suspended waiting = suspended;
    if (waiting != null) {
      suspended = null;
      waiting.replied(reply);
      client.flush();
    }
  }

  /** Remembers who goes on after {@link #resume}. */
  public void suspend(Suspended waiting) {
    suspended = waiting;
  }

  /** What was waited for has become pointless. */
  public void withdrawSuspension() {
    suspended = null;
  }

  // The request way, called by the client's connection.

  /** Has each step noted; null explains nothing. */
  void explained(@Nullable Explanation by) {
    explanation = by;
  }

  /** Where steps are noted; null, as it nearly always is, if nobody may ask. */
  public @Nullable Explanation explanation() {
    return explanation;
  }

  void begin() {
    RequestRules rules = settings.config().limits().rules();
    HostText.clean(head, rules, facts.local().getPort());
    LocalReply refusal = RequestAdmission.check(head, rules);
    if (refusal != null) {
      switch (refusal) {
        case LocalReply.Failure failure -> fail(failure.error());
        case LocalReply.Answer answer -> answer(answer);
      }
      return;
    }
    route = settings.routes().find(head, service.worker().random());
    if (explanation != null) {
      ExchangeSteps.begun(explanation, this);
    }
    limitTime();
    filters.start(service.filters());
  }

  private void limitTime() {
    long request = settings.config().timeouts().request().toNanos();
    long stream = maxStreamDuration().toNanos();
    if (request > 0 && requestBody != BodyKind.NONE) {
      requestEndsBy = begunAt + request;
    }
    if (stream > 0) {
      streamEndsBy = begunAt + stream;
    }
    arm();
  }

  /** The listener's, unless the route has a word of its own, which the forwarder sees to. */
  private Duration maxStreamDuration() {
    boolean routeSays =
        route != null
            && route.action() instanceof Action.Forward forward
            && (forward.times().stream() != null || forward.times().headerMax() != null);
    return routeSays ? Duration.ZERO : settings.config().timeouts().maxStreamDuration();
  }

  private void arm() {
    long next = Math.min(flowWakesAt, Math.min(streamEndsBy, requestEndsBy));
    if (next != NEVER) {
      client.wakeBy(next);
    }
  }

  /** A time that was asked for has come, or might have. */
  void onAlarm(long now) {
    if (now >= streamEndsBy) {
      client.noneAfter();
      fail(new ProxyError.DeadlinePassed(Timer.STREAM, maxStreamDuration(), false));
      return;
    }
    if (now >= requestEndsBy) {
      requestEndsBy = NEVER;
      if (!client.requestWhole()) {
        client.noneAfter();
        Duration limit = settings.config().timeouts().request();
        fail(new ProxyError.DeadlinePassed(Timer.REQUEST, limit, false));
        return;
      }
    }
    if (now >= flowWakesAt) {
      flowWakesAt = NEVER;
      RequestFlow under = flow;
      if (under != null) {
        under.onAlarm(now);
      }
    }
    if (!finished) {
      arm();
    }
  }

  void filtersPassed() {
    RouteMatch found = route;
    if (found == null) {
      fail(new ProxyError.NoRoute(head.authority(), head.pathOnly()));
      return;
    }
    switch (found.action()) {
      case Action.Forward forward -> {
        if (wantsTunnel() && !tunnelAllowed(forward)) {
          return;
        }
        RequestFlow begun = service.handler().begin(this);
        if (requestTransform != null) {
          begun = new TransformedRequest(this, begun, requestTransform);
        }
        if (requestBuffer >= 0) {
          begun = new BufferedRequest(this, begun, requestBuffer);
        }
        flow = begun;
        begun.start();
        if (!finished) {
          client.handlerReady();
        }
      }
      case Action.Direct direct -> {
        if (wantsTunnel() && direct.status() < 300) {
          fail(new ProxyError.UpgradeRefused(upgrade == null ? "CONNECT" : upgrade));
          return;
        }
        answer(new LocalReply.Answer(direct.status(), direct.body(), List.of()));
      }
      case Action.Redirect redirect ->
          answer(
              new LocalReply.Answer(
                  redirect.status(),
                  "",
                  List.of(
                      new HeaderValue(
                          "location", found.location(head), Append.OVERWRITE_IF_EXISTS_OR_ADD))));
    }
  }

  /** Asks the route; where it refuses, the exchange is over. */
  private boolean tunnelAllowed(Action.Forward forward) {
    UpgradesConfig all = settings.config().upgrades();
    UpgradesConfig own = forward.upgrades();
    return switch (TunnelWish.of(head, upgrade, own == null ? all : own.over(all))) {
      case TunnelWish.Ignored _ -> {
        wishIgnored = true;
        yield true;
      }
      case TunnelWish.Granted granted -> {
        tunnel = granted.tunnel();
        yield true;
      }
      case TunnelWish.Refused refused -> {
        fail(refused.error());
        yield false;
      }
    };
  }

  // The response way, called by the handler.

  /** An interim answer (1xx but 101) for the client. */
  public void respondInterim(ResponseHead interim) {
    if (!finished && !responseBegun) {
      interim.headers().remove(HeaderName.CONTENT_LENGTH); // RFC 9110, section 8.6
      client.interim(interim);
    }
  }

  /** The head of the answer. */
  public void respond(ResponseHead response, BodyKind body) {
    if (finished) {
      return;
    }
    assert !responseBegun;
    answerBody = body;
    filters.onResponse(response);
    if (finished || responseBegun) {
      return; // a filter answered in its place
    }
    ResponseHeaders.disown(response.headers(), facts);
    ResponseHeaders.prepare(response, this);
    begun(response);
    client.head(response, transform == null ? body : transform.becomes(body));
  }

  /** Body bytes of the answer; takes ownership. */
  public void respondBody(ByteBuf bytes) {
    if (finished) {
      bytes.release();
      return;
    }
    AnswerTransform through = transform;
    if (through == null) {
      send(bytes);
      return;
    }
    send(through.onBody(bytes));
    RequestFlow from = flow;
    if (from != null && through.full()) {
      from.holdAnswer();
    }
  }

  /** Body bytes that a transform held back; takes ownership. */
  public void sendHeld(ByteBuf bytes) {
    if (finished) {
      bytes.release();
      return;
    }
    send(bytes);
    client.flush();
    AnswerTransform through = transform;
    RequestFlow from = flow;
    if (from != null && through != null && !through.full() && client.writable()) {
      from.onClientWritable();
    }
  }

  private void send(ByteBuf bytes) {
    int length = bytes.readableBytes();
    if (length == 0) {
      bytes.release();
      return;
    }
    record.responseBytes(length);
    client.body(bytes);
  }

  /** Of a tunnel: the endpoint will send no more, and may still read. */
  public void respondHalfEnd() {
    if (!finished) {
      client.halfEnd();
    }
  }

  /** The answer is whole. */
  public void respondEnd(@Nullable Headers trailers) {
    if (finished) {
      return;
    }
    if (trailers != null) {
      record.responseTrailers(trailers);
    }
    AnswerTransform through = transform;
    Headers last = trailers;
    if (through != null) {
      Headers rest = through.onTrailers(trailers);
      if (through.delaysEnd(() -> respondEnd(rest))) {
        return;
      }
      last = rest;
      send(through.onEnd());
    }
    finish(new Outcome.Answered(status));
    client.end(last);
  }

  /**
   * The exchange cannot go on: says so to the client if it has seen nothing yet, else breaks off.
   */
  public void fail(ProxyError error) {
    if (finished) {
      return;
    }
    if (responseBegun) {
      finish(new Outcome.Failed(error, true));
      if (tunnel != null
          && error instanceof ProxyError.UpstreamReset reset
          && reset.how() == How.RESET) {
        client.reset(); // an orderly close would look like the end of what was said
      } else {
        client.breakOff();
      }
    } else {
      failWithReply(error);
    }
  }

  /** Whether it failed before any application saw it, in a way that others may not share. */
  boolean untouched() {
    return untouched;
  }

  /** Answers as configuration says. */
  public void answer(LocalReply.Answer answer) {
    if (!finished && !responseBegun) {
      LocalReplies.Rendered reply = LocalReplies.render(answer);
      say(reply, new Outcome.AnsweredLocally(reply.head().status()));
    }
  }

  private void failWithReply(ProxyError error) {
    if (ErrorReplies.replyFor(error).status() == 0) {
      finish(new Outcome.Failed(error, false));
      client.reset();
      return;
    }
    untouched = ErrorReplies.anotherMayServe(error);
    say(Refusals.render(error, facts, head, record.requestId()), new Outcome.Failed(error, false));
  }

  private void say(LocalReplies.Rendered reply, Outcome outcome) {
    ByteBuf body = reply.body();
    boolean none = !body.isReadable();
    boolean sent = !none && !head.method().equals("HEAD");
    transform = null; // of an answer that this one takes the place of
    answerBody = sent ? BodyKind.LENGTH : BodyKind.NONE;
    filters.onLocalReply(reply.head());
    ResponseHeaders.prepare(reply.head(), this);
    begun(reply.head());
    AnswerTransform through = transform;
    BodyKind kind = none ? BodyKind.NONE : BodyKind.LENGTH;
    client.head(reply.head(), through == null ? kind : through.becomes(kind));
    if (!sent) {
      body.release();
    } else if (through == null) {
      send(body);
    } else {
      send(through.onBody(body));
      send(through.onEnd());
    }
    finish(outcome);
    client.end(null);
  }

  /** Whether the client can take more. */
  public boolean clientWritable() {
    return client.writable();
  }

  /** Sends what was written so far. */
  public void flush() {
    AnswerTransform through = transform;
    if (through != null && !finished) {
      send(through.onFlush());
    }
    client.flush();
  }

  /** Holds back the request's body. */
  public FlowGate requestGate() {
    return client.requestGate();
  }

  /** Has {@link RequestFlow#onAlarm} called by then, or earlier. */
  public void wakeBy(long deadlineNanos) {
    flowWakesAt = deadlineNanos;
    arm();
  }

  // Both ways.

  void bug(String where) {
    service.telemetry().bug(where);
  }

  @Nullable RequestFlow flow() {
    return flow;
  }

  @Nullable String faultExperiment() {
    return faultExperiment;
  }

  private void begun(ResponseHead response) {
    responseBegun = true;
    status = response.status();
    record.responseStarted(response);
    if (explanation != null) {
      ExchangeSteps.answered(explanation, this, response);
    }
  }

  void clientGone(String reason) {
    if (!finished) {
      abandon(new ProxyError.DownstreamGone(reason));
    }
  }

  void abandon(ProxyError error) {
    finish(new Outcome.Failed(error, responseBegun));
  }

  /** Lets go of all that is under way and notes the outcome, once. */
  void finish(Outcome outcome) {
    if (finished) {
      return;
    }
    finished = true;
    suspended = null;
    RequestFlow under = flow;
    if (under != null) {
      under.onFinish();
    }
    filters.onFinish(outcome);
    record.finish(outcome);
    if (explanation != null) {
      ExchangeSteps.over(explanation, this, outcome, service.telemetry());
    }
    service.exchangeFinished();
  }
}
