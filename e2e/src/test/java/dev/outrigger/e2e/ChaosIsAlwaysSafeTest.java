package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.SafetyRuns;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random experiments on real processes, and at a random moment of each something breaks: the
 * control plane, a proxy, the command, the network, a process that stands still, a clock that is
 * set. No fault outlives its lease by more than a second, no experiment stays {@code Running}, and
 * no connection of the application closes for it.
 *
 * <p>{@code -Doutrigger.full=true} makes 200 runs in two meshes instead of two, which change from
 * time to time; {@code -Doutrigger.seed} repeats one; {@code -Doutrigger.runs} says how many.
 */
@Tag("measured")
class ChaosIsAlwaysSafeTest {
  private static final boolean FULL = Boolean.getBoolean("outrigger.full");
  private static final long SEED = Long.getLong("outrigger.seed", System.nanoTime());
  private static final int RUNS = Integer.getInteger("outrigger.runs", FULL ? 200 : 2);

  /** What the others of this machine may add to a second. */
  private static final Duration SLACK = Duration.ofSeconds(FULL ? 1 : 2);

  @Test
  void noFaultOutlivesItsLeaseNoRunStaysAndNoConnectionCloses(@TempDir Path folder)
      throws Exception {
    System.out.println("ChaosIsAlwaysSafeTest: -Doutrigger.seed=" + SEED + " runs=" + RUNS);
    int lanes = FULL && RUNS > 1 ? 2 : 1;
    List<Callable<List<SafetyRuns.Result>>> work = new ArrayList<>();
    for (int lane = 0; lane < lanes; lane++) {
      int mine = RUNS / lanes + (lane < RUNS % lanes ? 1 : 0);
      RandomGenerator chance = new java.util.SplittableRandom(SEED + lane);
      Path own = folder.resolve("mesh-" + lane);
      work.add(
          () -> {
            try (SafetyRuns runs = new SafetyRuns(own, chance, SLACK)) {
              return runs.make(mine);
            }
          });
    }
    List<SafetyRuns.Result> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(lanes)) {
      for (Future<List<SafetyRuns.Result>> one : threads.invokeAll(work)) {
        all.addAll(one.get());
      }
    }
    report(all);
    assertThat(all).hasSize(RUNS);
    assertThat(all.stream().flatMap(one -> one.wrong().stream()).toList())
        .as("seed %d", SEED)
        .isEmpty();
    assertThat(all.stream().mapToLong(SafetyRuns.Result::faulted).filter(n -> n > 0).count())
        .as("runs in which a fault acted at all, seed %d", SEED)
        .isGreaterThanOrEqualTo(RUNS * 3L / 4);
  }

  private static void report(List<SafetyRuns.Result> all) {
    Map<String, List<SafetyRuns.Result>> byTrouble = new TreeMap<>();
    all.forEach(one -> byTrouble.computeIfAbsent(one.trouble(), _ -> new ArrayList<>()).add(one));
    System.out.println("trouble              runs  faulted  calls   worst ms past the bound");
    byTrouble.forEach(
        (trouble, runs) ->
            System.out.printf(
                "%-20s %4d %8d %6d   %d%n",
                trouble,
                runs.size(),
                runs.stream().mapToLong(SafetyRuns.Result::faulted).sum(),
                runs.stream().mapToLong(SafetyRuns.Result::calls).sum(),
                runs.stream().mapToLong(SafetyRuns.Result::worstMillis).max().orElse(0)));
    long[] worst = all.stream().mapToLong(SafetyRuns.Result::worstMillis).sorted().toArray();
    System.out.println("past the bound, all runs: " + Arrays.toString(worst));
  }
}
