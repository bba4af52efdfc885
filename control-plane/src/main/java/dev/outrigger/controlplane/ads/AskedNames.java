package dev.outrigger.controlplane.ads;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * Names that one proxy asks for: those of a set that many have, and in what they differ from that.
 * Confined to its session.
 */
final class AskedNames {
  private ResourceSet base = ResourceSet.EMPTY;
  private Set<String> more = new HashSet<>();
  private Set<String> fewer = new HashSet<>();

  boolean contains(String name) {
    return more.contains(name) || base.containsKey(name) && !fewer.contains(name);
  }

  /** False if it is there already. */
  boolean add(String name) {
    if (base.containsKey(name)) {
      return fewer.remove(name);
    }
    return more.add(name);
  }

  void remove(String name) {
    if (base.containsKey(name)) {
      fewer.add(name);
    } else {
      more.remove(name);
    }
  }

  /** These and no others. */
  void set(Collection<String> names) {
    base = ResourceSet.EMPTY;
    more = new HashSet<>(names);
    fewer = new HashSet<>();
  }

  int size() {
    return base.size() - fewer.size() + more.size();
  }

  /** Every one of them, in any order. */
  Set<String> all() {
    Set<String> all = new HashSet<>(base.keySet());
    all.removeAll(fewer);
    all.addAll(more);
    return all;
  }

  /** Those that a set does not have. */
  Collection<String> missingIn(ResourceSet view) {
    // Who asks for everything names nothing, and all of the set would differ from that.
    Set<String> differing = base.isEmpty() ? Set.of() : view.differingFrom(base);
    if (more.isEmpty() && differing.isEmpty()) {
      return Set.of();
    }
    Set<String> missing = new HashSet<>();
    for (String name : differing) {
      if (!view.containsKey(name) && contains(name)) {
        missing.add(name);
      }
    }
    for (String name : more) {
      if (!view.containsKey(name)) {
        missing.add(name);
      }
    }
    return missing;
  }

  /** Takes another set to tell the differences from, where there are not many. */
  void follow(ResourceSet view) {
    if (isSame(view, base) || base.isEmpty() && more.size() * 2 < view.size()) {
      return;
    }
    int bound = Math.max(more.size() + fewer.size(), view.size() / 8);
    Set<String> nextMore = new HashSet<>();
    Set<String> nextFewer = new HashSet<>();
    Set<String> differing = new HashSet<>(view.differingFrom(base));
    differing.addAll(more);
    differing.addAll(fewer);
    for (String name : differing) {
      boolean asked = contains(name);
      if (asked != view.containsKey(name)) {
        (asked ? nextMore : nextFewer).add(name);
      }
      if (nextMore.size() + nextFewer.size() > bound) {
        return;
      }
    }
    base = view;
    more = nextMore;
    fewer = nextFewer;
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(ResourceSet a, ResourceSet b) {
    return a == b;
  }
}
