package dev.outrigger.proxy.xds;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.Status;
import dev.outrigger.fault.MeshFault;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.ResourceType;
import dev.outrigger.proxy.worker.ConfigLoop;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.envoyproxy.envoy.service.discovery.v3.ResourceError;
import io.envoyproxy.envoy.service.discovery.v3.ResourceName;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the conversation with the control plane going and publishes what comes of it. Confined to
 * the config loop, except where a method says otherwise.
 *
 * <p>Good resources of a response are used even if others in it are bad; the bad ones are refused
 * by name with their reason, and their old versions stay. A control plane that is gone changes
 * nothing: what is held goes on being used, and on the next stream only what is missing or changed
 * is sent again.
 */
public final class AdsClient {
  /**
   * A control plane to which all come at once reads one after the other: its silence says nothing
   * of a resource before it has lasted for so many timeouts.
   */
  private static final int SILENT_TIMEOUTS = 4;

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
  private static final Logger LOG = LoggerFactory.getLogger(AdsClient.class);
  private static final Duration SAVE_AFTER = Duration.ofSeconds(1);
  private static final int MAX_REASON = 4096;

  /** Clusters before what sends to them. */
  private static final List<String> ORDER =
      List.of(
          TypeUrls.CLUSTER, TypeUrls.ENDPOINT, TypeUrls.SECRET, TypeUrls.LISTENER, TypeUrls.ROUTE);

  private final ConfigLoop loop;
  private final AdsSettings settings;
  private final AdsStream.Opener opener;

  /** How many addresses there are to try. */
  private final IntSupplier known;

  private final ResourceStore store;
  private final ConfigAssembler assembler;
  private final @Nullable FaultInbox faults;
  private final @Nullable ResourceCache cache;
  private final Executor disk;
  private final BackOff backOff;

  private final Map<ResourceRef, ScheduledFuture<?>> fetches = new HashMap<>();
  private final Map<ResourceRef, ScheduledFuture<?>> leases = new HashMap<>();
  private @Nullable AdsStream stream;
  private @Nullable ScheduledFuture<?> retry;

  /** Whether the last try failed before there was anything to connect to. */
  private boolean unreachable;

  private int streamNumber;
  private boolean answeredOnStream;
  private int assemblies;
  private boolean assembling;
  private boolean stopped;

  /** What keeps configuration from coming on purpose; faults come nevertheless. */
  private boolean lost;

  private boolean stale;
  private boolean fromCache;
  private @Nullable ScheduledFuture<?> saving;
  private String lastError = "";

  /**
   * What the client works with.
   *
   * @param loop all of it runs here
   * @param opener opens streams
   * @param types how listeners, routes, clusters, endpoints and secrets are decoded
   * @param contexts gives the decode context for a type and a name
   * @param faults takes faults; unused unless the settings ask for them
   * @param cache null keeps nothing on disk
   * @param disk runs what blocks, one at a time
   * @param random for the back-off
   */
  public record Parts(
      ConfigLoop loop,
      AdsStreams opener,
      List<ResourceType<?, ?>> types,
      BiFunction<String, String, DecodeContext> contexts,
      FaultSink faults,
      @Nullable ResourceCache cache,
      Executor disk,
      RandomGenerator random) {
    public Parts {
      types = List.copyOf(types);
    }
  }

  /**
   * @param statics what the bootstrap lists itself
   * @param publish takes every new configuration, on the config loop
   */
  public AdsClient(
      Parts parts, AdsSettings settings, StaticResources statics, Consumer<RuntimeConfig> publish) {
    this.loop = parts.loop();
    this.settings = settings;
    this.opener = events -> parts.opener().open(settings, events);
    this.known = parts.opener()::known;
    this.cache = parts.cache();
    this.disk = parts.disk();
    this.faults = settings.faults() ? new FaultInbox(parts.faults(), parts.loop()::nanoTime) : null;
    this.backOff = new BackOff(Duration.ofMillis(500), Duration.ofSeconds(30), parts.random());
    this.store = new ResourceStore(parts.contexts());
    for (ResourceType<?, ?> type : parts.types()) {
      boolean wildcard =
          type.typeUrl().equals(TypeUrls.CLUSTER) || type.typeUrl().equals(TypeUrls.LISTENER);
      store.add(type, wildcard);
    }
    if (!settings.clusters()) {
      store.onAnswered(TypeUrls.CLUSTER);
    }
    if (!settings.listeners()) {
      store.onAnswered(TypeUrls.LISTENER);
    }
    this.assembler = new ConfigAssembler(statics, store, publish);
  }

