package dev.outrigger.controlplane.ads;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What one proxy asked for and was sent of one type, on one stream. Confined to its session.
 *
 * <p>It compares states rather than following events: whatever happened in between, the next push
 * holds the difference between what the proxy has and what it should have.
 */
final class Subscription {
  private final String typeUrl;
  private final Variant variant;

  private boolean wildcard;
  private boolean everNamed;
  private boolean answered;
  private final AskedNames names = new AskedNames();

  /** What the proxy has, as far as we know; a version alone where it told us after a reconnect. */
  private final Holdings held = new Holdings();

  /** Names that it was told do not exist. */
  private final Set<String> toldMissing = new HashSet<>();

  /** Names to send even if unchanged. */
  private final Set<String> forced = new HashSet<>();

  private @Nullable String claimedVersion;
  private @Nullable PendingPush outstanding;
  private String lastNonce = "";
  private boolean heartbeatDue;

  /** The change up to which all is answered; negative for none yet. */
  private long settled = -1;

  /** The change that the outstanding push is about. */
  private long pushed = -1;

  Subscription(String typeUrl, Variant variant) {
    this.typeUrl = typeUrl;
    this.variant = variant;
  }

  String typeUrl() {
    return typeUrl;
  }

  @Nullable PendingPush outstanding() {
    return outstanding;
  }

  /** Of the last response sent; empty before it. */
  String lastNonce() {
    return lastNonce;
  }

  int size() {
    return names.size();
  }

  boolean covers(String name) {
    return wildcard || names.contains(name);
  }

  boolean hasAnswered(String name) {
    return held.contains(name) || toldMissing.contains(name);
  }

  boolean isWildcard() {
    return wildcard;
  }

  /** State of the world: all names, each time. */
  void replaceNames(List<String> wanted, String version, boolean first, boolean repeated) {
    Set<String> next = new LinkedHashSet<>(wanted);
    boolean star = next.remove("*");
    everNamed |= !wanted.isEmpty();
    if (first) {
      claimedVersion = version.isEmpty() ? null : version;
    }
    // An empty list means "everything" for types that list everything, but only until the stream
    // has named something once; after that it means "nothing any more".
    wildcard = star || (wanted.isEmpty() && !everNamed && XdsType.listsEverything(typeUrl));
    if (repeated && next.equals(names.all()) && !XdsType.listsEverything(typeUrl)) {
      // The same question again, with the nonce of a response already acknowledged: a cluster or
      // listener that warms anew waits for this answer.
      forced.addAll(next);
    }
    names.set(next);
    if (!wildcard) {
      held.retain(next::contains);
    }
    toldMissing.retainAll(next);
    forced.removeIf(name -> !covers(name));
  }

  /** Delta: a change to the names. */
  void changeNames(Incoming.Interest.Change change, boolean first) {
    boolean everything = wildcard;
    if (first) {
      wildcard = change.subscribe().isEmpty();
      change
          .initialVersions()
          .forEach((name, version) -> held.put(name, new Holdings.Held(version, null)));
    }
    for (String name : change.subscribe()) {
      if (name.equals("*")) {
        wildcard = true;
      } else if (!names.add(name) || (!first && held.contains(name))) {
        // Asked for again: the protocol wants it sent again, whether or not it has changed.
        forced.add(name);
      }
      toldMissing.remove(name);
    }
    for (String name : change.unsubscribe()) {
      if (name.equals("*")) {
        wildcard = false;
      } else {
        names.remove(name);
      }
      forced.remove(name);
      toldMissing.remove(name);
    }
    if (wildcard) {
      return;
    }
    if (first || everything) {
      held.retain(names::contains);
    } else {
      change.unsubscribe().forEach(held::remove);
    }
  }

  /** Makes the next push hold this name even if it is unchanged. */
  void force(String name) {
    if (covers(name) && held.contains(name)) {
      forced.add(name);
    }
  }

  void heartbeatDue() {
    heartbeatDue = true;
  }

  /**
   * The shortest lease among what the proxy has; null if nothing is leased. The stream must be
   * heard from more often than that.
   */
  @Nullable Duration shortestLease() {
    return held.shortestLease();
  }

  /**
   * What is to be sent now; null if nothing is.
   *
   * @param withRemovals whether what is gone may be taken away already
   */
  @Nullable PendingPush due(ResourceView view, boolean withRemovals, String nonce) {
    ResourceSet all = ResourceSet.of(view.resources(typeUrl));
    names.follow(all);
    held.follow(all);
    return switch (variant) {
      case SOTW -> dueOfAll(all, withRemovals, nonce);
      case DELTA -> dueOfChanged(all, withRemovals, nonce);
    };
  }

  /** Looks at nothing but what differs from what the proxy has. */
  private @Nullable PendingPush dueOfChanged(ResourceSet all, boolean withRemovals, String nonce) {
    if (!answered && wildcard && !held.isEmpty()) {
      // A reconnect: what is known to be held needs no first answer of its own.
      answered = true;
    }
    Map<String, VersionedResource> changed = new LinkedHashMap<>();
    Map<String, VersionedResource> beating = new LinkedHashMap<>();
    List<String> gone = new ArrayList<>();
    for (String name : toLookAt(all)) {
      Holdings.@Nullable Held has = held.get(name);
      @Nullable VersionedResource resource = covers(name) ? all.get(name) : null;
      if (resource != null) {
        sort(name, resource, has, changed, beating);
      } else if (has != null && withRemovals) {
        gone.add(name);
      }
    }
    Collections.sort(gone);
    List<String> missing = new ArrayList<>();
    for (String name : names.missingIn(all)) {
      if (!toldMissing.contains(name) && !held.contains(name)) {
        missing.add(name);
      }
    }
    boolean nothing = changed.isEmpty() && beating.isEmpty() && gone.isEmpty() && missing.isEmpty();
    return nothing && (answered || !wildcard)
        ? null
        : new PendingPush(typeUrl, nonce, all.version(), changed, beating, gone, missing);
  }

