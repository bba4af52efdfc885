package dev.outrigger.proxy.http.filter.compress;

import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.ArrayDeque;
import java.util.zip.Deflater;

/**
 * Deflaters that are used again and again: each holds some 256 KiB outside of the heap. Confined to
 * its worker's event loop.
 */
@WorkerConfined
final class Deflaters {
  private static final int MAX_KEPT = 8;

  private final ArrayDeque<Deflater> kept = new ArrayDeque<>(MAX_KEPT);

  Deflater take(int level, int strategy) {
    Deflater free = kept.pollLast();
    Deflater deflater = free == null ? new Deflater(level, true) : free;
    deflater.setLevel(level);
    deflater.setStrategy(strategy);
    return deflater;
  }

  void giveBack(Deflater deflater) {
    if (kept.size() == MAX_KEPT) {
      deflater.end();
      return;
    }
    deflater.reset();
    kept.addLast(deflater);
  }
}
