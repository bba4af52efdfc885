package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * The Gateway API's own conformance suite on a real node, with its pods in our mesh. The report is
 * left in {@code target/conformance}; e2e/kubernetes/conformance has one of them and explains it.
 */
final class GatewayConformanceTest {
  private static final Path HOME = Path.of(System.getProperty("outrigger.home"));
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  /** What the suite may try beyond the core of its profiles. */
  private static final List<String> FEATURES =
      List.of(
          "Mesh",
          "MeshClusterIPMatching",
          "MeshConsumerRoute",
          "MeshHTTPRouteBackendRequestHeaderModification",
          "MeshHTTPRouteNamedRouteRule",
          "MeshHTTPRouteQueryParamMatching",
          "MeshHTTPRouteRedirectPath",
          "MeshHTTPRouteRedirectPort",
          "MeshHTTPRouteRewritePath",
          "MeshHTTPRouteSchemeRedirect",
          // No profile of a mesh counts what needs these; a failure fails the run nevertheless.
          "HTTPRouteParentRefPort",
          "HTTPRouteResponseHeaderModification",
          "HTTPRoute303RedirectStatusCode",
          "HTTPRoute307RedirectStatusCode",
          "HTTPRoute308RedirectStatusCode");

  private static final Pattern RESULT =
      Pattern.compile("^ {4}--- (?:PASS|FAIL): TestConformance/Mesh.*$", Pattern.MULTILINE);

  private static String run(RealNode node, Path report) throws Exception {
    try (Launched suite =
        node.launchAsAdmin(
            "conformance",
            Peers.require("kubernetes/conformance"),
            "-test.v",
            "-test.timeout=" + PATIENCE.toMinutes() + "m",
            "--conformance-profiles=MESH-HTTP,MESH-GRPC",
            "--supported-features=" + String.join(",", FEATURES),
            "--namespace-labels=outrigger.dev/inject=enabled",
            "--organization=outrigger",
            "--project=outrigger",
            "--url=https://outrigger.dev",
            "--version=0.1.0",
            "--contact=@outrigger/maintainers",
            "--report-output=" + report)) {
      Awaitility.await("the suite's services")
          .atMost(Duration.ofMinutes(2))
          .pollInterval(Duration.ofMillis(500))
          .failFast(() -> !suite.isAlive())
          .until(
              () ->
                  // The last of them.
                  node.kubectl("-n", "gateway-conformance-mesh", "get", "service/echo").exit()
                      == 0);
      node.publishNames();
      Awaitility.await("the suite's end")
          .atMost(PATIENCE.plusMinutes(1))
          .pollInterval(Duration.ofSeconds(1))
          .until(() -> !suite.isAlive());
      return suite.said();
    }
  }

  @Test
  void theProfilesOfAMeshPass(@TempDir Path folder) throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path echo = Path.of(Peers.require("kubernetes/kubelet")).resolveSibling("echo.tar");
    assertThat(echo).as("e2e/kubernetes/conformance/install makes it").exists();
    Path report = folder.resolve("report.yaml");
    String said;
    try (RealNode node = RealNode.start(folder.resolve("node"))) {
      node.containers().load(Containers.archive());
      node.containers().load(echo);
      node.installChart();
      said = run(node, report);
    }
    Path kept = Files.createDirectories(HOME.resolve("target/conformance"));
    Files.writeString(kept.resolve("suite.log"), said);
    RESULT.matcher(said).results().forEach(line -> System.out.println(line.group().strip()));
    assertThat(report).as(said).exists();
    Files.copy(report, kept.resolve("report.yaml"), StandardCopyOption.REPLACE_EXISTING);

    String text = Files.readString(report);
    Object tree = new Load(LoadSettings.builder().build()).loadFromString(text);
    assertThat(count(tree, "MESH-HTTP", "core", "Passed")).as(text).isEqualTo(7);
    assertThat(count(tree, "MESH-HTTP", "extended", "Passed")).as(text).isGreaterThanOrEqualTo(6);
    assertThat(count(tree, "MESH-GRPC", "core", "Passed")).as(text).isEqualTo(2);
    for (String profile : List.of("MESH-HTTP", "MESH-GRPC")) {
      assertThat(count(tree, profile, "core", "Failed")).as(text).isZero();
      assertThat(count(tree, profile, "core", "Skipped")).as(text).isZero();
    }
    assertThat(count(tree, "MESH-HTTP", "extended", "Failed")).as(text).isZero();
    assertThat(said).contains("--- PASS: TestConformance (").doesNotContain("--- FAIL");
  }

  private static int count(Object report, String profile, String part, String what) {
    if (child(report, "profiles") instanceof List<?> profiles) {
      for (Object one : profiles) {
        if (profile.equals(child(one, "name"))
            && child(child(child(one, part), "statistics"), what) instanceof Integer number) {
          return number;
        }
      }
    }
    throw new AssertionError("no " + what + " of " + profile + " " + part + " in " + report);
  }

  private static @Nullable Object child(@Nullable Object tree, String key) {
    return tree instanceof Map<?, ?> map ? map.get(key) : null;
  }
}
