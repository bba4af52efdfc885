package dev.outrigger.e2e.harness;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

/** Does the same thing often, some of them at a time. */
public final class Together {
  private Together() {}

  /** What came of each, in order; the first failure is thrown. */
  public static <T> List<T> times(int count, int atATime, IntFunction<Callable<T>> task)
      throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(atATime)) {
      List<Future<T>> all = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        all.add(threads.submit(task.apply(i)));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> one : all) {
        try {
          results.add(one.get());
        } catch (ExecutionException e) {
          threads.shutdownNow();
          throw e.getCause() instanceof Exception cause ? cause : e;
        }
      }
      return results;
    }
  }
}
