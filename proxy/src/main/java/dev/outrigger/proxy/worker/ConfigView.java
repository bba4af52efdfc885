package dev.outrigger.proxy.worker;

import java.util.ArrayList;
import java.util.List;

/**
 * What one worker currently goes by. Confined to its worker's event loop: read as a plain field,
 * replaced by a task on the loop.
 */
@WorkerConfined
public final class ConfigView {
  private final Worker worker;
  private final List<Watcher> watchers = new ArrayList<>();
  private RuntimeSnapshot current = RuntimeSnapshot.EMPTY;

  ConfigView(Worker worker) {
    this.worker = worker;
  }

  /** The snapshot that new exchanges and connections start with. */
  public RuntimeSnapshot current() {
    assert worker.isCurrent();
    return current;
  }

  /**
   * Calls the watcher after each replacement, in order of registration, and at once with what is
   * there.
   */
  public void watch(Watcher watcher) {
    assert worker.isCurrent();
    watchers.add(watcher);
    watcher.onSnapshot(current);
  }

  void replace(RuntimeSnapshot next) {
    assert worker.isCurrent();
    if (next.sequence() <= current.sequence()) {
      return;
    }
    current = next;
    for (Watcher watcher : watchers) {
      watcher.onSnapshot(next);
    }
  }

  /** Adapts a worker's live state to a new snapshot. */
  @FunctionalInterface
  public interface Watcher {
    void onSnapshot(RuntimeSnapshot snapshot);
  }
}
