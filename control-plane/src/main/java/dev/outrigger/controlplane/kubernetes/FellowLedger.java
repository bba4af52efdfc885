package dev.outrigger.controlplane.kubernetes;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which other replicas live and what each said last of its proxies, and when this one is to speak.
 * One that renews its entry no more is not counted after a while, and neither are its proxies: they
 * are with another replica by then. Time is counted from when an entry was seen to change here, so
 * that clocks may differ. Thread-safe.
 */
final class FellowLedger {
  private static final Logger LOG = LoggerFactory.getLogger(FellowLedger.class);

  /** However much changes, there is no more than one write in that time. */
  static final Duration PACE = Duration.ofSeconds(1);

  /** An entry bears a time, which makes it another, and what was said. */
  private static final char BEHIND_TIME = '\n';

  private final String self;
  private final Duration lasts;
  private final LongSupplier nanoTime;
  private final Map<String, Fellow> fellows = new TreeMap<>();
  private String spoken = "";
  private boolean spoke;
  private long spokeAt;

  private record Fellow(String entry, Acknowledgements says, long at) {}

  /**
   * @param self the name of this one's entry
   * @param lasts for how long an entry counts that is not renewed
   * @param nanoTime monotonic time
   */
  FellowLedger(String self, Duration lasts, LongSupplier nanoTime) {
    this.self = self;
    this.lasts = lasts;
    this.nanoTime = nanoTime;
  }

  /** An entry for the others. */
  static String entry(String time, String said) {
    return time + BEHIND_TIME + said;
  }

  /** All entries as they stand now, by name. */
  synchronized void onEntries(Map<String, String> entries) {
    long now = nanoTime.getAsLong();
    fellows.keySet().retainAll(entries.keySet());
    entries.forEach(
        (name, entry) -> {
          @Nullable Fellow known = fellows.get(name);
          if (!name.equals(self) && (known == null || !known.entry().equals(entry))) {
            fellows.put(name, new Fellow(entry, read(name, entry), now));
          }
        });
  }

  private static Acknowledgements read(String name, String entry) {
    try {
      return Acknowledgements.parse(name, entry.substring(entry.indexOf(BEHIND_TIME) + 1));
    } catch (IllegalArgumentException e) {
      // Of another version: it lives, and nothing can be said of its proxies.
      LOG.warn("what {} says of its proxies cannot be understood: {}", name, e.getMessage());
      return Acknowledgements.unknown(name);
    }
  }

  /** Counts all as if they had spoken now: nobody was heard while nobody could be. */
  synchronized void freshen() {
    long now = nanoTime.getAsLong();
    fellows.replaceAll((name, was) -> new Fellow(was.entry(), was.says(), now));
  }

  /** What those say that live. */
  synchronized List<Acknowledgements> living() {
    long now = nanoTime.getAsLong();
    List<Acknowledgements> living = new ArrayList<>();
    for (Fellow one : fellows.values()) {
      if (now - one.at() < lasts.toNanos()) {
        living.add(one.says());
      }
    }
    return living;
  }

  /** Those that were not heard for so long that their entries can go. */
  synchronized Set<String> gone() {
    long now = nanoTime.getAsLong();
    return fellows.entrySet().stream()
        .filter(one -> now - one.getValue().at() >= lasts.multipliedBy(2).toNanos())
        .map(Map.Entry::getKey)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Whether this is to be said now: it is new, or the entry is to be renewed. */
  synchronized boolean isDue(String said) {
    long since = nanoTime.getAsLong() - spokeAt;
    return !spoke
        || since >= lasts.dividedBy(3).toNanos()
        || (!said.equals(spoken) && since >= PACE.toNanos());
  }

  /** It is being said. */
  synchronized void onSpeak(String said) {
    spoke = true;
    spoken = said;
    spokeAt = nanoTime.getAsLong();
  }

  /** It could not be said, and is tried again at the usual pace. */
  synchronized void onUnheard() {
    spoken = "";
  }
}
