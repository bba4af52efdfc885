package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A release is installed, upgraded to another version of the chart, rolled back and uninstalled by
 * Helm, while a control plane works with its account.
 */
final class ReleaseOnARealServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final String POLICY =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: TrafficPolicy
      metadata: {name: web, namespace: shop}
      spec: {targetRefs: [{name: web}], timeouts: {request: 20s}}
      """;

  private interface Check {
    void check() throws Exception;
  }

  private static void await(String what, Check condition) {
    Awaitility.await(what)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(200))
        .untilAsserted(condition::check);
  }

  /** What must be the same for as long as the mesh lives. */
  private record Trust(String secret, String root, String ofOurs) {
    static Trust of(KubeApi kube) throws Exception {
      return new Trust(
          kube.must(
              "-n",
              Release.NAMESPACE,
              "get",
              "secret",
              "outrigger-ca",
              "-o",
              "jsonpath={.metadata.uid} {.data}"),
          root(kube, "shop"),
          root(kube, Release.NAMESPACE));
    }

    private static String root(KubeApi kube, String namespace) throws Exception {
      return kube.must(
          "-n",
          namespace,
          "get",
          "configmap",
          "outrigger-root",
          "-o",
          "jsonpath={.data.root\\.pem}");
    }
  }

  /** This repository's chart, as it might be one version later. */
  private static Path next(Path folder) throws IOException {
    Path copy = folder.resolve("next/outrigger");
    try (Stream<Path> files = Files.walk(Release.chart())) {
      for (Path file : files.toList()) {
        Path to = copy.resolve(Release.chart().relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else {
          Files.copy(file, to);
        }
      }
    }
    replace(copy.resolve("Chart.yaml"), "version: 0.1.0", "version: 0.2.0");
    replace(
        copy.resolve("files/crds/trafficpolicies.mesh.outrigger.dev.yaml"),
        "- tpol",
        "- tpol\n    - trafpol");
    return copy;
  }

  private static void replace(Path file, String before, String after) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(before);
    Files.writeString(file, text.replaceFirst(before, after));
  }

  private static void mustTrust(KubeApi kube, Release release) {
    await(
        "the root is everywhere",
        () -> {
          assertThat(release.bundles()).hasSize(3).allMatch(bundle -> bundle.length() > 500);
          assertThat(Trust.of(kube).root()).startsWith("-----BEGIN CERTIFICATE-----");
          assertThat(Trust.of(kube).ofOurs()).isEqualTo(Trust.of(kube).root());
        });
  }

  private static String shortNames(KubeApi kube) throws Exception {
    return kube.must(
        "get",
        "crd",
        "trafficpolicies.mesh.outrigger.dev",
        "-o",
        "jsonpath={.spec.names.shortNames}");
  }

  @Test
  void whatIsOfTheMeshStaysAndWhatIsOfTheReleaseGoes(@TempDir Path folder) throws Exception {
    try (KubeApi kube = KubeApi.start(folder.resolve("kube"))) {
      kube.startControllers("garbage-collector-controller", "namespace-controller");
      Release release = new Release(kube, folder);
      release.installGatewayKinds();
      kube.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
      Set<String> before = Release.objects(kube::must);
      String chart = Release.chart().toString();

      release.helm("install", Release.NAME, chart, "--create-namespace");
      Trust trust;
      try (Replica first = release.startReplica("first")) {
        mustTrust(kube, release);
        kube.apply(POLICY);
        await("a status", () -> assertThat(status(kube)).contains("Accepted"));
        assertThat(first.process().isAlive()).isTrue();
        trust = Trust.of(kube);

        release.helm(
            "upgrade", Release.NAME, next(folder).toString(), "--set=ha=true,proxy.logLevel=debug");
        assertThat(release.bundles()).as("trusted at once").allMatch(one -> one.length() > 500);
        assertThat(Trust.of(kube)).isEqualTo(trust);
        assertThat(shortNames(kube)).contains("trafpol");
        assertThat(release.settings()).contains("logLevel: debug");
        await(
            "by its new name",
            () -> assertThat(kube.must("-n", "shop", "get", "trafpol")).contains("web"));
      }
      try (Replica second = release.startReplica("second")) {
        await("it serves", () -> assertThat(second.isReady()).isTrue());
        mustTrust(kube, release);
        assertThat(Trust.of(kube)).as("another process, the same root").isEqualTo(trust);

        release.helm("rollback", Release.NAME, "1");
        assertThat(release.bundles()).as("trusted at once").allMatch(one -> one.length() > 500);
        assertThat(Trust.of(kube)).isEqualTo(trust);
        assertThat(shortNames(kube)).doesNotContain("trafpol");
        assertThat(release.settings()).contains("logLevel: info");
        assertThat(kube.must("-n", "shop", "get", "tpol", "web", "-o", "jsonpath={.spec}"))
            .contains("20s");
      }

      release.helm("uninstall", Release.NAME);
      Set<String> stays = new TreeSet<>(before);
      stays.add("Namespace /" + Release.NAMESPACE);
      stays.add("Secret " + Release.NAMESPACE + "/outrigger-ca");
      stays.add("TrafficPolicy shop/web");
      for (String group : new String[] {"mesh", "chaos"}) {
        stays.add("APIService /v1alpha1." + group + ".outrigger.dev");
      }
      try (Stream<Path> crds = Files.list(Release.chart().resolve("files/crds"))) {
        crds.map(crd -> crd.getFileName().toString().replace(".yaml", ""))
            .forEach(crd -> stays.add("CustomResourceDefinition /" + crd));
      }
      await(
          "what is documented to stay, and nothing else",
          () -> assertThat(Release.objects(kube::must)).isEqualTo(stays));

      release.helm("install", Release.NAME, chart);
      try (Replica third = release.startReplica("third")) {
        mustTrust(kube, release);
        assertThat(Trust.of(kube)).as("installed again, the same mesh").isEqualTo(trust);
        assertThat(third.process().isAlive()).isTrue();
      }

      release.helm("uninstall", Release.NAME);
      for (String command : ReadmeCommands.block("kubectl delete namespace")) {
        if (command.startsWith("kubectl ") && !command.endsWith(" shop")) {
          var _ = kube.must(command.substring("kubectl ".length()).split(" "));
        }
      }
      await("nothing is left", () -> assertThat(Release.objects(kube::must)).isEqualTo(before));
    }
  }

  private static String status(KubeApi kube) throws Exception {
    return kube.must("-n", "shop", "get", "tpol", "web", "-o", "jsonpath={.status}");
  }
}
