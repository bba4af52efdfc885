package dev.outrigger.controlplane.ads;

import com.google.rpc.Status;
import dev.outrigger.controlplane.ca.JoinRefusal;
import dev.outrigger.tls.SpiffeId;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream of one proxy, in either variant. Confined to its executor.
 *
 * <p>At most one response of each type is unanswered. What is sent next is always the difference
 * between what the proxy has and what it should have now, in this order, so that nothing ever names
 * what is not there: clusters (additions and changes), endpoints, secrets, listeners, routes, and
 * only then the clusters that are gone. Listeners and routes wait until what went before is
 * acknowledged, though never longer than {@link AdsLimits#hold}.
 */
final class AdsSession {
  private static final Logger LOG = LoggerFactory.getLogger(AdsSession.class);

  /** How often within a lease it is renewed. */
  private static final int BEATS_PER_LEASE = 3;

  /**
   * So many may be sent much at the same time: what is sent is held in memory until a proxy has
   * read it, and a thousand proxies that begin together would need a thousand times as much.
   */
  static final int MOST_PUSHES = 8;

  /** What needs no turn: pushes of fewer bytes than this. */
  private static final int LITTLE = 128 << 10;

  private final long number;
  private final Variant variant;
  private final Caller caller;
  private final EventExecutor executor;
  private final Outlet outlet;
  private final Shared shared;

  private final Map<String, Subscription> subscriptions = new LinkedHashMap<>();

  /** Endpoint sets that a cluster sent on this stream needs and that were not answered yet. */
  private final Set<String> awaitedEndpoints = new LinkedHashSet<>();

  private final Map<String, ScheduledFuture<?>> heartbeats = new LinkedHashMap<>();
  private @Nullable ScheduledFuture<?> silence;
  private @Nullable ScheduledFuture<?> hold;
  private boolean holdOver;
  private @Nullable ProxyNode proxy;
  private ResourceView view = ResourceView.empty();

  /** The change that the view holds, and the last one up to which all is answered. */
  private long viewed = -1;

  private long settled = -1;
  private long nonces;
  private boolean closed;

  private Turn turn = Turn.NONE;
  private boolean hadTurn;
  private @Nullable ScheduledFuture<?> turnEnd;
  private final Runnable onTurn = this::onTurnGranted;

  /** Whether the request being handled answered the outstanding push. */
  private boolean answeredNow;

  /** Where a session's responses go. Called on the session's executor only. */
  interface Outlet {
    boolean isReady();

    void send(PendingPush push);

    /** Ends the stream; the reason is told to the proxy. */
    void fail(io.grpc.Status status);
  }

  /**
   * What the caller proved.
   *
   * @param identity null on the plain port
   * @param workload the only one that it may be; null where that is not known
   */
  record Caller(@Nullable SpiffeId identity, @Nullable String workload) {}

  /** What all sessions of a service have in common. */
  record Shared(
      ViewSource views, NackLedger ledger, AdsCounters counters, AdsLimits limits, Turns turns) {}

  /** Whether this one may send much now. */
  private enum Turn {
    NONE,
    WAITING,
    TAKEN
  }

  AdsSession(
      long number,
      Variant variant,
      Caller caller,
      EventExecutor executor,
      Outlet outlet,
      Shared shared) {
    this.number = number;
    this.variant = variant;
    this.caller = caller;
    this.executor = executor;
    this.outlet = outlet;
    this.shared = shared;
  }

  /** Begins the wait for the first request. */
  void onOpen() {
    assert executor.inEventLoop();
    silence =
        schedule(
            () -> fail(io.grpc.Status.DEADLINE_EXCEEDED.withDescription("no request came")),
            shared.limits().firstRequest());
  }

  void onRequest(Incoming request) {
    assert executor.inEventLoop();
    if (closed) {
      return;
    }
    shared.counters().requests.increment();
    String refusal = refusalOf(request);
    if (refusal != null) {
      fail(io.grpc.Status.INVALID_ARGUMENT.withDescription(refusal));
      return;
    }
    if (proxy == null) {
      ProxyNode who = new ProxyNode(Objects.requireNonNull(request.node()), caller.identity());
      String says = who.namespace() + "/" + who.workload();
      if (caller.workload() != null && !caller.workload().equals(says)) {
        fail(
            io.grpc.Status.PERMISSION_DENIED.withDescription(
                JoinRefusal.OTHER_POD.text(
                    "the token is of the pod " + caller.workload() + ", not of " + says)));
        return;
      }
      begin(who);
    }
    boolean first = !subscriptions.containsKey(request.typeUrl());
    Subscription subscription =
        subscriptions.computeIfAbsent(
            request.typeUrl(), typeUrl -> new Subscription(typeUrl, variant));
    boolean current = onAnswer(subscription, request, first);
    boolean repeated = current && !first && subscription.outstanding() == null && !answeredNow;
    switch (request.interest()) {
      case Incoming.Interest.Names names -> {
        // A whole list with a stale nonce is older than what we already know, and is followed by
        // a newer one when the proxy reads our last response: it is never answered.
        if (current) {
          subscription.replaceNames(names.names(), names.version(), first, repeated);
        }
      }
      // A change is said only once, so it counts whatever its nonce.
      case Incoming.Interest.Change change -> subscription.changeNames(change, first);
    }
    if (subscription.size() > shared.limits().maxNames()) {
      fail(
          io.grpc.Status.RESOURCE_EXHAUSTED.withDescription(
              "more than " + shared.limits().maxNames() + " names asked for"));
      return;
    }
    pump();
  }

  /** What the proxy should have may have changed. */
  void onChange() {
    assert executor.inEventLoop();
    if (closed || proxy == null) {
      return;
    }
    look(proxy);
    pump();
  }

  /** The stream takes messages again. */
  void onReady() {
    assert executor.inEventLoop();
    pump();
  }

  void onClose() {
    assert executor.inEventLoop();
    if (closed) {
      return;
    }
    closed = true;
    heartbeats.values().forEach(one -> one.cancel(false));
    cancel(silence);
    cancel(hold);
    shared.turns().leave(onTurn);
    giveTurnBack();
    shared.ledger().onClose(number);
  }

  /** Ends the stream from our side. */
  void end(io.grpc.Status status) {
    assert executor.inEventLoop();
    if (!closed) {
      onClose();
      outlet.fail(status);
    }
  }

  private void begin(ProxyNode who) {
    cancel(silence);
    proxy = who;
    look(who);
    shared.ledger().onOpen(number, who, variant);
    LOG.info("{} connected ({}, stream {})", who.id(), variant, number);
  }

  private void look(ProxyNode who) {
    // First the number: what comes in between is in the view, and counts with the next.
    viewed = shared.ledger().changes();
    view = shared.views().viewFor(who);
  }

  private @Nullable String refusalOf(Incoming request) {
    AdsLimits limits = shared.limits();
    if (request.typeUrl().isEmpty() || request.typeUrl().length() > limits.maxNameLength()) {
      return "type_url: expected a resource type";
    }
    if (proxy == null) {
      var node = request.node();
      if (node == null || node.getId().isEmpty()) {
        return "node.id: the first request of a stream must say who asks";
      }
      if (node.getId().length() > limits.maxNameLength()) {
        return "node.id: longer than " + limits.maxNameLength() + " characters";
      }
    }
    if (!subscriptions.containsKey(request.typeUrl())
        && subscriptions.size() >= limits.maxTypes()) {
      return "type_url: more than " + limits.maxTypes() + " types on one stream";
    }
    List<String> names =
        switch (request.interest()) {
          case Incoming.Interest.Names all -> all.names();
          case Incoming.Interest.Change change -> change.subscribe();
        };
    if (names.size() > limits.maxNames()) {
      return "resource_names: more than " + limits.maxNames();
    }
    for (String name : names) {
      if (name.isEmpty() || name.length() > limits.maxNameLength()) {
        return "resource_names: a name must have 1 to " + limits.maxNameLength() + " characters";
      }
    }
    return null;
  }

  /** Books an ACK or NACK. False if the request speaks of an older response than the last one. */
  private boolean onAnswer(Subscription subscription, Incoming request, boolean first) {
    answeredNow = false;
    if (first) {
      // A nonce from an earlier stream means nothing here.
      return true;
    }
    PendingPush outstanding = subscription.outstanding();
    if (!request.nonce().equals(subscription.lastNonce())) {
      if (!request.nonce().isEmpty()) {
        shared.counters().staleNonces.increment();
      }
      return false;
    }
    if (outstanding == null || request.nonce().isEmpty()) {
      return true;
    }
    answeredNow = true;
    PendingPush push = subscription.complete();
    if (push.typeUrl().equals(XdsType.FAULT) && !push.resources().isEmpty()) {
      // A proxy counts a lease from what it said last: from this answer on it may count on us.
      subscription.heartbeatDue();
    }
    Status error = request.error();
    if (error == null) {
      shared.counters().acks.increment();
      shared.ledger().onAck(number, push);
    } else {
      shared.counters().nacks.increment();
      shared.ledger().onNack(number, push, error);
      LOG.warn(
          "{} refused {} {}: {}",
          proxy == null ? "?" : proxy.id(),
          XdsType.shortName(push.typeUrl()),
          push.version(),
          error.getMessage());
    }
    return true;
  }

  /** Sends all that may be sent now. */
  private void pump() {
    if (closed || proxy == null) {
      return;
    }
    push(XdsType.CLUSTER, false);
    push(XdsType.ENDPOINT, false);
    push(XdsType.SECRET, true);
    if (turn != Turn.WAITING) {
      pumpUsers();
    }
    for (Subscription other : List.copyOf(subscriptions.values())) {
      if (!isOrdered(other.typeUrl())) {
        push(other.typeUrl(), true);
      }
    }
    // Who waits for a turn waits for us, not for the proxy.
    watchHold(turn != Turn.WAITING && isWaiting());
    noteSettled();
    if (turn == Turn.TAKEN && outlet.isReady() && hasAnsweredAll()) {
      giveTurnBack();
    }
  }

  /** Types count one by one, since under constant change no moment may come without a push. */
  private void noteSettled() {
    long all = viewed;
    for (Subscription one : subscriptions.values()) {
      all = Math.min(all, one.settled());
    }
    if (all > settled) {
      settled = all;
      shared.ledger().onSettled(number, all);
    }
  }

  private boolean hasAnsweredAll() {
    return subscriptions.values().stream().allMatch(one -> one.outstanding() == null);
  }

  /** Sends what uses clusters and endpoints, and then takes away what is used no longer. */
  private void pumpUsers() {
    awaitedEndpoints.removeIf(this::endpointsSettled);
    boolean warm = isAnswered(XdsType.CLUSTER) && isAnswered(XdsType.ENDPOINT);
    boolean foundation = (warm && awaitedEndpoints.isEmpty()) || holdOver;
    if (foundation) {
      push(XdsType.LISTENER, true);
    }
    if (foundation && (isAnswered(XdsType.LISTENER) || holdOver)) {
      push(XdsType.ROUTE, true);
    }
    if (foundation && ((isAnswered(XdsType.LISTENER) && isAnswered(XdsType.ROUTE)) || holdOver)) {
      push(XdsType.CLUSTER, true);
      if (isAnswered(XdsType.CLUSTER) || holdOver) {
        push(XdsType.ENDPOINT, true);
      }
    }
  }

  private static boolean isOrdered(String typeUrl) {
    return switch (typeUrl) {
      case XdsType.CLUSTER, XdsType.ENDPOINT, XdsType.SECRET, XdsType.LISTENER, XdsType.ROUTE ->
          true;
      default -> false;
    };
  }

  /** Whether something is to be sent that waits for something else. */
  private boolean isWaiting() {
    return isDue(XdsType.LISTENER) || isDue(XdsType.ROUTE) || isDue(XdsType.CLUSTER);
  }

  private boolean isDue(String typeUrl) {
    Subscription subscription = subscriptions.get(typeUrl);
    return subscription != null
        && subscription.outstanding() == null
        && subscription.due(view, true, "") != null;
  }

  /** Bounds the wait, so that a proxy that never asks for endpoints still gets its listeners. */
  private void watchHold(boolean waiting) {
    if (!waiting) {
      cancel(hold);
      hold = null;
      holdOver = false;
    } else if (hold == null) {
      hold =
          schedule(
              () -> {
                holdOver = true;
                awaitedEndpoints.clear();
                pump();
              },
              shared.limits().hold());
    }
  }

  private boolean isAnswered(String typeUrl) {
    Subscription subscription = subscriptions.get(typeUrl);
    return subscription == null || subscription.outstanding() == null;
  }

  private boolean endpointsSettled(String name) {
    Subscription endpoints = subscriptions.get(XdsType.ENDPOINT);
    return endpoints != null && endpoints.covers(name) && endpoints.hasAnswered(name);
  }

  private void push(String typeUrl, boolean withRemovals) {
    Subscription subscription = subscriptions.get(typeUrl);
    if (subscription == null || subscription.outstanding() != null || !outlet.isReady()) {
      return;
    }
    PendingPush push = subscription.due(view, withRemovals, number + "-" + (nonces + 1));
    if (push == null) {
      subscription.settle(viewed);
      return;
    }
    if (!hasTurnFor(push)) {
      return;
    }
    nonces++;
    subscription.sent(push, viewed);
    shared.counters().pushes.increment();
    shared.counters().resources.add(push.resources().size());
    shared.counters().heartbeats.add(push.heartbeats().size());
    shared.ledger().onPush(number, push);
    outlet.send(push);
    if (typeUrl.equals(XdsType.CLUSTER)) {
      onClustersSent(push, subscription.isWildcard());
    }
    Duration lease = subscription.shortestLease();
    if (lease != null && !heartbeats.containsKey(typeUrl)) {
      beat(typeUrl, lease);
    }
  }

  /**
   * A cluster that is new or has changed warms until it has endpoints. A proxy that has asked for
   * them before will not ask again, so they are sent again.
   */
  private void onClustersSent(PendingPush push, boolean wildcard) {
    Subscription endpoints = subscriptions.get(XdsType.ENDPOINT);
    for (VersionedResource resource : push.resources().values()) {
      @Nullable String name = resource.endpoints();
      if (name == null) {
        continue;
      }
      if (endpoints != null && endpoints.covers(name)) {
        endpoints.force(name);
      } else if (wildcard) {
        // Someone who names clusters one by one (proxyless gRPC) comes from listeners down.
        awaitedEndpoints.add(name);
      }
    }
  }

  // ---- turns

  private boolean hasTurnFor(PendingPush push) {
    if (turn == Turn.TAKEN || push.size() < LITTLE) {
      return true;
    }
    if (turn == Turn.NONE) {
      turn = Turn.WAITING;
      if (shared.turns().take(onTurn, hadTurn)) {
        beginTurn();
      }
    }
    return turn == Turn.TAKEN;
  }

  /** On any thread. */
  private void onTurnGranted() {
    executor.execute(
        () -> {
          if (closed) {
            shared.turns().giveBack();
          } else {
            beginTurn();
            pump();
          }
        });
  }

  private void beginTurn() {
    turn = Turn.TAKEN;
    hadTurn = true;
    // One that does not read must not keep others from being served.
    turnEnd = schedule(this::giveTurnBack, shared.limits().hold());
  }

  private void giveTurnBack() {
    if (turn == Turn.TAKEN) {
      cancel(turnEnd);
      shared.turns().giveBack();
    }
    turn = Turn.NONE;
  }

  private void beat(String typeUrl, Duration lease) {
    heartbeats.put(
        typeUrl,
        schedule(
            () -> {
              heartbeats.remove(typeUrl);
              Subscription subscription = subscriptions.get(typeUrl);
              Duration next = subscription == null ? null : subscription.shortestLease();
              if (subscription != null && next != null) {
                beat(typeUrl, next);
                subscription.heartbeatDue();
                pump();
              }
            },
            lease.dividedBy(BEATS_PER_LEASE)));
  }

  private void fail(io.grpc.Status status) {
    LOG.warn(
        "stream {} of {} ended: {}",
        number,
        proxy == null ? "an unnamed proxy" : proxy.id(),
        status.getDescription());
    onClose();
    outlet.fail(status);
  }

  private ScheduledFuture<?> schedule(Runnable task, Duration delay) {
    return executor.schedule(
        () -> {
          if (!closed) {
            task.run();
          }
        },
        delay.toNanos(),
        TimeUnit.NANOSECONDS);
  }

  private static void cancel(@Nullable ScheduledFuture<?> future) {
    if (future != null) {
      future.cancel(false);
    }
  }
}
