package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.AccessLogConfig;
import dev.outrigger.proxy.config.AccessLogConfig.Target;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * All access logs of one worker: what is configured is compiled once, and long exchanges are woken
 * to be logged while they last. Confined to its worker's event loop.
 */
@WorkerConfined
final class AccessLogs {
  private static final long TICK_MILLIS = 500;
  private static final Compiled[] NONE = {};

  /** Something that lasts. */
  interface Lasting {
    /** When it is to be logged next, in the worker's nanoseconds. */
    long dueAt();

    /** Its time has come. */
    void due(long now);
  }

  private record Compiled(AccessLog out, LogTest test, LogText text) {}

  private final Worker worker;
  private final LogWriter writer;
  private final Map<Target, AccessLog> targets = new HashMap<>();
  private final LogValues values = new LogValues();
  private final IdentityCache<AccessLogConfig, Compiled[]> compiled =
      new IdentityCache<>(this::compile);
  private final LogEntry entry = new LogEntry();
  private final Set<Lasting> lasting = new LinkedHashSet<>();
  private boolean ticking;

  AccessLogs(Worker worker, LogWriter writer) {
    this.worker = worker;
    this.writer = writer;
  }

  /** Whether anything may be written at all. */
  static boolean any(AccessLogConfig config) {
    return !config.logs().isEmpty();
  }

  /** The entry to fill for the next {@link #write}. */
  LogEntry begin() {
    entry.clear();
    return entry;
  }

  /** Writes what was filled in, wherever it is wanted. */
  void write(AccessLogConfig config) {
    Compiled[] logs = compiled.of(config);
    for (Compiled log : logs) {
      if (log.test.passes(entry)) {
        log.out.write(log.text, entry);
      }
    }
  }

  /** Has it woken until it is over. */
  void started(Lasting one) {
    lasting.add(one);
    if (!ticking) {
      ticking = true;
      schedule();
    }
  }

  void over(Lasting one) {
    lasting.remove(one);
  }

  /** Gives the writer all lines there are. */
  void handOver() {
    targets.values().forEach(AccessLog::handOver);
  }

  private void schedule() {
    @Nullable Object _ = worker.loop().schedule(this::tick, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void tick() {
    long now = worker.nanoTime();
    for (Lasting one : lasting) {
      if (now - one.dueAt() >= 0) {
        one.due(now);
      }
    }
    ticking = !lasting.isEmpty();
    if (ticking) {
      schedule();
    }
  }

  private Compiled[] compile(AccessLogConfig config) {
    List<Compiled> made = new ArrayList<>();
    for (AccessLogConfig.Log log : config.logs()) {
      AccessLog out =
          targets.computeIfAbsent(log.target(), target -> new AccessLog(worker, writer, target));
      made.add(
          new Compiled(
              out, LogTest.of(log.filter(), worker.random()), LogText.of(log.format(), values)));
    }
    return made.isEmpty() ? NONE : made.toArray(NONE);
  }
}