  private Set<String> toLookAt(ResourceSet all) {
    Set<String> differing = held.differingFrom(all);
    boolean beats = heartbeatDue && all.shortestLease() != null;
    if (!beats && forced.isEmpty()) {
      return differing;
    }
    Set<String> more = new HashSet<>(beats ? all.keySet() : differing);
    more.addAll(differing);
    more.addAll(forced);
    return more;
  }

  /** False where the proxy has it, and its lease runs on. */
  private boolean sort(
      String name,
      VersionedResource resource,
      Holdings.@Nullable Held has,
      Map<String, VersionedResource> changed,
      Map<String, VersionedResource> beating) {
    if (has == null || !has.version().equals(resource.version()) || forced.contains(name)) {
      changed.put(name, resource);
      return true;
    }
    if (resource.ttl() != null && (heartbeatDue || has.resource() == null)) {
      // A proxy that came back with the version in hand needs its lease renewed at once.
      beating.put(name, resource);
      return true;
    }
    return false;
  }

  private @Nullable PendingPush dueOfAll(ResourceSet all, boolean withRemovals, String nonce) {
    Map<String, VersionedResource> wanted = wanted(all);
    String version = ResourceSet.of(wanted).version();
    if (claimedVersion != null) {
      if (claimedVersion.equals(version)) {
        wanted.forEach(
            (name, resource) -> held.put(name, new Holdings.Held(resource.version(), resource)));
        answered = true;
      }
      claimedVersion = null;
    }
    Map<String, VersionedResource> changed = new LinkedHashMap<>();
    Map<String, VersionedResource> beating = new LinkedHashMap<>();
    Map<String, VersionedResource> unchanged = new LinkedHashMap<>();
    wanted.forEach(
        (name, resource) -> {
          if (!sort(name, resource, held.get(name), changed, beating)) {
            unchanged.put(name, resource);
          }
        });
    List<String> gone = new ArrayList<>();
    if (withRemovals) {
      for (String name : new TreeSet<>(held.names())) {
        if (!wanted.containsKey(name)) {
          gone.add(name);
        }
      }
    }
    List<String> missing = new ArrayList<>();
    if (!XdsType.listsEverything(typeUrl)) {
      // Absence says nothing in such a response, so what is gone has to be said in words.
      missing.addAll(gone);
      gone.clear();
    }
    for (String name : names.missingIn(all)) {
      if (!toldMissing.contains(name) && !held.contains(name)) {
        missing.add(name);
      }
    }
    boolean nothing = changed.isEmpty() && beating.isEmpty() && gone.isEmpty() && missing.isEmpty();
    if (nothing && (answered || !wildcard)) {
      return null;
    }
    if (XdsType.listsEverything(typeUrl)) {
      // The response is the whole set, with what must not be taken away yet still in it.
      for (Map.Entry<String, VersionedResource> entry : unchanged.entrySet()) {
        (entry.getValue().ttl() == null ? changed : beating).put(entry.getKey(), entry.getValue());
      }
      if (!withRemovals) {
        for (String name : held.names()) {
          Holdings.@Nullable Held has = held.get(name);
          if (!wanted.containsKey(name) && has != null && has.resource() != null) {
            changed.put(name, has.resource());
          }
        }
        version = ResourceSet.of(changed).version();
      }
    }
    return new PendingPush(typeUrl, nonce, version, changed, beating, gone, missing);
  }

  /** Nothing is due by the view of this change. */
  void settle(long change) {
    settled = change;
  }

  /** The change of views up to which the proxy answered everything; negative for none yet. */
  long settled() {
    return settled;
  }

  /**
   * The push is on the wire: from now on the proxy is taken to have it.
   *
   * @param change of views that it is about
   */
  void sent(PendingPush push, long change) {
    pushed = change;
    push.resources()
        .forEach(
            (name, resource) -> held.put(name, new Holdings.Held(resource.version(), resource)));
    push.heartbeats()
        .forEach(
            (name, resource) -> held.put(name, new Holdings.Held(resource.version(), resource)));
    push.removed().forEach(held::remove);
    for (String name : push.removed()) {
      if (names.contains(name)) {
        toldMissing.add(name);
      }
    }
    push.missing().forEach(held::remove);
    toldMissing.addAll(push.missing());
    toldMissing.removeAll(push.resources().keySet());
    forced.removeAll(push.resources().keySet());
    heartbeatDue = false;
    answered = true;
    lastNonce = push.nonce();
    outstanding = push;
  }

  /** The proxy answered the outstanding push, one way or the other. */
  PendingPush complete() {
    PendingPush push = Objects.requireNonNull(outstanding);
    outstanding = null;
    settled = pushed;
    return push;
  }

  private Map<String, VersionedResource> wanted(ResourceSet all) {
    if (wildcard) {
      return all;
    }
    Map<String, VersionedResource> wanted = new TreeMap<>();
    for (String name : names.all()) {
      @Nullable VersionedResource resource = all.get(name);
      if (resource != null) {
        wanted.put(name, resource);
      }
    }
    return wanted;
  }
}
