package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.balance.ClusterPicker;
import dev.outrigger.proxy.balance.LoadBalancers;
import dev.outrigger.proxy.balance.PickContext;
import dev.outrigger.proxy.balance.Picker;
import dev.outrigger.proxy.balance.PickerState;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.BreakerConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.ClusterConfig.TlsMatch;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.health.OutlierDetector;
import dev.outrigger.proxy.http.Tunnel;
import dev.outrigger.proxy.http.codec.Http1HeadWriter;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.worker.WindowBudget;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A cluster as one worker sees it: who may be picked, how busy each endpoint is, and the
 * connections to it. Confined to its worker's event loop. It outlives configurations as long as its
 * name does; a pool outlives them as long as its address and TLS do.
 */
@WorkerConfined
public final class Upstream implements PickerState {
  private static final int MAX_ORIGINAL_DESTINATIONS = 1024;
  private static final int MAX_WEIGHED = 20;
  private static final Duration MIN_REST = Duration.ofMillis(100);
  private static final Duration MAX_REST = Duration.ofSeconds(5);

  private final Upstreams all;
  private final IdentityHashMap<Endpoint, Place> places = new IdentityHashMap<>();
  private final Map<ConnectionPool.Key, ConnectionPool> pools = new HashMap<>();
  private final List<ConnectionPool> retired = new ArrayList<>();
  private final Map<InetSocketAddress, Endpoint> destinations =
      new LinkedHashMap<>(16, 0.75f, true);

  private ClusterConfig config;
  private BreakerConfig limits;
  private EndpointSet endpoints = EndpointSet.EMPTY;
  private @Nullable OutlierDetector outliers;
  private Picker picker = _ -> null;
  private RetryBudget retries;
  private final Map<SocketAddressConfig, Rest> resting = new HashMap<>();
  private int connections;
  private int waiting;
  private int active;

  /** Until when, in this worker's time, and for how long an endpoint is avoided. */
  private record Rest(long until, long lasts) {}

  private static final class Place {
    private final ConnectionPool pool;
    private int active;

    private Place(ConnectionPool pool) {
      this.pool = pool;
    }
  }

  Upstream(Upstreams all, ClusterConfig config) {
    this.all = all;
    this.config = config;
    this.limits = config.breaker();
    this.retries = RetryBudget.of(limits);
    update(config);
  }

  // What the data path asks.

  public ClusterConfig config() {
    return config;
  }

  /**
   * Chooses where an attempt or a relayed connection goes; null when nothing is there to be used.
   *
   * @param destination what the client had in mind, for clusters that go there
   */
  public @Nullable Endpoint pick(PickContext context, InetSocketAddress destination) {
    return config.discovery() instanceof Discovery.OriginalDestination original
        ? original(original, destination)
        : picker.pick(resting.isEmpty() ? context : e -> context.tried(e) || rests(e));
  }

  /**
   * An endpoint could not be reached: it is avoided for a moment, which doubles each time, as long
   * as there is another one.
   */
  public void unreachable(Endpoint endpoint) {
    if (endpoints.endpoints().size() > 1) {
      Rest before = resting.get(endpoint.address());
      long lasts =
          before == null ? MIN_REST.toNanos() : Math.min(MAX_REST.toNanos(), before.lasts * 2);
      resting.put(endpoint.address(), new Rest(now() + lasts, lasts));
    }
  }

  private boolean rests(Endpoint endpoint) {
    Rest rest = resting.get(endpoint.address());
    return rest != null && rest.until - now() > 0;
  }

  /** The endpoints that {@link #pick} weighs, and what speaks for or against each; for people. */
  public String weighed(PickContext context) {
    if (!(config.discovery() instanceof Discovery.Listed) && endpoints.endpoints().isEmpty()) {
      return "cluster " + config.name() + " goes where the client wanted to";
    }
    StringBuilder text = new StringBuilder("cluster ").append(config.name());
    text.append(" (").append(config.balancing().getClass().getSimpleName()).append(") weighs");
    int shown = 0;
    for (Endpoint endpoint : endpoints.endpoints()) {
      if (shown++ == MAX_WEIGHED) {
        text.append(", and ").append(endpoints.endpoints().size() - MAX_WEIGHED).append(" more");
        break;
      }
      text.append(shown == 1 ? " " : ", ").append(endpoint.address()).append(" (");
      text.append(stateOf(endpoint, context));
      text.append(", priority ").append(endpoint.priority());
      text.append(", weight ").append(endpoint.weight());
      text.append(", ").append(active(endpoint)).append(" active)");
    }
    return text.append(endpoints.endpoints().isEmpty() ? " nothing" : "").toString();
  }

