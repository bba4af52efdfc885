package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceLookup;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.Unresolved;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/** A value whose last step waits for other resources. */
record Deferred<R>(Set<ResourceRef> needs, Step<R> step) implements Unresolved<R> {
  Deferred {
    needs = Set.copyOf(needs);
  }

  /** The last step; pure. */
  @FunctionalInterface
  interface Step<R> {
    R resolve(ResourceLookup resources) throws InvalidResourceException;
  }

  @Override
  public R resolve(ResourceLookup resources) throws InvalidResourceException {
    return step.resolve(resources);
  }

  /** All that any of the parts needs. */
  static Set<ResourceRef> needsOf(Collection<? extends Unresolved<?>> parts) {
    Set<ResourceRef> all = new HashSet<>();
    for (Unresolved<?> part : parts) {
      all.addAll(part.needs());
    }
    return all;
  }
}
