package dev.outrigger.controlplane.ads;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What one proxy has of one type: a set that many have, and in what it differs from that. A proxy
 * that has all that it should takes next to no memory, and what it lacks after a change is found
 * without looking at the rest. Confined to its session.
 */
final class Holdings {
  /** In place of what the set has and the proxy has not. */
  private static final Held NOTHING = new Held("", null);

  private ResourceSet base = ResourceSet.EMPTY;
  private Map<String, Held> others = new HashMap<>();

  /**
   * One of them.
   *
   * @param resource null where the proxy said that it has this version
   */
  record Held(String version, @Nullable VersionedResource resource) {
    boolean is(@Nullable VersionedResource other) {
      return other != null && other.equals(resource);
    }
  }

  @Nullable Held get(String name) {
    @Nullable Held other = others.get(name);
    if (other != null) {
      return isNothing(other) ? null : other;
    }
    @Nullable VersionedResource resource = base.get(name);
    return resource == null ? null : new Held(resource.version(), resource);
  }

  boolean contains(String name) {
    @Nullable Held other = others.get(name);
    return other == null ? base.containsKey(name) : !isNothing(other);
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean isNothing(Held held) {
    return held == NOTHING;
  }

  boolean isEmpty() {
    int lacking = 0;
    for (Held other : others.values()) {
      if (!isNothing(other)) {
        return false;
      }
      lacking++;
    }
    return lacking == base.size();
  }

  void put(String name, Held held) {
    if (held.is(base.get(name))) {
      others.remove(name);
    } else {
      others.put(name, held);
    }
  }

  void remove(String name) {
    if (base.containsKey(name)) {
      others.put(name, NOTHING);
    } else {
      others.remove(name);
    }
  }

  /** Forgets all others; looks at every name. */
  void retain(Predicate<String> kept) {
    for (String name : base.keySet()) {
      if (!kept.test(name)) {
        others.put(name, NOTHING);
      }
    }
    others.entrySet().removeIf(one -> !isNothing(one.getValue()) && !kept.test(one.getKey()));
  }

  /** All names under which this and a set differ, and maybe others. */
  Set<String> differingFrom(ResourceSet view) {
    Set<String> differing = view.differingFrom(base);
    if (others.isEmpty()) {
      return differing;
    }
    if (differing.isEmpty()) {
      return new HashSet<>(others.keySet());
    }
    Set<String> all = new HashSet<>(differing);
    all.addAll(others.keySet());
    return all;
  }

  /** Every name, in any order. */
  Set<String> names() {
    Set<String> names = new HashSet<>(base.keySet());
    others.forEach(
        (name, held) -> {
          if (isNothing(held)) {
            names.remove(name);
          } else {
            names.add(name);
          }
        });
    return names;
  }

  /**
   * Takes another set to tell the differences from, where there are not many. A set that differs in
   * much is what the proxy will be sent; until then what it has is told best by the one before.
   */
  void follow(ResourceSet view) {
    if (isSame(view, base) || base.isEmpty() && others.size() * 2 < view.size()) {
      return;
    }
    int bound = Math.max(others.size(), view.size() / 8);
    Map<String, Held> next = new HashMap<>();
    for (String name : differingFrom(view)) {
      @Nullable Held has = get(name);
      @Nullable VersionedResource should = view.get(name);
      if (has == null) {
        if (should != null) {
          next.put(name, NOTHING);
        }
      } else if (!has.is(should) && !isClaimed(has, should)) {
        next.put(name, has);
      }
      if (next.size() > bound) {
        return;
      }
    }
    base = view;
    others = next;
  }

  /** What is leased and only claimed is renewed at once, and so is not the same yet. */
  private static boolean isClaimed(Held has, @Nullable VersionedResource should) {
    return has.resource() == null
        && should != null
        && should.ttl() == null
        && should.version().equals(has.version());
  }

  /** The shortest lease in it; null if nothing is leased. */
  @Nullable Duration shortestLease() {
    @Nullable Duration shortest = base.shortestLease();
    for (Held one : others.values()) {
      @Nullable Duration ttl = one.resource() == null ? null : one.resource().ttl();
      if (ttl != null && (shortest == null || ttl.compareTo(shortest) < 0)) {
        shortest = ttl;
      }
    }
    return shortest;
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(ResourceSet a, ResourceSet b) {
    return a == b;
  }
}