  /** Restores what was saved and begins. Any thread; reads the cache on the caller's. */
  public void start() {
    List<Resource> saved = cache == null ? List.of() : cache.load();
    loop.execute(
        () -> {
          restore(saved);
          assembleSoon();
          connect();
        });
  }

  /** Ends the conversation; what was published stays. Any thread. */
  public void stop() {
    loop.execute(
        () -> {
          stopped = true;
          fetches.values().forEach(one -> one.cancel(false));
          leases.values().forEach(one -> one.cancel(false));
          if (saving != null && saving.cancel(false)) {
            save();
          }
          if (stream != null) {
            stream.close();
            stream = null;
          }
        });
  }

  /** Takes the secrets that are made in this process. Any thread. */
  public void useLocalSecrets(LocalSecrets secrets) {
    secrets.watch((name, secret) -> loop.execute(() -> onLocalSecret(name, secret)));
  }

  /**
   * Lets these go wrong on purpose, and no others. What is held goes on being used; faults go on
   * being heard of, so that each can be ended; when it is over all that was missed is asked for.
   * Any thread.
   */
  public void suffer(Set<MeshFault> faults) {
    boolean loses = faults.contains(MeshFault.LOST_STREAM);
    boolean staysBehind = faults.contains(MeshFault.STALE_CONFIGURATION);
    loop.execute(
        () -> {
          if (loses == lost && staysBehind == stale) {
            return;
          }
          boolean anew = loses != lost || stale;
          lost = loses;
          stale = staysBehind;
          LOG.warn(
              "configuration {}",
              lost
                  ? "does not come any more, by a fault"
                  : stale ? "is not taken any more, by a fault" : "is taken again");
          if (lost || stale) {
            // Silence means nothing now.
            fetches.values().forEach(one -> one.cancel(false));
            fetches.clear();
          }
          if (anew && !stopped) {
            reopen();
          }
        });
  }

  private void reopen() {
    if (retry != null) {
      retry.cancel(false);
    }
    AdsStream before = stream;
    stream = null;
    if (before != null) {
      before.close();
    }
    connect();
  }

  /** How things stand. Any thread. */
  public CompletableFuture<XdsStatus> status() {
    CompletableFuture<XdsStatus> result = new CompletableFuture<>();
    loop.execute(() -> result.complete(statusNow()));
    return result;
  }

  private void onLocalSecret(String name, SecretConfig secret) {
    assembler.onLocalSecret(name, secret);
    assembleSoon();
    if (unreachable && retry != null && retry.cancel(false)) {
      // It may have been this that was waited for.
      connect();
    }
  }

  private void connect() {
    loop.checkInside();
    if (stopped) {
      return;
    }
    int number = ++streamNumber;
    answeredOnStream = false;
    unreachable = false;
    if (faults != null) {
      faults.onStreamOpen();
    }
    try {
      stream = opener.open(new StreamEvents(number));
    } catch (AdsStreams.TargetException e) {
      onNowhere(String.valueOf(e.getMessage()));
      return;
    }
    updateNames();
    askAll();
    if (faults != null) {
      faults.onSaid();
    }
  }

  /** Events of one stream; those of an older one are ignored. */
  private final class StreamEvents implements AdsStream.Events {
    private final int number;

    StreamEvents(int number) {
      this.number = number;
    }

    @Override
    public void onReceived(Received response) {
      loop.checkInside();
      if (number == streamNumber && !stopped) {
        AdsClient.this.onReceived(response);
      }
    }