  private String stateOf(Endpoint endpoint, PickContext context) {
    if (endpoint.health() != Endpoint.Health.HEALTHY) {
      return endpoint.health().name().toLowerCase(Locale.ROOT);
    }
    if (!all.health().healthy(config.name(), endpoint)) {
      return "fails its health check";
    }
    OutlierDetector detector = outliers;
    if (detector != null && detector.ejected(endpoint)) {
      return "ejected as an outlier";
    }
    if (context.tried(endpoint)) {
      return "tried before";
    }
    return rests(endpoint) ? "was out of reach a moment ago" : "healthy";
  }

  /** Why {@link #pick} gave nothing. */
  public ProxyError nothingToPick() {
    int known = endpoints.endpoints().size();
    int well = 0;
    for (Endpoint endpoint : endpoints.endpoints()) {
      if (endpoint.health() == Endpoint.Health.HEALTHY && usable(endpoint)) {
        well++;
      }
    }
    return new ProxyError.NoHealthyEndpoint(config.name(), known, well);
  }

  /** This worker's connections to an endpoint that was picked here. */
  public ConnectionPool poolOf(Endpoint endpoint) {
    return place(endpoint).pool;
  }

  /**
   * This worker's connections to an endpoint that speak what one exchange needs.
   *
   * @param http2 whether its client speaks HTTP/2
   * @param tunnel what it would like to become, or null; where HTTP/1.1 can be chosen it is, since
   *     not all that speak HTTP/2 can change the protocol of one stream
   */
  public ConnectionPool poolOf(Endpoint endpoint, boolean http2, @Nullable Tunnel tunnel) {
    Place place = place(endpoint);
    if (tunnel != null && tunnel.terminated()) {
      return pool(endpoint, place.pool.key().speaking(Speech.NONE));
    }
    boolean one =
        switch (config.pool().speech()) {
          case HTTP1, HTTP2, NONE -> false;
          case NEGOTIATED -> tunnel != null && tunnel.protocol() != null;
          case AS_DOWNSTREAM -> !http2;
        };
    if (!one) {
      return place.pool;
    }
    return pool(endpoint, place.pool.key().speaking(Speech.HTTP1));
  }

  private ConnectionPool pool(Endpoint endpoint, ConnectionPool.Key key) {
    return pools.computeIfAbsent(key, made -> new ConnectionPool(this, endpoint, made));
  }

  private ConnectionPool.Key keyOf(Endpoint endpoint) {
    UpstreamTls tls = tlsOf(endpoint);
    Speech speech = config.pool().speech();
    return ConnectionPool.Key.of(
        endpoint,
        tls,
        switch (speech) {
          case HTTP1, HTTP2, NONE -> speech;
          case NEGOTIATED -> tls instanceof UpstreamTls.Plain ? Speech.HTTP1 : speech;
          case AS_DOWNSTREAM -> Speech.HTTP2;
        });
  }

  /** The TLS configuration that the endpoint's labels select. */
  public UpstreamTls tlsOf(Endpoint endpoint) {
    for (TlsMatch match : config.tlsMatches()) {
      if (endpoint.tlsLabels().entrySet().containsAll(match.labels().entrySet())) {
        return match.tls();
      }
    }
    return new UpstreamTls.Plain();
  }

  /** An attempt or relayed connection goes to the endpoint; {@link #ended} follows. */
  public void began(Endpoint endpoint) {
    place(endpoint).active++;
  }

  /** It is over. */
  public void ended(Endpoint endpoint) {
    Place place = places.get(endpoint);
    if (place != null && place.active > 0) {
      place.active--;
    }
  }

  /** Counts an exchange in, unless there are too many; then what to say. */
  public @Nullable ProxyError exchangeBegins() {
    if (active >= limits.maxRequests()) {
      return new ProxyError.PoolOverflow(
          config.name(), ProxyError.PoolOverflow.Limit.REQUESTS, limits.maxRequests());
    }
    active++;
    return null;
  }

  /** Counts it out. */
  public void exchangeEnds() {
    active--;
  }

  /** Exchanges under way in this worker. */
  public int activeExchanges() {
    return active;
  }

  /** Whether a retry may begin now; {@link #retryEnds} follows. */
  public boolean retryBegins() {
    return retries.begin(active);
  }

  public void retryEnds() {
    retries.end();
  }

