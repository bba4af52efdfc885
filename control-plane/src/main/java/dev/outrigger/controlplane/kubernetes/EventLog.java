package dev.outrigger.controlplane.kubernetes;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Which events are to be written when. The same words become one event that counts; what one object
 * and what all together cause is bounded. Pure but for what it remembers; not thread-safe.
 */
final class EventLog {
  /** At once, and then one each {@link #REFILL}. */
  private static final int BURST = 50;

  private static final Duration REFILL = Duration.ofMillis(500);

  /** Of one object. */
  private static final int OBJECT_BURST = 10;

  private static final Duration OBJECT_REFILL = Duration.ofSeconds(30);

  /** Beyond so many the oldest are forgotten, and would be told as if they were new. */
  private static final int MAX_KNOWN = 4096;

  private static final int MAX_WAITING = 1000;

  private final Bucket all = new Bucket(BURST, REFILL);
  private final SequencedMap<String, Known> known = byUse();
  private final SequencedMap<Occurrence.Regarding, Bucket> objects = byUse();
  private final Map<String, Write> waiting = new LinkedHashMap<>();
  private long dropped;

  /** How often an event was told. */
  private record Known(Instant first, int count) {}

  /**
   * An event to be written.
   *
   * @param name of the event
   * @param first when it happened for the first time
   * @param last when it happened the last time
   * @param count 1 for one that is to be created; else that of its series
   */
  record Write(String name, Occurrence occurrence, Instant first, Instant last, int count) {}

  /** The one that was asked for last comes last. */
  private static <K, V> SequencedMap<K, V> byUse() {
    return new LinkedHashMap<>(16, 0.75f, true);
  }

  private static void bound(SequencedMap<?, ?> map) {
    while (map.size() > MAX_KNOWN) {
      var _ = map.pollFirstEntry();
    }
  }

  /** So many were not told, because there were too many. */
  long dropped() {
    return dropped;
  }

  void tell(Occurrence occurrence, Instant now) {
    String name = occurrence.event();
    @Nullable Write same = waiting.get(name);
    if (same == null && waiting.size() >= MAX_WAITING) {
      dropped++;
      return;
    }
    @Nullable Known before = known.get(name);
    Known next = before == null ? new Known(now, 1) : new Known(before.first(), before.count() + 1);
    known.put(name, next);
    bound(known);
    // One that was not created yet is created, however often it happened meanwhile.
    int count = same != null && same.count() == 1 ? 1 : next.count();
    waiting.put(name, new Write(name, occurrence, next.first(), now, count));
  }

  /** Those that may be written now. */
  List<Write> due(Instant now) {
    List<Write> due = new ArrayList<>();
    for (Write write : List.copyOf(waiting.values())) {
      Bucket own =
          objects.computeIfAbsent(
              write.occurrence().regarding(), key -> new Bucket(OBJECT_BURST, OBJECT_REFILL));
      if (!own.has(now)) {
        waiting.remove(write.name());
        dropped++;
        continue;
      }
      if (!all.has(now)) {
        break; // They wait for their turn.
      }
      own.take();
      all.take();
      waiting.remove(write.name());
      due.add(write);
    }
    bound(objects);
    return due;
  }

  /** Tokens that come back with time. */
  private static final class Bucket {
    private final int most;
    private final Duration refill;
    private int left;
    private @Nullable Instant since;

    Bucket(int most, Duration refill) {
      this.most = most;
      this.refill = refill;
      this.left = most;
    }

    boolean has(Instant now) {
      if (since == null) {
        since = now;
      }
      long back = Math.max(0, Duration.between(since, now).dividedBy(refill));
      if (back > 0) {
        left = (int) Math.min(most, left + back);
        since = since.plus(refill.multipliedBy(back));
      }
      return left > 0;
    }

    void take() {
      left--;
    }
  }
}
