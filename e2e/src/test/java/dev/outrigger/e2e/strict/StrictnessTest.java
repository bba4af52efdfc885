package dev.outrigger.e2e.strict;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.strict.Lane.Observed;
import dev.outrigger.e2e.strict.Lane.Pair;
import dev.outrigger.e2e.strict.Lane.Result;
import dev.outrigger.e2e.strict.Vector.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Smuggling, framing and downgrades: every vector through one long-lived proxy, for every pair of
 * protocols, before an origin that reads the very bytes, and the same through Envoy and HAProxy.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StrictnessTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int LEAST_VECTORS = 300;

  /** Where a peer refuses and we do not, by vector, and why. At most five. */
  private static final Map<String, String> LAXER = Map.of();

  @TempDir private static Path folder;

  private final List<Vector> requests1 = VectorFile.read("requests-http1.txt");
  private final List<Vector> requests2 = VectorFile.read("requests-http2.txt");
  private final List<Vector> answers1 = VectorFile.read("answers-http1.txt");
  private final List<Vector> answers2 = VectorFile.read("answers-http2.txt");
  private final Map<String, Map<String, Observed>> seen = new TreeMap<>();

  private List<Vector> requests(Pair pair) {
    return pair.client2() ? requests2 : requests1;
  }

  private List<Vector> answers(Pair pair) {
    return pair.origin2() ? answers2 : answers1;
  }

  private Map<String, Vector> vectors() {
    Map<String, Vector> all = new LinkedHashMap<>();
    for (Pair pair : Pair.values()) {
      requests(pair).forEach(one -> all.put(pair + " request " + one.name(), one));
      answers(pair).forEach(one -> all.put(pair + " answer " + one.name(), one));
    }
    return all;
  }

  @BeforeAll
  void sendAll() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Map<String, Future<Map<String, Observed>>> all = new HashMap<>();
      for (String proxy : List.of("outrigger", "envoy", "haproxy")) {
        all.put(proxy, threads.submit(() -> sendAll(proxy)));
      }
      for (Map.Entry<String, Future<Map<String, Observed>>> one : all.entrySet()) {
        seen.put(one.getKey(), one.getValue().get(5, TimeUnit.MINUTES));
      }
    }
    report();
  }

  private Map<String, Observed> sendAll(String proxy) throws Exception {
    Map<Pair, Lane> lanes = new EnumMap<>(Pair.class);
    List<Integer> ports = Peers.freePorts(5);
    Map<String, Observed> all = new TreeMap<>();
    try {
      for (Pair pair : Pair.values()) {
        lanes.put(pair, new Lane(pair, ports.get(pair.ordinal())));
      }
      Path file = folder.resolve(proxy + (proxy.equals("haproxy") ? ".cfg" : ".yaml"));
      Files.writeString(file, config(proxy, lanes, ports.get(4)));
      try (Launched process = Launched.start(folder, proxy, command(proxy, file, ports.get(4)));
          ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<Map<String, Observed>>> parts = new ArrayList<>();
        for (Lane lane : lanes.values()) {
          Awaitility.await()
              .atMost(PATIENCE)
              .ignoreExceptions()
              .failFast(
                  () -> {
                    if (!process.isAlive()) {
                      throw new AssertionError(proxy + " ended: " + process.said());
                    }
                  })
              .until(lane::canary);
          List<Vector> requests = askable(proxy, requests(lane.pair()));
          List<Vector> answers = askable(proxy, answers(lane.pair()));
          parts.add(threads.submit(() -> lane.run(requests, answers)));
        }
        for (Future<Map<String, Observed>> part : parts) {
          all.putAll(part.get(4, TimeUnit.MINUTES));
        }
        assertThat(process.isAlive()).as(proxy).isTrue();
        assertThat(process.said()).doesNotContain("\tat dev.outrigger");
      }
    } finally {
      for (Lane lane : lanes.values()) {
        lane.close();
      }
    }
    return all;
  }

  private static List<Vector> askable(String proxy, List<Vector> vectors) {
    return vectors.stream().filter(one -> !one.is(proxy + "-dies")).toList();
  }

  private static List<String> command(String proxy, Path file, int id) {
    return switch (proxy) {
      case "envoy" ->
          List.of(
              Peers.require("envoy"),
              "-c",
              file.toString(),
              "--concurrency",
              "1",
              "--log-level",
              "error",
              "--base-id",
              "" + id,
              "--disable-hot-restart");
      case "haproxy" -> List.of(Peers.require("haproxy"), "-db", "-f", file.toString());
      default -> Peers.outrigger("proxy", "-c", file.toString(), "--concurrency", "1");
    };
  }

  private static String config(String proxy, Map<Pair, Lane> lanes, int admin) throws IOException {
    String name = proxy.equals("haproxy") ? "haproxy.cfg" : "strict.yaml";
    try (InputStream in = StrictnessTest.class.getResourceAsStream(name)) {
      String text =
          new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
      for (Lane lane : lanes.values()) {
        text =
            text.replace("${" + lane.pair() + "}", "" + lane.port())
                .replace("${" + lane.pair() + "_ORIGIN}", "" + lane.originPort());
      }
      return text.replace("${ADMIN}", "" + admin);
    }
  }

  /** One line for each proxy, for those who read the output. */
  private void report() {
    Map<String, Vector> vectors = vectors();
    seen.forEach(
        (proxy, all) -> {
          int lax = 0;
          int unlucky = 0;
          Map<Result, Integer> results = new EnumMap<>(Result.class);
          for (Map.Entry<String, Observed> one : all.entrySet()) {
            Vector vector = one(vectors, one.getKey());
            Observed observed = one.getValue();
            results.merge(observed.result(), 1, Integer::sum);
            if (vector.verdict() == Verdict.REFUSE && observed.result() == Result.PASSED) {
              lax++;
            }
            if (vector.verdict() == Verdict.VALID && !observed.whole()) {
              unlucky++;
            }
          }
          System.out.printf(
              "%s: %d runs, %s, malformed ones passed on %d, valid ones refused %d%n",
              proxy, all.size(), results, lax, unlucky);
        });
  }

  private Map<String, Observed> ours() {
    return all("outrigger");
  }

  private Map<String, Observed> all(String proxy) {
    return Objects.requireNonNull(seen.get(proxy));
  }

  private static <T> T one(Map<String, T> all, String name) {
    return Objects.requireNonNull(all.get(name), name);
  }

  @Test
  void thereAreEnoughVectorsEachWithItsSource() {
    List<Vector> all = new ArrayList<>();
    List.of(requests1, requests2, answers1, answers2).forEach(all::addAll);
    assertThat(all).hasSizeGreaterThanOrEqualTo(LEAST_VECTORS);
    assertThat(all).allSatisfy(one -> assertThat(one.source()).isNotBlank());
    assertThat(ours()).hasSameSizeAs(vectors());
  }

  @Test
  void nothingMalformedIsPassedOn() {
    Map<String, String> wrong = new TreeMap<>();
    vectors()
        .forEach(
            (name, vector) -> {
              Observed observed = one(ours(), name);
              boolean refused = observed.result() == Result.REFUSED;
              if (observed.result() == Result.MALFORMED
                  || (vector.verdict() == Verdict.REFUSE && !refused)) {
                wrong.put(name, observed.result() + " " + observed.detail());
              }
            });
    assertThat(wrong).isEmpty();
  }

  @Test
  void nothingIsSplitInTwo() {
    Map<String, String> wrong = new TreeMap<>();
    ours()
        .forEach(
            (name, observed) -> {
              if (observed.result() == Result.SPLIT) {
                wrong.put(name, observed.detail());
              }
            });
    assertThat(wrong).isEmpty();
  }

  @Test
  void nobodyIsLeftWaitingForARefusal() {
    Map<String, String> wrong = new TreeMap<>();
    vectors()
        .forEach(
            (name, vector) -> {
              Observed observed = one(ours(), name);
              if (vector.verdict() == Verdict.REFUSE && observed.silent() && !vector.is("waits")) {
                wrong.put(name, observed.detail());
              }
            });
    assertThat(wrong).isEmpty();
  }

  @Test
  void nobodyIsStricter() {
    Map<String, String> wrong = new TreeMap<>();
    Map<String, Vector> vectors = vectors();
    Map<String, String> unused = new TreeMap<>(LAXER);
    for (String peer : List.of("envoy", "haproxy")) {
      all(peer)
          .forEach(
              (name, theirs) -> {
                Vector vector = one(vectors, name);
                Observed own = one(ours(), name);
                if (vector.verdict() == Verdict.EITHER
                    && theirs.result() == Result.REFUSED
                    && own.result() != Result.REFUSED) {
                  unused.remove(vector.name());
                  if (!LAXER.containsKey(vector.name())) {
                    wrong.put(name + ", " + peer, theirs.detail() + "\n   ours " + own.detail());
                  }
                }
              });
    }
    assertThat(wrong).isEmpty();
    assertThat(unused).isEmpty();
    assertThat(LAXER.size()).isLessThanOrEqualTo(5);
  }

  @Test
  void whatIsValidArrives() {
    Map<String, String> ours = refusedThoughValid("outrigger");
    Map<String, String> envoys = refusedThoughValid("envoy");
    assertThat(ours).isEmpty(); // so at most as many as Envoy
    assertThat(envoys).isNotEmpty(); // what is valid can be refused at all
  }

  private Map<String, String> refusedThoughValid(String proxy) {
    Map<String, String> refused = new TreeMap<>();
    vectors()
        .forEach(
            (name, vector) -> {
              Observed observed = one(all(proxy), name);
              if (vector.verdict() == Verdict.VALID && !observed.whole()) {
                refused.put(name, observed.result() + " " + observed.detail());
              }
            });
    return refused;
  }
}