    @Override
    public void onClosed(String reason) {
      loop.checkInside();
      if (number == streamNumber && !stopped) {
        AdsClient.this.onClosed(reason);
      }
    }
  }

  private void onClosed(String reason) {
    stream = null;
    lastError = reason;
    // Silence means nothing while nobody can speak.
    fetches.values().forEach(one -> one.cancel(false));
    fetches.clear();
    Duration wait = backOff.next(known.getAsInt());
    LOG.warn("the control plane is gone, next try in {} ms: {}", wait.toMillis(), reason);
    retry = loop.schedule(this::connect, wait);
  }

  /** There is nobody to connect to yet, which is no failure of anyone: usually no identity yet. */
  private void onNowhere(String reason) {
    stream = null;
    unreachable = true;
    if (!reason.equals(lastError)) {
      LOG.info("no control plane yet: {}", reason);
      lastError = reason;
    }
    retry = loop.schedule(this::connect, LOOK_AGAIN);
  }

  private void onReceived(Received response) {
    boolean first = !answeredOnStream;
    if (first) {
      answeredOnStream = true;
      fromCache = false;
      backOff.reset();
      LOG.info("the control plane answers");
    }
    AdsStream current = Objects.requireNonNull(stream);
    if ((lost || stale) && !response.typeUrl().equals(TypeUrls.FAULT)) {
      // Not acknowledged: the control plane sees who stays behind.
      current.readNext();
      return;
    }
    Map<String, String> bad = new LinkedHashMap<>();
    if (response.typeUrl().equals(TypeUrls.FAULT) && faults != null) {
      faults.onReceived(response, settings.variant() == AdsSettings.Variant.SOTW, bad);
    } else if (store.knows(response.typeUrl())) {
      accept(response, bad);
    } else {
      bad.put("", "nobody asked for " + response.typeUrl());
    }
    Status error = bad.isEmpty() && response.malformed().isEmpty() ? null : refusal(response, bad);
    if (error == null && store.knows(response.typeUrl())) {
      store.onVersion(response.typeUrl(), response.version());
    }
    if (error != null) {
      LOG.warn("refused: {}", error.getMessage());
    }
    if (faults != null && response.typeUrl().equals(TypeUrls.FAULT)) {
      current.answer(response, error);
      faults.onSaid();
      current.readNext();
      if (first) {
        assembleSoon();
      }
      // Faults are no part of the configuration, which is not put together for each renewal.
      return;
    }
    // Names first: what this response made us want is asked for before anything else comes.
    updateNames();
    current.answer(response, error);
    askAll();
    current.readNext();
    assembleSoon();
    saveSoon();
  }

  private void accept(Received response, Map<String, String> bad) {
    String typeUrl = response.typeUrl();
    Set<String> seen = new HashSet<>();
    for (Received.Item item : response.items()) {
      Any body = item.body();
      if (body == null) {
        seen.add(item.name());
        lease(new ResourceRef(typeUrl, item.name()), item.ttl());
        continue;
      }
      String version = item.version().isEmpty() ? response.version() : item.version();
      try {
        ResourceStore.Decoded good = store.decode(typeUrl, item.name(), version, body);
        if (!seen.add(good.name())) {
          throw new InvalidResourceException(typeUrl, good.name(), "name", "comes twice");
        }
        store.put(typeUrl, good);
        settle(new ResourceRef(typeUrl, good.name()));
        lease(new ResourceRef(typeUrl, good.name()), item.ttl());
      } catch (InvalidResourceException e) {
        String name = e.name().isEmpty() ? item.name() : e.name();
        seen.add(name);
        bad.put(name, e.getMessage());
        store.reject(typeUrl, name, new Watch.Rejection(version, String.valueOf(e.getMessage())));
        settle(new ResourceRef(typeUrl, name));
      }
    }
    for (String name : response.removed()) {
      remove(new ResourceRef(typeUrl, name));
    }
    for (Received.Missing missing : response.missing()) {
      if (missing.gone()) {
        remove(new ResourceRef(typeUrl, missing.name()));
      }
    }
    if (store.isWildcard(typeUrl)) {
      boolean named = response.malformed().isEmpty() && !bad.containsKey("");
      if (settings.variant() == AdsSettings.Variant.SOTW && named) {
        // A response that lists everything also says what is gone, unless something in it is too
        // broken to tell its name: that may be what looks absent.
        store.retain(typeUrl, seen);
      }
      store.onAnswered(typeUrl);
    }
  }

