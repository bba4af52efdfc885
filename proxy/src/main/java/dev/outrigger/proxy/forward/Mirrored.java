package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.balance.PickContext;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.RouteTableConfig.Mirror;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.upstream.ConnectionPool;
import dev.outrigger.proxy.upstream.StreamListener;
import dev.outrigger.proxy.upstream.Upstream;
import dev.outrigger.proxy.upstream.UpstreamStream;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A copy of one request to another cluster. Nobody waits for it and nobody hears of it: its answer
 * is dropped, its failure counts nowhere, and where it cannot keep up it is given up rather than
 * slowing the request down. It takes part in the limits of its cluster, which bound how many there
 * are, and outlives the exchange by no more than its time limit. Confined to its worker's event
 * loop.
 */
@WorkerConfined
final class Mirrored implements StreamListener, ConnectionPool.Waiter {
  /** Of a body, held because the copy is slower than the request. */
  static final long MAX_BEHIND_BYTES = 64 * 1024;

  private static final Duration LONGEST = Duration.ofMinutes(1);

  private final Upstream upstream;
  private final Endpoint endpoint;
  private final ConnectionPool pool;
  private final RequestHead head;
  private final BodyKind body;
  private final Future<?> limit;
  private final ArrayDeque<ByteBuf> held = new ArrayDeque<>(2);
  private long behind;
  private @Nullable UpstreamStream stream;
  private @Nullable Headers trailers;
  private boolean ended;
  private boolean endSent;
  private boolean over;

  private Mirrored(
      Worker worker,
      Upstream upstream,
      Endpoint endpoint,
      RequestHead head,
      BodyKind body,
      Duration longest) {
    this.upstream = upstream;
    this.endpoint = endpoint;
    this.head = head;
    this.body = body;
    this.pool = upstream.poolOf(endpoint, head.version() == HttpVersion.HTTP_2, null);
    this.limit = worker.loop().schedule(this::giveUp, longest.toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * Begins a copy of the exchange's request as it stands; null where the draw, the cluster's limits
   * or the lack of an endpoint leave none.
   *
   * @param timeout how long it may take; zero takes a minute
   */
  static @Nullable Mirrored begin(
      Forwarder forwarder, Exchange exchange, Mirror mirror, Duration timeout) {
    Worker worker = forwarder.worker();
    if (mirror.share() < 1 && worker.random().nextDouble() >= mirror.share()) {
      return null;
    }
    String named =
        mirror.header() == null
            ? mirror.cluster()
            : exchange.head().headers().get(mirror.header()); // as the route has left it
    Upstream upstream = named == null ? null : forwarder.upstreams().find(named);
    Endpoint endpoint =
        upstream == null ? null : upstream.pick(PickContext.NONE, exchange.facts().destination());
    if (upstream == null || endpoint == null || upstream.exchangeBegins() != null) {
      return null;
    }
    RequestHead copy = exchange.head().copy();
    copy.headers().remove(HeaderName.EXPECT);
    if (mirror.markHost()) {
      copy.authority(marked(copy.authority()));
      copy.headers().set(HeaderName.HOST, copy.authority());
    }
    Duration longest = timeout.isZero() || timeout.compareTo(LONGEST) > 0 ? LONGEST : timeout;
    Mirrored begun =
        new Mirrored(worker, upstream, endpoint, copy, exchange.requestBody(), longest);
    upstream.began(endpoint);
    begun.connect();
    return begun;
  }

  /** {@code -shadow} behind the name, before the port. */
  static String marked(String authority) {
    int colon = authority.lastIndexOf(':');
    return colon < 0 || authority.indexOf(']', colon) >= 0
        ? authority + "-shadow"
        : authority.substring(0, colon) + "-shadow" + authority.substring(colon);
  }

  private void connect() {
    UpstreamStream kept = pool.acquireNow();
    if (kept != null) {
      begin(kept);
    } else {
      pool.acquireLater(this);
    }
  }

  @Override
  public void acquired(UpstreamStream connected) {
    if (over) {
      connected.cancel();
      return;
    }
    begin(connected);
    connected.flush();
  }

  private void begin(UpstreamStream connected) {
    stream = connected;
    connected.start(this, head, body, null);
    drain();
  }

  @Override
  public void failed(ProxyError error) {
    finish();
  }

  // What the request brings.

  /** Takes ownership. */
  void onBody(ByteBuf bytes) {
    if (over) {
      bytes.release();
      return;
    }
    held.addLast(bytes);
    behind += bytes.readableBytes();
    drain();
    if (behind > MAX_BEHIND_BYTES) {
      giveUp();
    }
  }

  void onEnd(@Nullable Headers last) {
    ended = true;
    // Its own, for the request's may be changed on its way.
    trailers = last == null ? null : last.copy();
    drain();
  }

  void flush() {
    if (stream != null) {
      stream.flush();
    }
  }

  /** The exchange is over: what of its request has not come never will. */
  void exchangeEnded() {
    if (!ended) {
      giveUp();
    }
  }

  private void drain() {
    UpstreamStream to = stream;
    while (to != null && !held.isEmpty() && to.writable()) {
      ByteBuf bytes = held.pollFirst();
      behind -= bytes.readableBytes();
      to.body(bytes);
    }
    if (to != null && !over && ended && !endSent && held.isEmpty()) {
      endSent = true;
      to.end(trailers);
    }
  }

  @Override
  public void onWritable() {
    drain();
    flush();
  }

  // The answer: nobody's business.

  @Override
  public void onInterim(ResponseHead interim) {}

  @Override
  public void onHead(ResponseHead answer, BodyKind answerBody) {}

  @Override
  public void onAnswerBody(ByteBuf bytes) {
    bytes.release();
  }

  @Override
  public void onAnswerEnd(@Nullable Headers last) {
    stream = null;
    finish();
  }

  @Override
  public void onFailure(ProxyError error, boolean raced) {
    stream = null;
    finish();
  }

  @Override
  public void onAnswerReadComplete() {}

  private void giveUp() {
    if (over) {
      return;
    }
    UpstreamStream under = stream;
    stream = null;
    if (under == null) {
      pool.cancel(this);
    } else {
      under.cancel();
    }
    finish();
  }

  private void finish() {
    if (over) {
      return;
    }
    over = true;
    limit.cancel(false);
    held.forEach(ByteBuf::release);
    held.clear();
    upstream.ended(endpoint);
    upstream.exchangeEnds();
  }
}
