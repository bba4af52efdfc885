package dev.outrigger.proxy.telemetry;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What was last derived from an object, found by the object itself and not by its value. Direct
 * mapped and small: a miss only costs making the value again. Confined to whoever owns it.
 */
final class IdentityCache<K, V> {
  private static final int SLOTS = 256;

  private final @Nullable Object[] keys = new @Nullable Object[SLOTS];
  private final @Nullable Object[] values = new @Nullable Object[SLOTS];
  private final Function<K, V> make;

  IdentityCache(Function<K, V> make) {
    this.make = make;
  }

  // The values array only ever holds what make gave.
  @SuppressWarnings({"unchecked", "ReferenceEquality"})
  V of(K key) {
    int slot = System.identityHashCode(key) & (SLOTS - 1);
    Object found = values[slot];
    if (keys[slot] == key && found != null) {
      return (V) found;
    }
    V made = make.apply(key);
    keys[slot] = key;
    values[slot] = made;
    return made;
  }
}
