package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.examples.shop.ShopService;
import dev.outrigger.examples.shop.ShopService.Role;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.FaultDecision;
import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** The stories of {@code examples/stories/slow-catalog}, as a person would live them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ShopStoriesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Path STORY =
      Path.of(System.getProperty("outrigger.home"), "examples/stories/slow-catalog");
  private static final String EXPERIMENT = "/api/v1/experiments/shop/slow-catalog";
  private static final int CALLERS = 8;

  private ShopService catalogApp;
  private ShopService checkoutApp;
  private Sidecar frontend;
  private Sidecar checkout;
  private LoopbackMesh mesh;
  private PlainClient client;
  private String experiment;
  private int runs;

  @BeforeAll
  void opensTheShop(@TempDir Path folder) throws Exception {
    experiment = Files.readString(STORY.resolve("experiment.yaml"));
    catalogApp = ShopService.start(Role.CATALOG, 0, null);
    int outbound = Peers.freePorts(1).getFirst();
    checkoutApp = ShopService.start(Role.CHECKOUT, 0, "127.0.0.1:" + outbound);
    frontend = Sidecar.beside("frontend-1", "frontend", 1);
    Sidecar free = Sidecar.beside("checkout-1", "checkout", checkoutApp.port());
    checkout =
        new Sidecar(
            "checkout-1", "checkout", free.inbound(), checkoutApp.port(), outbound, free.admin());
    Sidecar catalog = Sidecar.beside("catalog-1", "catalog", catalogApp.port());
    mesh = new LoopbackMesh(folder);
    mesh.write(
        "mesh.yaml",
        LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s}\n"
            + frontend.yaml("http")
            + checkout.yaml("http")
            + catalog.yaml("http"));
    mesh.write("shop.yaml", Files.readString(STORY.resolve("shop.yaml")));
    mesh.write("catalog.yaml", Files.readString(STORY.resolve("tolerant.yaml")));
    mesh.startControlPlane();
    for (Sidecar one : List.of(frontend, checkout, catalog)) {
      mesh.startProxy(one, Map.of(), "--drain-time=1s");
    }
    for (Sidecar one : List.of(frontend, checkout, catalog)) {
      mesh.awaitReady(one);
    }
    client = new PlainClient(frontend.outbound());
    Awaitility.await().atMost(PATIENCE).until(() -> buy(client, "ready") == 200);
    JsonObject document = new JsonObject();
    document.addProperty("document", experiment);
    assertThat(mesh.call("/api/v1/experiments", document.toString())).contains("Pending");
  }

  @AfterAll
  void closesTheShop() throws IOException {
    if (client != null) {
      client.close();
    }
    mesh.close();
    checkoutApp.close();
    catalogApp.close();
  }

  private static int buy(PlainClient client, String id) throws IOException {
    return client.get("checkout.shop", "/", "x-request-id: " + id).status();
  }

  private JsonObject get(String path) {
    try {
      return JsonParser.parseString(mesh.call(path, null)).getAsJsonObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String phase() {
    return get(EXPERIMENT).get("phase").getAsString();
  }

  /** Buys all the while until the experiment is over, and gives its report. */
  private JsonObject runUnderLoad() throws Exception {
    AtomicBoolean closed = new AtomicBoolean();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < CALLERS; i++) {
        String name = "caller-" + i + "-";
        callers.submit(
            () -> {
              try (PlainClient own = new PlainClient(frontend.outbound())) {
                for (int n = 0; !closed.get(); n++) {
                  int status = buy(own, name + n);
                  if (status != 200 && status != 502) {
                    throw new AssertionError("status " + status);
                  }
                }
              }
              return null;
            });
      }
      try {
        assertThat(mesh.call(EXPERIMENT + "/start", "{\"who\": \"test\"}")).contains("Running");
        Awaitility.await()
            .atMost(PATIENCE)
            .pollInterval(Duration.ofMillis(100))
            .until(() -> !phase().equals("Running"));
      } finally {
        closed.set(true);
      }
    }
    Files.writeString(
        Path.of("target", "slow-catalog-" + ++runs + ".html"),
        mesh.call(EXPERIMENT + "/report.html", null));
    return get(EXPERIMENT + "/report");
  }

  @Test
  @Order(1)
  void thePreviewCountsExactlyWhomTheDiceWouldHitAndTouchesNobody() throws Exception {
    FaultDecider dice = dice();
    // Probes that the dice spare tell when the proxy looks on, and add to no count of hits.
    String spared =
        IntStream.range(0, 1000)
            .mapToObj(i -> "probe-" + i)
            .filter(id -> !hits(dice, id))
            .findFirst()
            .orElseThrow();
    mesh.call(EXPERIMENT + "/preview", "{\"seconds\": 60, \"who\": \"test\"}");
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> buy(client, spared) == 200 && !rows().isEmpty());
    long expected = 0;
    for (int i = 0; i < 200; i++) {
      assertThat(buy(client, "preview-" + i)).isEqualTo(200);
      expected += hits(dice, "preview-" + i) ? 1 : 0;
    }
    long hit = expected;
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(row().get("hit").getAsLong()).isEqualTo(hit));
    JsonObject row = row();
    assertThat(row.get("workload").getAsString()).isEqualTo("shop/checkout-1");
    assertThat(row.get("caller").getAsString())
        .isEqualTo("spiffe://cluster.local/ns/shop/sa/checkout");
    assertThat(row.get("service").getAsString()).isEqualTo("catalog.shop");
    assertThat(row.get("seen").getAsLong())
        .isGreaterThan(200)
        .isEqualTo(row.get("matched").getAsLong());
    assertThat(phase()).isEqualTo("Previewed");
  }

  private List<JsonElement> rows() {
    return get(EXPERIMENT + "/preview").getAsJsonObject("live").getAsJsonArray("rows").asList();
  }

  private JsonObject row() {
    assertThat(rows()).hasSize(1);
    return rows().getFirst().getAsJsonObject();
  }

  /** Those of the experiment. */
  private static FaultDecider dice() {
    return new FaultDecider(
        new FaultRule(
            "slow-catalog",
            "slow",
            Place.ATTEMPT,
            FaultMatch.ALL,
            new Percentage(800_000),
            0,
            7,
            Instant.MAX,
            new Fault.Reset()));
  }

  private static boolean hits(FaultDecider dice, String id) {
    return dice.decide(id, 1) instanceof FaultDecision.Hit;
  }

  @Test
  @Order(2)
  void theShopThatWaitsToleratesASlowCatalogue() throws Exception {
    JsonObject report = runUnderLoad();
    assertThat(report.get("verdict").getAsString()).as(report.toString()).isEqualTo("Passed");
    assertThat(report.getAsJsonObject("score").get("value").getAsInt()).isGreaterThan(80);
    JsonObject hit = report.getAsJsonObject("during").getAsJsonObject("affected");
    assertThat(hit.get("errors").getAsLong()).isZero();
    assertThat(hit.get("retries").getAsLong()).isZero();
    assertThat(hit.get("p50Millis").getAsDouble()).isGreaterThan(240);
  }

  @Test
  @Order(3)
  void theShopWithTheRetryStormFailsAndTheReportSaysWhy() throws Exception {
    mesh.write("catalog.yaml", Files.readString(STORY.resolve("retry-storm.yaml")));
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(LoopbackMesh.admin(checkout, "/config_dump").text())
                    .contains("\"PT0.1S\""));
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(phase()).isEqualTo("Recovered"));
    JsonObject report = runUnderLoad();
    assertThat(report.get("verdict").getAsString()).as(report.toString()).isEqualTo("Failed");
    assertThat(report.get("reason").getAsString()).contains("guard answers");
    assertThat(report.getAsJsonArray("findings").toString())
        .contains("retries", "shop/checkout-1 -> catalog.shop");
    assertThat(report.getAsJsonObject("score").get("value").getAsInt()).isLessThan(80);
    assertThat(mesh.call(EXPERIMENT + "/report.html", null)).contains("Retries", "Failed");
  }

  @Test
  @Order(4)
  void whatWasNeverTestedIsSuggestedAndWhatWasTestedIsCovered() throws Exception {
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(phase()).isEqualTo("Recovered"));
    mesh.call("/api/v1/coverage", "{\"seconds\": 2}");
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              int status = buy(client, "graph");
              assertThat(status).isIn(200, 502);
              return get("/api/v1/coverage").get("complete").getAsBoolean();
            });
    JsonObject coverage = get("/api/v1/coverage");
    assertThat(coverage.get("percent").getAsDouble()).as(coverage.toString()).isEqualTo(50);
    List<JsonElement> suggestions = coverage.getAsJsonArray("suggestions").asList();
    assertThat(suggestions).hasSize(1);
    JsonObject suggestion = suggestions.getFirst().getAsJsonObject();
    assertThat(suggestion.get("from").getAsString())
        .isEqualTo("spiffe://cluster.local/ns/shop/sa/frontend");
    assertThat(suggestion.get("to").getAsString()).isEqualTo("checkout.shop");
    JsonObject document = new JsonObject();
    document.add("document", suggestion.get("document"));
    assertThat(mesh.call("/api/v1/experiments", document.toString()))
        .contains("shop/slow-checkout-for-frontend", "Pending");
  }
}