  private void remove(ResourceRef ref) {
    store.remove(ref.typeUrl(), ref.name());
    settle(ref);
    lease(ref, null);
  }

  /** Starts, renews or (without a duration) ends the time for which a resource holds. */
  private void lease(ResourceRef ref, @Nullable Duration ttl) {
    ScheduledFuture<?> before = leases.remove(ref);
    if (before != null) {
      before.cancel(false);
    }
    if (ttl != null && ttl.isPositive()) {
      leases.put(
          ref,
          loop.schedule(
              () -> {
                leases.remove(ref);
                LOG.warn("{} {} ran out", TypeUrls.shortName(ref.typeUrl()), ref.name());
                store.remove(ref.typeUrl(), ref.name());
                assembleSoon();
              },
              ttl));
    }
  }

  private static Status refusal(Received response, Map<String, String> bad) {
    Status.Builder status = Status.newBuilder().setCode(Code.INVALID_ARGUMENT_VALUE);
    List<String> reasons = new ArrayList<>(response.malformed());
    reasons.addAll(bad.values());
    String all = String.join("; ", reasons);
    status.setMessage(all.length() > MAX_REASON ? all.substring(0, MAX_REASON) : all);
    bad.forEach(
        (name, reason) ->
            status.addDetails(
                Any.pack(
                    ResourceError.newBuilder()
                        .setResourceName(ResourceName.newBuilder().setName(name))
                        .setErrorDetail(
                            Status.newBuilder()
                                .setCode(Code.INVALID_ARGUMENT_VALUE)
                                .setMessage(reason))
                        .build())));
    return status.build();
  }

  /** Brings what is asked for in line with what is held. */
  private void updateNames() {
    assembler
        .wantedNames()
        .forEach(
            (typeUrl, names) -> {
              if (store.knows(typeUrl)) {
                store.keepNames(typeUrl, names);
              }
            });
    fetches
        .entrySet()
        .removeIf(
            entry -> {
              boolean unwanted = store.find(entry.getKey()) == null;
              if (unwanted) {
                entry.getValue().cancel(false);
              }
              return unwanted;
            });
  }

  private void askAll() {
    AdsStream current = stream;
    if (current == null) {
      return;
    }
    for (String typeUrl : lost ? List.<String>of() : ORDER) {
      boolean wanted =
          switch (typeUrl) {
            case TypeUrls.CLUSTER -> settings.clusters();
            case TypeUrls.LISTENER -> settings.listeners();
            default -> true;
          };
      if (!wanted || !store.knows(typeUrl)) {
        continue;
      }
      boolean wildcard = store.isWildcard(typeUrl);
      current.ask(
          typeUrl,
          wildcard,
          wildcard ? Set.of() : store.watches(typeUrl).keySet(),
          store.versions(typeUrl),
          store.version(typeUrl));
      if (!wildcard) {
        store.watches(typeUrl).forEach((name, watch) -> await(typeUrl, name, watch));
      }
    }
    if (faults != null) {
      // No versions: whatever lease is left here ends by itself, and a running fault is sent whole.
      current.ask(TypeUrls.FAULT, true, Set.of(), Map.of(), "");
    }
  }

  private void await(String typeUrl, String name, Watch watch) {
    ResourceRef ref = new ResourceRef(typeUrl, name);
    if (lost
        || stale
        || watch.isAnswered()
        || watch.rejection() != null
        || fetches.containsKey(ref)
        || settings.fetchTimeout().isZero()) {
      return;
    }
    waitFor(ref, SILENT_TIMEOUTS);
  }