  /** The endpoint answered an attempt; for a relayed connection, that it opened is status 200. */
  public void answered(Endpoint endpoint, int status) {
    if (!resting.isEmpty() && status < 500) {
      resting.remove(endpoint.address());
    }
    OutlierDetector detector = outliers;
    if (detector == null) {
      return;
    }
    if (status >= 500) {
      countFailure(detector, endpoint);
    } else {
      detector.onSuccess(endpoint);
    }
  }

  /** An attempt or relayed connection failed; whether by the endpoint's fault is decided here. */
  public void failed(Endpoint endpoint, ProxyError error) {
    OutlierDetector detector = outliers;
    if (detector != null && blames(error)) {
      countFailure(detector, endpoint);
    }
  }

  private static boolean blames(ProxyError error) {
    return switch (error) {
      case ProxyError.ConnectRefused _,
          ProxyError.ConnectTimedOut _,
          ProxyError.TlsRejected _,
          ProxyError.UpstreamReset _ ->
          true;
      case ProxyError.DeadlinePassed passed -> passed.origin() == Origin.UPSTREAM;
      case ProxyError.ProtocolViolation violation -> violation.origin() == Origin.UPSTREAM;
      case ProxyError.TooLarge large -> large.origin() == Origin.UPSTREAM;
      case ProxyError.FaultInjected fault -> fault.status() == 0 || fault.status() >= 500;
      case ProxyError.NoRoute _,
          ProxyError.NoCluster _,
          ProxyError.NoHealthyEndpoint _,
          ProxyError.PoolOverflow _,
          ProxyError.DownstreamGone _,
          ProxyError.UnknownCoding _,
          ProxyError.Denied _,
          ProxyError.UpgradeRefused _,
          ProxyError.RateLimited _,
          ProxyError.Draining _,
          ProxyError.Bug _ ->
          false;
    };
  }

  private void countFailure(OutlierDetector detector, Endpoint endpoint) {
    if (detector.onFailure(endpoint, now())) {
      String service = config.service();
      all.telemetry().upstreamEjected(service == null ? "" : service);
      rebuild();
    }
  }

  private boolean usable(Endpoint endpoint) {
    OutlierDetector detector = outliers;
    return all.health().healthy(config.name(), endpoint)
        && (detector == null || !detector.ejected(endpoint));
  }

  @Override
  public int active(Endpoint endpoint) {
    Place place = places.get(endpoint);
    return place == null ? 0 : place.active;
  }

  @Override
  public RandomGenerator random() {
    return all.worker().random();
  }

  /** Open connections, in this worker, idle or not. */
  public int connections() {
    return connections;
  }

  // What changes it.

  void update(ClusterConfig next) {
    boolean sameOutliers = Objects.equals(next.outliers(), config.outliers()) && outliers != null;
    config = next;
    limits = share(next.breaker(), all.workerCount());
    retries = retries.adapt(limits);
    if (!sameOutliers) {
      outliers = next.outliers() == null ? null : new OutlierDetector(next.outliers(), endpoints);
    }
    if (next.discovery() instanceof Discovery.Listed listed) {
      endpoints(listed.endpoints());
    } else {
      endpoints(endpoints);
    }
  }

  /** The endpoints are these now. */
  void endpoints(EndpointSet next) {
    endpoints = next;
    resting.keySet().retainAll(next.endpoints().stream().map(Endpoint::address).toList());
    if (outliers != null) {
      outliers.onEndpoints(next);
    }
    IdentityHashMap<Endpoint, Place> old = new IdentityHashMap<>(places);
    places.clear();
    destinations.clear();
    Map<ConnectionPool.Key, ConnectionPool> oldPools = new HashMap<>(pools);
    pools.clear();
    for (Endpoint endpoint : next.endpoints()) {
      ConnectionPool.Key key = keyOf(endpoint);
      ConnectionPool pool = pools.get(key);
      if (pool == null) {
        pool = oldPools.remove(key);
        if (pool == null) {
          pool = new ConnectionPool(this, endpoint, key);
        }
        pools.put(key, pool);
      }
      pool.endpoint(endpoint);
      ConnectionPool.Key one = key.speaking(Speech.HTTP1);
      ConnectionPool other = one.equals(key) ? null : oldPools.remove(one);
      if (other != null) {
        other.endpoint(endpoint);
        pools.put(one, other);
      }
      Place place = new Place(pool);
      Place before = old.remove(endpoint);
      place.active = before == null ? 0 : before.active;
      places.put(endpoint, place);
    }
    // Those under way at an endpoint described anew still count out on the old description.
    for (Map.Entry<Endpoint, Place> left : old.entrySet()) {
      if (left.getValue().active > 0) {
        places.put(left.getKey(), left.getValue());
      }
    }
    for (ConnectionPool pool : oldPools.values()) {
      pool.retire();
      retired.add(pool);
    }
    rebuild();
  }

