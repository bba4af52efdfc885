package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.PlainClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Guards, counted at the client: each experiment whose faults drive the success below its bound is
 * halted within a second of the window that breaches it, and none that stays within its bound is.
 * All runs share one mesh, each with a service of its own.
 *
 * <p>{@code -Doutrigger.full=true} makes 50 of each; {@code -Doutrigger.seed} repeats one.
 */
@Tag("measured")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GuardsCountedTest {
  private static final boolean FULL = Boolean.getBoolean("outrigger.full");
  private static final long SEED = Long.getLong("outrigger.seed", System.nanoTime());
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int LANES = FULL ? 5 : 2;
  private static final int ROUNDS = FULL ? 10 : 1;
  private static final Duration WINDOW = Duration.ofSeconds(1);
  private static final Duration BOUND = Duration.ofSeconds(FULL ? 1 : 3);
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(15);

  private App app;
  private Sidecar caller;
  private Sidecar web;
  private LoopbackMesh mesh;

  /**
   * One run.
   *
   * @param lateMillis from the end of the first window with faults to the last answer with one
   * @param success the least of any window of a second that began after a fault, or that ended with
   *     the last of them, in percent
   */
  private record Result(String name, String phase, String who, long lateMillis, double success) {}

  private static String experiment(String name, String service, int percent, int least) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: %s, namespace: shop}
    spec:
      hypothesis: the caller copes
      owner: tests
      duration: %ds
      lease: 1s
      start: manual
      faults:
      - name: f
        where: request
        abort: {httpStatus: 503}
        percentage: %d%%
        match: {destination: {services: [%s]}}
      guards: [{name: most, successRate: {min: %d%%}, window: 1s, minRequests: 10}]
    ---
    """
        .formatted(name, FULL ? 5 : 3, percent, service, least);
  }

  @BeforeAll
  void startsAMesh(@TempDir Path folder) throws Exception {
    System.out.println("GuardsCountedTest: -Doutrigger.seed=" + SEED);
    app = App.saying("well");
    caller = Sidecar.beside("caller-1", "caller", 1);
    web = Sidecar.beside("web-1", "web", app.port());
    mesh = new LoopbackMesh(folder);
    StringBuilder services = new StringBuilder();
    for (int lane = 0; lane < 2 * LANES; lane++) {
      services.append(
          LoopbackMesh.service("web", "http")
              .replace("name: web,", "name: " + service(lane) + ","));
    }
    mesh.write(
        "mesh.yaml",
        LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s, maxExperiments: 20, maxExperimentsPerNamespace: 20}\n"
            + services
            + caller.yaml("http")
            + web.yaml("http"));
    SplittableRandom chance = new SplittableRandom(SEED);
    StringBuilder experiments = new StringBuilder();
    for (int round = 0; round < ROUNDS; round++) {
      for (int lane = 0; lane < LANES; lane++) {
        // Far enough from the bound for the dice of a second never to come out on the other side.
        experiments
            .append(
                experiment(name("harsh", round, lane), service(lane), 40 + chance.nextInt(61), 90))
            .append(
                experiment(
                    name("gentle", round, lane),
                    service(LANES + lane),
                    5 + chance.nextInt(11),
                    50));
      }
    }
    mesh.write("experiments.yaml", experiments.toString());
    mesh.startControlPlane();
    mesh.startProxy(caller, Map.of(), "--drain-time=1s");
    mesh.startProxy(web, Map.of(), "--drain-time=1s");
    mesh.awaitReady(caller);
    mesh.awaitReady(web);
    for (int lane = 0; lane < 2 * LANES; lane++) {
      int one = lane;
      Awaitility.await()
          .atMost(PATIENCE)
          .until(
              () -> {
                try (PlainClient client = new PlainClient(caller.outbound())) {
                  return client.get(service(one) + ".shop", "/").status() == 200;
                }
              });
    }
  }

  @AfterAll
  void ends() {
    mesh.close();
    app.close();
  }

  private static String service(int lane) {
    return "web-" + lane;
  }

  private static String name(String kind, int round, int lane) {
    return kind + "-" + round + "-" + lane;
  }

  private JsonObject experiment(String name, String what) throws IOException {
    return JsonParser.parseString(mesh.call("/api/v1/experiments/shop/" + name + what, null))
        .getAsJsonObject();
  }

  /** Starts it under load and waits for its end, also under load. */
  private Result run(String name, int lane) throws IOException {
    List<long[]> answers = new ArrayList<>(); // When each came, and whether it was touched.
    long first = 0;
    long last = 0;
    String phase = "";
    try (PlainClient client = new PlainClient(caller.outbound())) {
      Awaitility.await(name)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(100))
          .until(
              () ->
                  mesh.call("/api/v1/experiments/shop/" + name + "/start", "{\"who\": \"test\"}")
                      .contains("Running"));
      long asked = System.nanoTime();
      long end = asked + TimeUnit.SECONDS.toNanos(20);
      long quiet = Long.MAX_VALUE;
      while (System.nanoTime() - end < 0 && System.nanoTime() - quiet < 0) {
        PlainClient.Answer answer = client.get(service(lane) + ".shop", "/");
        long now = System.nanoTime();
        boolean touched = answer.header("x-outrigger-fault") != null;
        assertThat(answer.status()).isEqualTo(touched ? 503 : 200);
        answers.add(new long[] {now, touched ? 1 : 0});
        if (touched) {
          first = first == 0 ? now : first;
          last = now;
        }
        if (quiet == Long.MAX_VALUE && now - asked > TimeUnit.MILLISECONDS.toNanos(500)) {
          asked = now;
          phase = experiment(name, "").get("phase").getAsString();
          if (!phase.equals("Running")) {
            // A little longer, for what may come after its end.
            quiet = now + TimeUnit.MILLISECONDS.toNanos(1500);
          }
        }
        LockSupport.parkNanos(PAUSE);
      }
    }
    JsonObject state = experiment(name, "");
    String who = "";
    for (var event : state.getAsJsonArray("events")) {
      JsonObject one = event.getAsJsonObject();
      if (one.get("event").getAsString().matches("Halted|Completed")) {
        phase = one.get("event").getAsString();
        who = one.get("who").getAsString();
      }
    }
    return new Result(
        name,
        phase,
        who,
        TimeUnit.NANOSECONDS.toMillis(last - first - WINDOW.toNanos()),
        Math.min(least(answers, first), before(answers, last)));
  }

  /**
   * The success of the second before the last touched answer. A guard that halts after a tenth of a
   * second has seen that tenth; what follows is whole again, and would hide what it saw.
   */
  private static double before(List<long[]> answers, long last) {
    List<long[]> seen =
        answers.stream().filter(one -> one[0] <= last && last - one[0] < WINDOW.toNanos()).toList();
    long touched = seen.stream().filter(one -> one[1] == 1).count();
    return 100.0 * (seen.size() - touched) / Math.max(1, seen.size());
  }

  /** The least success of the windows that begin after the first touched answer. */
  private static double least(List<long[]> answers, long first) {
    double least = 100;
    for (int i = 0; i < answers.size(); i++) {
      long from = answers.get(i)[0];
      int all = 0;
      int touched = 0;
      for (int j = i; j < answers.size() && answers.get(j)[0] - from < WINDOW.toNanos(); j++) {
        all++;
        touched += (int) answers.get(j)[1];
      }
      if (first > 0 && from >= first && all >= 10) {
        least = Math.min(least, 100.0 * (all - touched) / all);
      }
    }
    return least;
  }

  @Test
  void whatBreachesIsHaltedWithinASecondAndWhatStaysWithinIsNot() throws Exception {
    List<Result> harsh = new ArrayList<>();
    List<Result> gentle = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(2 * LANES)) {
      for (int round = 0; round < ROUNDS; round++) {
        List<Callable<Result>> work = new ArrayList<>();
        for (int lane = 0; lane < LANES; lane++) {
          int mine = lane;
          String harshName = name("harsh", round, lane);
          String gentleName = name("gentle", round, lane);
          work.add(() -> run(harshName, mine));
          work.add(() -> run(gentleName, LANES + mine));
        }
        for (Future<Result> one : threads.invokeAll(work)) {
          (one.get().name().startsWith("harsh") ? harsh : gentle).add(one.get());
        }
      }
    }
    report("breach", harsh);
    report("within", gentle);
    assertThat(harsh).hasSize(ROUNDS * LANES);
    assertThat(harsh)
        .as("seed %d", SEED)
        .allSatisfy(
            run -> {
              assertThat(run.phase()).as(run.name()).isEqualTo("Halted");
              assertThat(run.who()).isEqualTo("guard most");
              assertThat(run.success()).as("the client saw it, too").isLessThan(90);
              assertThat(run.lateMillis()).as(run.name()).isLessThanOrEqualTo(BOUND.toMillis());
            });
    assertThat(gentle).hasSize(ROUNDS * LANES);
    assertThat(gentle)
        .as("seed %d", SEED)
        .allSatisfy(
            run -> {
              assertThat(run.phase()).as(run.name()).isEqualTo("Completed");
              assertThat(run.success()).as("faults acted, within the bound").isBetween(50.0, 99.9);
            });
  }

  private static void report(String what, List<Result> runs) {
    System.out.printf(
        "%s: %d runs, %d halted by the guard, ms from the end of the first window with faults to"
            + " the last touched answer: %s%n",
        what,
        runs.size(),
        runs.stream().filter(run -> run.who().equals("guard most")).count(),
        runs.stream().map(Result::lateMillis).sorted().toList());
  }
}