  /**
   * @param left so many timeouts more where the control plane has said nothing at all
   */
  private void waitFor(ResourceRef ref, int left) {
    fetches.put(
        ref,
        loop.schedule(
            () -> {
              fetches.remove(ref);
              if (!answeredOnStream && left > 1) {
                waitFor(ref, left - 1);
                return;
              }
              LOG.warn(
                  "no answer for {} '{}' in {} s: taken not to exist",
                  TypeUrls.shortName(ref.typeUrl()),
                  ref.name(),
                  settings.fetchTimeout().toSeconds());
              store.remove(ref.typeUrl(), ref.name());
              assembleSoon();
            },
            settings.fetchTimeout()));
  }

  private void settle(ResourceRef ref) {
    ScheduledFuture<?> fetch = fetches.remove(ref);
    if (fetch != null) {
      fetch.cancel(false);
    }
  }

  /** Once for all that is waiting in the loop's queue already. */
  private void assembleSoon() {
    if (!assembling) {
      assembling = true;
      loop.execute(
          () -> {
            assembling = false;
            assemblies++;
            updateNames();
            askAll();
            assembler.assemble();
          });
    }
  }

  /** How often the configuration was put together. On the config loop. */
  int assemblies() {
    loop.checkInside();
    return assemblies;
  }

  private void restore(List<Resource> saved) {
    // Roots first: they say which names are wanted.
    for (boolean wildcard : new boolean[] {true, false}) {
      for (Resource resource : saved) {
        String typeUrl = resource.getResource().getTypeUrl();
        if (!store.knows(typeUrl) || store.isWildcard(typeUrl) != wildcard) {
          continue;
        }
        try {
          store.put(
              typeUrl,
              store.decode(
                  typeUrl, resource.getName(), resource.getVersion(), resource.getResource()));
          if (wildcard) {
            store.onAnswered(typeUrl);
          }
          fromCache = true;
        } catch (InvalidResourceException e) {
          LOG.warn("saved configuration: {}", e.getMessage());
        }
      }
      updateNames();
    }
  }

  private void saveSoon() {
    if (cache != null && saving == null) {
      saving = loop.schedule(this::save, SAVE_AFTER);
    }
  }

  private void save() {
    saving = null;
    if (assembler.isWaiting()) {
      // Half a change could not be started from. The response that completes it comes here again.
      return;
    }
    ResourceCache target = Objects.requireNonNull(cache);
    List<Resource> all = new ArrayList<>();
    for (String typeUrl : store.typeUrls()) {
      store
          .watches(typeUrl)
          .forEach(
              (name, watch) -> {
                Watch.Held held = watch.held();
                // What is leased must not outlive its lease by way of the disk.
                if (held != null && !leases.containsKey(new ResourceRef(typeUrl, name))) {
                  all.add(
                      Resource.newBuilder()
                          .setName(name)
                          .setVersion(held.version())
                          .setResource(held.raw())
                          .build());
                }
              });
    }
    disk.execute(
        () -> {
          try {
            target.save(all);
          } catch (IOException e) {
            LOG.warn("the configuration could not be saved: {}", e.toString());
          }
        });
  }

  private XdsStatus statusNow() {
    List<XdsStatus.ResourceStatus> all = new ArrayList<>();
    for (String typeUrl : store.typeUrls()) {
      store
          .watches(typeUrl)
          .forEach(
              (name, watch) -> {
                Watch.Held held = watch.held();
                Watch.Rejection rejection = watch.rejection();
                XdsStatus.State state =
                    rejection != null
                        ? XdsStatus.State.NACKED
                        : held != null
                            ? XdsStatus.State.ACKED
                            : watch.isAnswered()
                                ? XdsStatus.State.DOES_NOT_EXIST
                                : XdsStatus.State.REQUESTED;
                all.add(
                    new XdsStatus.ResourceStatus(
                        typeUrl,
                        name,
                        state,
                        held == null ? "" : held.version(),
                        rejection == null ? "" : rejection.version(),
                        rejection == null ? "" : rejection.reason()));
              });
    }
    return new XdsStatus(
        stream != null && answeredOnStream && !lost,
        lost ? "the stream is lost by a fault" : lastError,
        fromCache,
        assembler.problems(),
        all);
  }
}
