package dev.outrigger.proxy.toxiproxy;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.relay.RelayLoop;
import dev.outrigger.fault.relay.ToxicRelay;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A proxy as the API knows it, and the relay that it stands for. Disabled, it does not listen; its
 * toxics stay. Confined to the relay's loop.
 */
final class ProxyEntry {
  private static final int MOST_TOXICS = 100;

  private final String name;
  private final RelayLoop on;
  private final ToxicRelay relay;
  private final Map<String, ToxicEntry> toxics = new LinkedHashMap<>();
  private String listen;
  private String upstream;

  ProxyEntry(RelayLoop on, String name, String listen, String upstream) {
    this.on = on;
    this.name = name;
    this.listen = listen;
    this.upstream = upstream;
    this.relay = new ToxicRelay(on);
  }

  String name() {
    return name;
  }

  String listen() {
    return listen;
  }

  String upstream() {
    return upstream;
  }

  boolean enabled() {
    return relay.isOpen();
  }

  ToxicRelay relay() {
    return relay;
  }

  /** Listens, if it does not yet; fails with an {@link ApiError}. */
  CompletableFuture<Void> start() {
    if (relay.isOpen()) {
      return CompletableFuture.completedFuture(null);
    }
    Address wanted;
    try {
      wanted = Address.parse(listen);
    } catch (ApiError e) {
      return CompletableFuture.failedFuture(new ApiError(500, "listen tcp: " + e.words()));
    }
    return wanted
        .resolved(on.lookups())
        .exceptionally(
            failure -> {
              throw new CompletionException(
                  new ApiError(500, "listen tcp: " + ApiErrors.of(failure).words()));
            })
        .thenComposeAsync(address -> open(wanted, address), on.loop());
  }

  private CompletionStage<Void> open(Address wanted, InetSocketAddress address) {
    return relay
        .open(address, target())
        .handle(
            (bound, failure) -> {
              if (failure != null) {
                throw new CompletionException(
                    new ApiError(
                        500,
                        "listen tcp "
                            + Address.shown(wanted, address)
                            + ": bind: "
                            + ApiErrors.bindReason(failure)));
              }
              listen =
                  Address.shown(
                      wanted, new InetSocketAddress(address.getAddress(), bound.getPort()));
              return null;
            });
  }

  /** What cannot be understood cannot be reached: each connection is accepted and closed. */
  private InetSocketAddress target() {
    try {
      Address address = Address.parse(upstream);
      return address.host().isEmpty()
          ? InetSocketAddress.createUnresolved("localhost", address.port())
          : address.unresolved();
    } catch (ApiError e) {
      return InetSocketAddress.createUnresolved("unreachable.invalid", 0);
    }
  }

  CompletableFuture<Void> stop() {
    return relay.close();
  }

  /** Whether other addresses are asked for; fails with an {@link ApiError}. */
  CompletableFuture<Boolean> differs(String otherListen, String otherUpstream) {
    Address wanted;
    try {
      wanted = Address.parse(otherListen);
    } catch (ApiError e) {
      return CompletableFuture.failedFuture(e);
    }
    if (wanted.host().isEmpty()) {
      return CompletableFuture.completedFuture(
          !listen.equals(":" + wanted.port()) || !upstream.equals(otherUpstream));
    }
    return wanted
        .resolved(on.lookups())
        .thenApplyAsync(
            address ->
                !listen.equals(Address.shown(wanted, address)) || !upstream.equals(otherUpstream),
            on.loop());
  }

  /** Goes to other addresses, or is enabled or disabled; fails with an {@link ApiError}. */
  CompletableFuture<Void> update(String newListen, String newUpstream, boolean newEnabled) {
    return differs(newListen, newUpstream)
        .thenCompose(
            differs -> {
              if (!differs) {
                return CompletableFuture.<Void>completedFuture(null);
              }
              return stop()
                  .thenRun(
                      () -> {
                        listen = newListen;
                        upstream = newUpstream;
                      });
            })
        .thenCompose(_ -> newEnabled ? start() : stop());
  }

  @Nullable ToxicEntry toxic(String toxic) {
    return toxics.get(toxic);
  }

  /** Those of the way up before those of the way down. */
  List<ToxicEntry> toxics() {
    List<ToxicEntry> sorted = new ArrayList<>();
    for (Direction way : List.of(Direction.UPSTREAM, Direction.DOWNSTREAM)) {
      for (ToxicEntry toxic : toxics.values()) {
        if (toxic.direction() == way) {
          sorted.add(toxic);
        }
      }
    }
    return sorted;
  }

  /** Adds one, or takes the place of the one of its name. */
  void put(ToxicEntry toxic) throws ApiError {
    if (toxics.size() >= MOST_TOXICS && !toxics.containsKey(toxic.name())) {
      throw new ApiError(400, "a proxy has at most " + MOST_TOXICS + " toxics");
    }
    toxics.put(toxic.name(), toxic);
    relay.put(toxic.placed());
  }

  void removeToxic(String toxic) {
    toxics.remove(toxic);
    relay.remove(toxic);
  }

  void removeToxics() {
    toxics.clear();
    relay.removeAll();
  }

  /** The field {@code Logger} means nothing, but Toxiproxy has it. */
  String json() {
    return "{\"name\":"
        + Json.quoted(name)
        + ",\"listen\":"
        + Json.quoted(listen)
        + ",\"upstream\":"
        + Json.quoted(upstream)
        + ",\"enabled\":"
        + enabled()
        + ",\"Logger\":{},\"toxics\":"
        + toxicsJson()
        + "}";
  }

  String toxicsJson() {
    return toxics().stream().map(ToxicEntry::json).collect(Collectors.joining(",", "[", "]"));
  }
}
