package dev.outrigger.controlplane.kubernetes;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What this replica wrote or deleted itself, or read past its informers, until they show it too:
 * what they show of a time before is passed over, so that nobody who was told of a write sees it
 * vanish again. Versions are of one store, in which later ones are greater. Not thread-safe.
 */
final class OwnWrites {
  private final Map<String, Write> writes = new HashMap<>();

  /**
   * @param version of the object; meaningless where it was deleted
   */
  private record Write(String uid, long version, boolean deleted) {}

  /** An object is there, and informers may not have shown it yet. */
  void wrote(String key, String uid, long version) {
    writes.put(key, new Write(uid, version, false));
  }

  /** An object is gone, and informers may not have shown that yet. */
  void deleted(String key, String uid) {
    writes.put(key, new Write(uid, 0, true));
  }

  /** Whether an object that an informer shows is of a time before our write. */
  boolean isPast(String key, String uid, long version) {
    @Nullable Write write = writes.get(key);
    if (write == null) {
      return false;
    }
    if (write.deleted() ? uid.equals(write.uid()) : version < write.version()) {
      return true;
    }
    writes.remove(key);
    return false;
  }

  /** Whether an end that an informer shows is that of an object before the one that we wrote. */
  boolean isPastEnd(String key, String uid) {
    @Nullable Write write = writes.get(key);
    if (write == null) {
      return false;
    }
    if (!write.deleted() && !uid.equals(write.uid())) {
      return true;
    }
    writes.remove(key);
    return false;
  }

  /** Whom informers have not shown yet. */
  Set<String> waiting() {
    return Set.copyOf(writes.keySet());
  }

  /** It is not waited for any more. */
  void forget(String key) {
    writes.remove(key);
  }
}