  /** What active checks say has changed. */
  void healthChanged() {
    rebuild();
  }

  /** New connections take the place of those there are. */
  void renew() {
    pools.values().forEach(ConnectionPool::renew);
  }

  void retire() {
    for (ConnectionPool pool : pools.values()) {
      pool.retire();
      retired.add(pool);
    }
    pools.clear();
  }

  void sweep(long now) {
    if (outliers != null && outliers.readmit(now)) {
      rebuild();
    }
    int idle = 0;
    for (ConnectionPool pool : pools.values()) {
      pool.sweep(now);
      idle += pool.idle() + pool.connecting();
    }
    for (Iterator<ConnectionPool> it = retired.iterator(); it.hasNext(); ) {
      ConnectionPool pool = it.next();
      pool.sweep(now);
      if (pool.gone()) {
        it.remove();
      }
    }
    for (; idle < config.pool().minIdle(); idle++) {
      Endpoint endpoint = picker.pick(PickContext.NONE);
      if (endpoint == null) {
        return;
      }
      place(endpoint).pool.preconnect();
    }
  }

  private void rebuild() {
    picker =
        new ClusterPicker(
            endpoints,
            this::usable,
            ClusterPicker.DEFAULT_PANIC_PERCENT,
            LoadBalancers.of(config.balancing()),
            this);
  }

  private Place place(Endpoint endpoint) {
    Place place = places.get(endpoint);
    if (place == null) {
      ConnectionPool.Key key = keyOf(endpoint);
      ConnectionPool pool =
          pools.computeIfAbsent(key, made -> new ConnectionPool(this, endpoint, made));
      place = new Place(pool);
      places.put(endpoint, place);
    }
    return place;
  }

  private Endpoint original(Discovery.OriginalDestination original, InetSocketAddress destination) {
    Endpoint known = destinations.get(destination);
    if (known != null) {
      return known;
    }
    int port = original.portOverride() == 0 ? destination.getPort() : original.portOverride();
    Endpoint made =
        new Endpoint(
            new SocketAddressConfig(destination.getAddress().getHostAddress(), port),
            "",
            1,
            0,
            Endpoint.Health.HEALTHY,
            Endpoint.Locality.NONE,
            Map.of(),
            null,
            "");
    destinations.put(destination, made);
    if (destinations.size() > MAX_ORIGINAL_DESTINATIONS) {
      forgetOldest();
    }
    return made;
  }

  private void forgetOldest() {
    Iterator<Map.Entry<InetSocketAddress, Endpoint>> oldest = destinations.entrySet().iterator();
    Endpoint endpoint = oldest.next().getValue();
    oldest.remove();
    Place place = places.remove(endpoint);
    if (place != null) {
      forget(pools.remove(place.pool.key()));
      forget(pools.remove(place.pool.key().speaking(Speech.HTTP1)));
    }
  }

  private void forget(@Nullable ConnectionPool pool) {
    if (pool != null) {
      pool.retire();
      retired.add(pool);
    }
  }

  private static BreakerConfig share(BreakerConfig whole, int workers) {
    return new BreakerConfig(
        part(whole.maxConnections(), workers),
        part(whole.maxPending(), workers),
        part(whole.maxRequests(), workers),
        whole.retryBudgetPercent(),
        whole.minRetryConcurrency());
  }

  private static int part(int whole, int workers) {
    return whole == 0 ? 0 : Math.max(1, (int) (((long) whole + workers - 1) / workers));
  }

  // What pools ask and tell.

  BreakerConfig limits() {
    return limits;
  }

  UpstreamConnector connector() {
    return all.connector();
  }

  WorkerTelemetry telemetry() {
    return all.telemetry();
  }

  WindowBudget windows() {
    return all.windows();
  }

  Http1HeadWriter headWriter() {
    return all.headWriter();
  }

  long now() {
    return all.worker().nanoTime();
  }

  int waiting() {
    return waiting;
  }

  void waitingChanged(int by) {
    waiting += by;
  }

  void connectionsChanged(int by) {
    connections += by;
  }
}
