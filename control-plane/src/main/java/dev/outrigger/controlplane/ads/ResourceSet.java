package dev.outrigger.controlplane.ads;

import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Resources of one type by name, made of what many proxies have in common and what one has of its
 * own, which counts where both have a name. Immutable. What differs between two of them is found
 * without looking at all of both, as long as they are made of the same parts.
 */
public final class ResourceSet extends AbstractMap<String, VersionedResource> {
  public static final ResourceSet EMPTY = new ResourceSet(new Layer(Map.of()), Map.of());

  private final Layer shared;
  private final Map<String, VersionedResource> own;
  private final int size;
  private final long digest;

  /** What many have in common. */
  private static final class Layer {
    private final Map<String, VersionedResource> all;
    private final long digest;
    private final @Nullable Duration shortestLease;

    /** The last one that this was compared with: usually that of all proxies. */
    private volatile @Nullable Comparison last;

    private record Comparison(WeakReference<Layer> with, Set<String> differing) {}

    Layer(Map<String, VersionedResource> all) {
      this.all = all;
      this.digest = digestOf(all);
      this.shortestLease = shortestLeaseOf(all.values());
    }

    Set<String> differingFrom(Layer before) {
      if (before.all.isEmpty()) {
        return all.keySet();
      }
      @Nullable Comparison known = last;
      if (known != null && known.with().refersTo(before)) {
        return known.differing();
      }
      Set<String> names = new HashSet<>();
      addDiffering(all, before.all, names);
      last = new Comparison(new WeakReference<>(before), names);
      return names;
    }
  }

  private ResourceSet(Layer shared, Map<String, VersionedResource> own) {
    this.shared = shared;
    this.own = own;
    int count = shared.all.size();
    long sum = shared.digest;
    for (Map.Entry<String, VersionedResource> one : own.entrySet()) {
      @Nullable VersionedResource covered = shared.all.get(one.getKey());
      if (covered == null) {
        count++;
      } else {
        sum -= digestOf(one.getKey(), covered);
      }
      sum += digestOf(one.getKey(), one.getValue());
    }
    this.size = count;
    this.digest = sum;
  }

  /** A set of these alone; the order is kept. */
  public static ResourceSet of(Map<String, VersionedResource> all) {
    if (all instanceof ResourceSet set) {
      return set;
    }
    return all.isEmpty()
        ? EMPTY
        : new ResourceSet(
            new Layer(Collections.unmodifiableMap(new LinkedHashMap<>(all))), Map.of());
  }

  /** What this has in common with others, and these in place of its own. */
  public ResourceSet with(Map<String, VersionedResource> others) {
    if (isOwn(others)) {
      return this;
    }
    return new ResourceSet(
        shared,
        others.isEmpty() ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(others)));
  }

  /** Whether it has what another has in common with others, and these of its own. */
  public boolean isMadeOf(ResourceSet common, Map<String, VersionedResource> others) {
    return isSame(shared, common.shared) && isOwn(others);
  }

  private boolean isOwn(Map<String, VersionedResource> others) {
    if (own.size() != others.size()) {
      return false;
    }
    for (Map.Entry<String, VersionedResource> one : others.entrySet()) {
      if (!one.getValue().equals(own.get(one.getKey()))) {
        return false;
      }
    }
    return true;
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(Object a, Object b) {
    return a == b;
  }

  /** Tells sets apart, by names and versions alone. */
  String version() {
    return HexFormat.of().toHexDigits(digest);
  }

  /** The shortest lease in it; null if nothing is leased. */
  @Nullable Duration shortestLease() {
    @Nullable Duration mine = shortestLeaseOf(own.values());
    @Nullable Duration theirs = shared.shortestLease;
    return mine == null || theirs != null && theirs.compareTo(mine) < 0 ? theirs : mine;
  }

  /** All names under which the two differ, and maybe others. */
  Set<String> differingFrom(ResourceSet before) {
    if (isSame(this, before)) {
      return Set.of();
    }
    Set<String> common =
        isSame(shared, before.shared) ? Set.of() : shared.differingFrom(before.shared);
    if (isSame(own, before.own)) {
      return common;
    }
    Set<String> ofOne = new HashSet<>();
    addDiffering(own, before.own, ofOne);
    if (ofOne.isEmpty()) {
      return common;
    }
    ofOne.addAll(common);
    return ofOne;
  }

  private static void addDiffering(
      Map<String, VersionedResource> now,
      Map<String, VersionedResource> before,
      Set<String> names) {
    now.forEach(
        (name, resource) -> {
          if (!resource.equals(before.get(name))) {
            names.add(name);
          }
        });
    for (String name : before.keySet()) {
      if (!now.containsKey(name)) {
        names.add(name);
      }
    }
  }

  @Override
  public @Nullable VersionedResource get(@Nullable Object name) {
    @Nullable VersionedResource mine = own.get(name);
    return mine == null ? shared.all.get(name) : mine;
  }

  @Override
  public boolean containsKey(@Nullable Object name) {
    return own.containsKey(name) || shared.all.containsKey(name);
  }

  @Override
  public int size() {
    return size;
  }

  /** What is shared comes first. */
  @Override
  public Set<Entry<String, VersionedResource>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public Iterator<Entry<String, VersionedResource>> iterator() {
        return new Entries();
      }

      @Override
      public int size() {
        return size;
      }
    };
  }

  private final class Entries implements Iterator<Entry<String, VersionedResource>> {
    private final Iterator<Entry<String, VersionedResource>> common =
        shared.all.entrySet().iterator();
    private final Iterator<Entry<String, VersionedResource>> mine = own.entrySet().iterator();
    private @Nullable Entry<String, VersionedResource> next = advance();

    private @Nullable Entry<String, VersionedResource> advance() {
      if (common.hasNext()) {
        Entry<String, VersionedResource> one = common.next();
        @Nullable VersionedResource over = own.get(one.getKey());
        return over == null ? one : Map.entry(one.getKey(), over);
      }
      while (mine.hasNext()) {
        Entry<String, VersionedResource> one = mine.next();
        if (!shared.all.containsKey(one.getKey())) {
          return one;
        }
      }
      return null;
    }

    @Override
    public boolean hasNext() {
      return next != null;
    }

    @Override
    public Entry<String, VersionedResource> next() {
      @Nullable Entry<String, VersionedResource> one = next;
      if (one == null) {
        throw new NoSuchElementException();
      }
      next = advance();
      return one;
    }
  }

  private static @Nullable Duration shortestLeaseOf(Collection<VersionedResource> all) {
    @Nullable Duration shortest = null;
    for (VersionedResource one : all) {
      @Nullable Duration ttl = one.ttl();
      if (ttl != null && (shortest == null || ttl.compareTo(shortest) < 0)) {
        shortest = ttl;
      }
    }
    return shortest;
  }

  private static long digestOf(Map<String, VersionedResource> all) {
    long sum = 0;
    for (Map.Entry<String, VersionedResource> one : all.entrySet()) {
      sum += digestOf(one.getKey(), one.getValue());
    }
    return sum;
  }

  /** A sum of these does not depend on the order, and is mended where one of them changes. */
  private static long digestOf(String name, VersionedResource resource) {
    long hash = hash(hash(0xcbf29ce484222325L, name) * 31, resource.version());
    hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return hash ^ (hash >>> 33);
  }

  /** FNV-1a. */
  private static long hash(long seed, String text) {
    long hash = seed;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return hash;
  }
}
