package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.kubernetes.Machine.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * The shop on a real node: kubelet, containerd, our image from its archive, our chart by helm, and
 * pods that are in the mesh because their namespace has a label.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class NodeTest {
  private static final Path SHOP =
      Path.of(System.getProperty("outrigger.home"), "examples/kubernetes/shop");
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  private static final Pattern SLOWEST = Pattern.compile("the slowest in (\\d+) ms");

  private static RealNode node;

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    node = RealNode.start(folder.resolve("node"));
    node.containers().load(Containers.archive());
    node.installChart();
  }

  @AfterAll
  static void end() {
    if (node != null) {
      node.close();
    }
  }

  private static String file(String name) throws IOException {
    return Files.readString(SHOP.resolve(name));
  }

  private static void waitFor(String... arguments) throws Exception {
    String[] all = new String[arguments.length + 4];
    all[0] = "-n";
    all[1] = "shop";
    all[2] = "wait";
    all[3] = "--timeout=" + PATIENCE.toSeconds() + "s";
    System.arraycopy(arguments, 0, all, 4, arguments.length);
    Said said = node.kubectl(all);
    if (said.exit() != 0) {
      throw new AssertionError(said.all() + node.state("shop"));
    }
  }

  /** Customers of our own: so many a second for so long. */
  private static void customers(String name, int perSecond, int seconds) throws Exception {
    node.apply(
        file("customers.yaml")
            .replace("metadata: {name: customers,", "metadata: {name: " + name + ",")
            .replace("\"10\", \"120\"", "\"" + perSecond + "\", \"" + seconds + "\""));
  }

  @Test
  @Order(1)
  void podsOfALabelledNamespaceGetASidecarAndBecomeReady() throws Exception {
    node.apply(file("namespace.yaml"));
    node.apply(file("services.yaml"));
    node.apply(file("shop.yaml"));
    node.publishNames();
    waitFor("--for=condition=Available", "deployment", "--all");

    assertThat(
            node.must(
                    "-n",
                    "shop",
                    "get",
                    "pods",
                    "-o",
                    "jsonpath={range .items[*]}{.spec.initContainers[*].name}{\"\\n\"}{end}")
                .lines())
        .hasSize(4)
        .allMatch("outrigger-init outrigger-proxy"::equals);
  }

  @Test
  @Order(2)
  void trafficIsCapturedAndEncryptedAndAJobEnds() throws Exception {
    node.apply(file("routes.yaml"));
    node.apply(file("policies.yaml"));
    for (String route : List.of("catalog", "checkout")) {
      waitFor(
          "--for=jsonpath={.status.parents[0].conditions[?(@.type==\"Accepted\")].status}=True",
          "httproute/" + route);
    }
    String catalog =
        node.must(
            "-n",
            "shop",
            "get",
            "pods",
            "-l",
            "app=catalog",
            "-o",
            "jsonpath={.items[0].status.podIP}");
    // Whoever is not in the mesh speaks plain text, and is refused as soon as STRICT has arrived.
    Awaitility.await("STRICT")
        .atMost(PATIENCE)
        .until(
            () ->
                node.onNode("curl", "-sS", "-m", "5", "http://" + catalog + ":8082/").exit() != 0);

    customers("first", 20, 3);
    waitFor("--for=condition=Complete", "job/first");

    assertThat(node.must("-n", "shop", "logs", "job/first", "-c", "customers"))
        .contains("done: {200=60}");
  }

  @Test
  @Order(3)
  void anExperimentIsFeltAndRecovers() throws Exception {
    customers("patient", 20, 20);
    // Else it is over before they call, where a pod takes its time to start.
    waitFor("--for=jsonpath={.status.ready}=1", "job/patient");
    node.apply(
        file("experiments/slow-catalog.yaml")
            .replace("duration: 30s", "duration: 6s")
            .replace("baseline: 10s", "baseline: 2s"));

    waitFor("--for=jsonpath={.status.phase}=Recovered", "experiment/slow-catalog");
    waitFor("--for=condition=Complete", "job/patient");
    String said = node.must("-n", "shop", "logs", "job/patient", "-c", "customers");
    assertThat(said).contains("done: {200=400}");
    Matcher slowest = SLOWEST.matcher(said.substring(said.indexOf("done: ")));
    assertThat(slowest.find()).as(said).isTrue();
    assertThat(Integer.parseInt(slowest.group(1))).isGreaterThanOrEqualTo(250);
    // A first call that starts slowly may take as long: the report says what was hit.
    JsonObject report =
        JsonParser.parseString(
                node.must(
                    "-n",
                    "outrigger-system",
                    "exec",
                    "deployment/outrigger",
                    "--",
                    "/outrigger/bin/java",
                    "@/outrigger/cli",
                    "experiment",
                    "report",
                    "shop/slow-catalog",
                    "-o",
                    "json"))
            .getAsJsonObject();
    assertThat(report.get("verdict").getAsString()).as(report.toString()).isEqualTo("Passed");
    int hit =
        report.getAsJsonObject("during").getAsJsonObject("affected").get("requests").getAsInt();
    // Four of five of the 120 that come in six seconds.
    assertThat(hit).as(report.toString()).isBetween(72, 120);
  }

  @Test
  @Order(4)
  void aRollingUpdateUnderLoadLosesNoRequest() throws Exception {
    customers("steady", 20, 30);
    waitFor("--for=jsonpath={.status.ready}=1", "job/steady");

    node.must("-n", "shop", "rollout", "restart", "deployment/checkout", "deployment/catalog-v1");
    for (String deployment : List.of("checkout", "catalog-v1")) {
      node.must("-n", "shop", "rollout", "status", "--timeout=100s", "deployment/" + deployment);
    }

    waitFor("--for=condition=Complete", "job/steady");
    assertThat(node.must("-n", "shop", "logs", "job/steady", "-c", "customers"))
        .contains("done: {200=600}");
  }
}
