package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.kubernetes.Machine.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The image that {@code make images} makes, in a real containerd: nothing to write on, no rights.
 */
final class ImageTest {
  private static final String JAVA = "/outrigger/bin/java";
  private static final int NOBODY = 65532;

  private static Machine machine;
  private static Containers containers;

  @BeforeAll
  static void load(@TempDir Path folder) throws Exception {
    // Who runs as somebody else must reach what is mounted from below.
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    machine = Machine.start(folder.resolve("machine"));
    containers = Containers.start(machine);
    containers.load(Containers.archive());
  }

  @AfterAll
  static void end() {
    if (containers != null) {
      containers.close();
    }
    if (machine != null) {
      machine.close();
    }
  }

  private static Said run(String... command) throws IOException, InterruptedException {
    return containers.run(NOBODY, Set.of(), List.of(command));
  }

  @Test
  void itIsKnownByTheNameThatTheChartAsksFor() throws Exception {
    assertThat(containers.ctr("images", "ls", "-q").out().lines()).contains(Containers.IMAGE);
  }

  @Test
  void theCommandRunsAndItsClassesComeFromTheStartUpCache() throws Exception {
    Said said =
        containers.run(
            NOBODY,
            Set.of(),
            List.of(JAVA, "@/outrigger/cli", "version"),
            "JDK_JAVA_OPTIONS=-Xlog:class+load=info");
    assertThat(said.exit()).as(said.all()).isZero();
    assertThat(said.out())
        .contains("outrigger 0.1.0")
        .contains("dev.outrigger.cli.Main source: shared objects file");
  }

  @Test
  void theProxyStartsFromItsCache() throws Exception {
    Said said =
        containers.run(
            NOBODY,
            Set.of(),
            List.of(
                JAVA,
                "@/outrigger/proxy",
                "--listen",
                "127.0.0.1:8080",
                "--to",
                "127.0.0.1:3000",
                "--mode",
                "validate"),
            "JDK_JAVA_OPTIONS=-Xlog:class+load=info");
    assertThat(said.exit()).as(said.all()).isZero();
    assertThat(said.out())
        .contains("configuration OK")
        .contains("dev.outrigger.proxy.Outrigger source: shared objects file");
  }

  @Test
  void theControlPlaneStartsFromItsCache() throws Exception {
    Said said =
        containers.run(
            NOBODY,
            Set.of(),
            List.of(JAVA, "@/outrigger/control-plane", "--help"),
            "JDK_JAVA_OPTIONS=-Xlog:class+load=info");
    assertThat(said.exit()).as(said.all()).isZero();
    assertThat(said.out())
        .contains("dev.outrigger.controlplane.ControlPlane source: shared objects file");
  }

  @Test
  void underTheChartsSeccompProfileAProxyListensByIoUring() throws Exception {
    Path profile =
        Path.of(System.getProperty("outrigger.home"))
            .resolve("helm/outrigger/files/seccomp/io-uring.json");
    List<String> command = new ArrayList<>(List.of(JAVA, "@/outrigger/proxy"));
    command.addAll(List.of("--listen", "127.0.0.1:0", "--to", "127.0.0.1:3000"));
    command.addAll(List.of("--admin", "127.0.0.1:0"));
    try (Launched proxy = containers.launch(NOBODY, profile, command)) {
      Awaitility.await("proxy")
          .atMost(Duration.ofSeconds(60))
          .failFast("the proxy ended", () -> !proxy.isAlive())
          .until(() -> proxy.said().contains("ready: "));
      assertThat(proxy.said().lines().filter(line -> line.contains("ready: ")))
          .singleElement()
          .asString()
          .contains("io_uring")
          .doesNotContain("epoll");
    }
  }

  @Test
  void captureRulesAreInstalledWithOneCapabilityAndNoMore() throws Exception {
    List<String> init = List.of(JAVA, "@/outrigger/cli", "init", "--proxy-uid", "1337");

    Said installed = containers.run(0, Set.of("CAP_NET_ADMIN"), init);
    Said refused = containers.run(NOBODY, Set.of(), init);

    assertThat(installed.exit()).as(installed.all()).isZero();
    assertThat(installed.err()).contains("capture rules installed");
    assertThat(refused.exit()).as(refused.all()).isEqualTo(1);
    assertThat(refused.err()).contains("nft refused");
  }

  @Test
  void thereIsNoShellAndNothingCanBeWritten() throws Exception {
    assertThat(run("/bin/sh", "-c", "true").exit()).isNotZero();
    Said said = run(JAVA, "-Xlog:class+load=info:/outrigger/log", "@/outrigger/cli", "version");
    assertThat(said.all()).contains("/outrigger/log");
    assertThat(said.exit()).isNotZero();
  }

  @Test
  void builtAgainItHasTheSameDigest(@TempDir Path again) throws Exception {
    Path home = Path.of(System.getProperty("outrigger.home"));
    try (Launched build =
        Launched.start(
            again,
            "build",
            List.of(home.resolve("cli/image/build").toString()),
            Map.of(
                "OUTRIGGER_IMAGE_OUT",
                again.resolve("image").toString(),
                "OUTRIGGER_IMAGE_CACHES",
                home.resolve("target/image/caches").toString()))) {
      assertThat(build.exit(Duration.ofMinutes(5))).as(build.said()).isZero();
      assertThat(build.said()).as("caches are those of the first build").doesNotContain("training");
    }
    assertThat(again.resolve("image/digest"))
        .hasSameTextualContentAs(Containers.archive().resolveSibling("digest"));
  }

  @Test
  void theBillOfMaterialsNamesWhatIsInIt() throws Exception {
    String bill = Files.readString(Containers.archive().resolveSibling("sbom.cdx.json"));
    List<String> purls =
        StreamSupport.stream(
                JsonParser.parseString(bill)
                    .getAsJsonObject()
                    .getAsJsonArray("components")
                    .spliterator(),
                false)
            .map(JsonElement::getAsJsonObject)
            .map(component -> component.get("purl").getAsString())
            .toList();
    assertThat(purls)
        .anyMatch(purl -> purl.startsWith("pkg:maven/io.netty/netty-handler@"))
        .anyMatch(purl -> purl.startsWith("pkg:maven/dev.outrigger/outrigger-proxy@"))
        .anyMatch(purl -> purl.startsWith("pkg:maven/io.fabric8/kubernetes-client@"))
        .anyMatch(purl -> purl.startsWith("pkg:deb/debian/nftables@"))
        .anyMatch(purl -> purl.startsWith("pkg:deb/debian/libc6@"))
        .anyMatch(purl -> purl.startsWith("pkg:generic/openjdk@25"));
  }
}
