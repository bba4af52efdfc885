package dev.outrigger.proxy.extension;

import java.util.Set;

/**
 * A resource whose own fields are checked and which names others that it cannot be used without.
 * Immutable.
 *
 * @param <R> what it becomes
 */
public interface Unresolved<R> {

  /**
   * The resources that it names and that travel apart from it: route tables, endpoint sets and
   * secrets. Clusters are not among them.
   */
  Set<ResourceRef> needs();

  /**
   * Builds the record. Pure: the same lookup gives equal records.
   *
   * @throws InvalidResourceException if a resource that it names does not fit, such as a secret of
   *     the wrong kind
   */
  R resolve(ResourceLookup resources) throws InvalidResourceException;

  /** A resource that needs no other. */
  static <R> Unresolved<R> complete(R value) {
    record Complete<R>(R value) implements Unresolved<R> {
      @Override
      public Set<ResourceRef> needs() {
        return Set.of();
      }

      @Override
      public R resolve(ResourceLookup resources) {
        return value;
      }
    }
    return new Complete<>(value);
  }
}
