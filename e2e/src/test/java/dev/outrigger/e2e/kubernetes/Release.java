package dev.outrigger.e2e.kubernetes;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.ca.CertificateAuthority;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A release of the chart at a real API server, made by a real Helm. Where there is no node, a test
 * starts the Deployment's process itself: with the arguments, the account and the settings that the
 * release has at that moment.
 */
final class Release {
  static final String NAMESPACE = "outrigger-system";
  static final String NAME = "outrigger";

  /** Of objects without a namespace. */
  static final String CLUSTER_NAME = "outrigger-outrigger-system";

  /** Kinds that pass by themselves, and one that is no object. */
  private static final Set<String> PASSING =
      Set.of("events", "events.events.k8s.io", "componentstatuses");

  private final KubeApi kube;
  private final Path folder;

  Release(KubeApi kube, Path folder) {
    this.kube = kube;
    this.folder = folder;
  }

  /** The chart of this repository. */
  static Path chart() {
    return Path.of(System.getProperty("outrigger.home"), "helm/outrigger");
  }

  /** The Gateway API's kinds, which routes need. */
  void installGatewayKinds() throws IOException, InterruptedException {
    var _ =
        kube.must(
            "apply", "--server-side", "-f", kube.binaries().resolve("gateway-api").toString());
    var _ = kube.must("wait", "--for=condition=Established", "crd", "--all");
  }

  /** Runs helm, which must succeed, and gives its output. */
  String helm(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Peers.require("helm/helm"),
                "--kubeconfig=" + kube.kubeconfig("admin"),
                "--namespace=" + NAMESPACE));
    command.addAll(List.of(arguments));
    Said said = kube.run(command, Map.of(), "");
    if (said.exit() != 0) {
      throw new AssertionError("helm " + String.join(" ", arguments) + ":\n" + said.all());
    }
    return said.out();
  }

  /** Starts a process of the release's Deployment; does not wait. */
  Replica startReplica(String name) throws Exception {
    Path login = kube.loginOf(NAMESPACE, NAME);
    Path injection = folder.resolve(name + ".injection.yaml");
    Files.writeString(injection, settings());
    JsonArray installed =
        JsonParser.parseString(
                kube.must(
                    "-n",
                    NAMESPACE,
                    "get",
                    "deployment",
                    NAME,
                    "-o",
                    "jsonpath={.spec.template.spec.containers[0].args}"))
            .getAsJsonArray();
    return Replica.start(
        folder,
        name,
        ports -> {
          List<String> command = new ArrayList<>(Peers.outrigger("control-plane"));
          for (JsonElement argument : installed) {
            String text = argument.getAsString();
            // What is of the pod is of this machine here.
            command.add(
                switch (text.substring(0, Math.max(text.indexOf('='), 0))) {
                  case "--state" -> "--state=" + folder.resolve("state-" + name);
                  case "--injection" -> "--injection=" + injection;
                  case "--webhook-port" -> "--webhook-port=0";
                  case "--metrics-port" -> "--metrics-port=0";
                  case "--service-name" -> "--service-name=localhost";
                  default -> text;
                });
          }
          command.addAll(
              List.of(
                  "--kubeconfig=" + login,
                  "--bind=127.0.0.1",
                  "--xds-port=0",
                  "--xds-tls-port=" + ports.get(0),
                  "--api-port=" + ports.get(1),
                  "--pod-name=" + name,
                  "--pod-namespace=" + NAMESPACE));
          return command;
        });
  }

  /** A root of ours that was made so long ago that another is to follow it, as its Secret. */
  static String agedRoot(Path folder) throws IOException {
    InstantSource then = InstantSource.fixed(Instant.now().minus(Duration.ofDays(3500)));
    CertificateAuthority authority =
        CertificateAuthority.open(
            folder, "cluster.local", CertificateAuthority.Lifetimes.DAY, then, new SecureRandom());
    JsonObject texts = new JsonObject();
    authority.kept().toSecret().forEach(texts::addProperty);
    return "{apiVersion: v1, kind: Secret, metadata: {name: outrigger-ca, namespace: "
        + NAMESPACE
        + "}, type: kubernetes.io/tls, stringData: "
        + texts
        + "}";
  }

  /** What sidecars are made of. */
  String settings() throws IOException, InterruptedException {
    return kube.must(
        "-n",
        NAMESPACE,
        "get",
        "configmap",
        "outrigger-injection",
        "-o",
        "jsonpath={.data.injection\\.yaml}");
  }

  /** Who holds the Lease; empty for nobody. */
  String leader() throws IOException, InterruptedException {
    return kube.kubectl(
            "-n",
            NAMESPACE,
            "get",
            "lease",
            NAME,
            "--ignore-not-found",
            "-o",
            "jsonpath={.spec.holderIdentity}")
        .out();
  }

  /** Whom the API server trusts as the webhook; all bundles, of which one may be missing. */
  List<String> bundles() throws IOException, InterruptedException {
    return Arrays.asList(
        kube.must(
                "get",
                "mutatingwebhookconfigurations,validatingwebhookconfigurations",
                "-o",
                "jsonpath={range .items[*].webhooks[*]}{.clientConfig.caBundle};{end}")
            .split(";"));
  }

  /** Runs kubectl, which must succeed, and gives its output. */
  interface Kubectl {
    String must(String... arguments) throws IOException, InterruptedException;
  }

  /** Every object that the server has, of all kinds and in all namespaces. */
  static Set<String> objects(Kubectl kube) throws IOException, InterruptedException {
    List<String> kinds =
        kube.must("api-resources", "--verbs=list", "-o", "name")
            .lines()
            .filter(kind -> !PASSING.contains(kind))
            .toList();
    return new TreeSet<>(
        kube.must(
                "get",
                String.join(",", kinds),
                "-A",
                "--ignore-not-found",
                "-o",
                "jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name}{\"\\n\"}{end}")
            .lines()
            .toList());
  }
}
