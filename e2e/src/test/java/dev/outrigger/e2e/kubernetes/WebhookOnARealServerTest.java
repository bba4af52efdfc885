package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A real API server with what the chart installs calls our webhook, by the certificate and with the
 * rights that an installation has.
 */
final class WebhookOnARealServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String NAME = "outrigger-outrigger-system";

  private static final String TEMPLATE =
      """
      metadata:
        labels: {app: shop}
      spec:
        serviceAccountName: shop
        restartPolicy: %s
        initContainers:
        - {name: migrate, image: shop, command: [/migrate]}
        containers:
        - name: app
          image: shop
          ports: [{name: web, containerPort: 8080}]
          livenessProbe: {httpGet: {path: /alive, port: web}}
          readinessProbe: {grpc: {port: 9000}}
          startupProbe: {tcpSocket: {port: 8080}, failureThreshold: 30}
      """;

  private static Path folder;
  private static KubeApi kube;
  private static Launched controlPlane;
  private static int webhookPort;

  @BeforeAll
  static void start(@TempDir Path temporary) throws Exception {
    folder = temporary;
    kube = KubeApi.start(folder.resolve("kube"));
    kube.apply(
        """
        apiVersion: v1
        kind: Namespace
        metadata: {name: outrigger-system}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop, labels: {outrigger.dev/inject: enabled}}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: plain}
        ---
        apiVersion: v1
        kind: Namespace
        metadata:
          name: tight
          labels: {outrigger.dev/inject: enabled, pod-security.kubernetes.io/enforce: restricted}
        """);
    String installed = outrigger("", "install");
    kube.apply(installed);
    webhookPort = Peers.freePorts(1).getFirst();
    // This API server is not in the cluster's network, where services are found by their names.
    for (String kind : List.of("mutating", "validating")) {
      String configuration = kind + "webhookconfiguration";
      JsonArray patch = new JsonArray();
      int count = kind.equals("mutating") ? 2 : 1;
      for (int i = 0; i < count; i++) {
        patch.add(
            JsonParser.parseString(
                "{\"op\":\"replace\",\"path\":\"/webhooks/%d/clientConfig\",\"value\":{\"url\":\"https://localhost:%d/%s\"}}"
                    .formatted(i, webhookPort, kind.equals("mutating") ? "inject" : "advise")));
        // Nothing is to pass unseen.
        patch.add(
            JsonParser.parseString(
                "{\"op\":\"replace\",\"path\":\"/webhooks/%d/failurePolicy\",\"value\":\"Fail\"}"
                    .formatted(i)));
      }
      Said patched =
          kube.kubectl("patch", configuration, NAME, "--type=json", "-p", patch.toString());
      assertThat(patched.exit()).as(patched.all()).isZero();
    }
    Files.writeString(
        folder.resolve("injection.yaml"),
        kube.kubectl(
                "-n",
                "outrigger-system",
                "get",
                "configmap",
                "outrigger-injection",
                "-o",
                "jsonpath={.data.injection\\.yaml}")
            .out());
    Files.createDirectories(folder.resolve("mesh"));
    controlPlane = startControlPlane("first");
    awaitTrust();
  }

  @AfterAll
  static void stop() {
    if (controlPlane != null) {
      controlPlane.close();
    }
    if (kube != null) {
      kube.close();
    }
  }

  private static Launched startControlPlane(String name) throws IOException {
    return Launched.start(
        folder,
        "control-plane-" + name,
        Peers.outrigger(
            "control-plane",
            "--dir=" + folder.resolve("mesh"),
            "--state=" + folder.resolve("state-" + name),
            "--bind=127.0.0.1",
            "--xds-port=0",
            "--xds-tls-port=0",
            "--api-port=0",
            "--metrics-port=0",
            "--webhook-port=" + webhookPort,
            "--webhook-name=" + NAME,
            "--injection=" + folder.resolve("injection.yaml"),
            "--ca-secret=outrigger-ca",
            "--root-config-map=outrigger-root",
            "--service-name=localhost",
            "--pod-namespace=outrigger-system"),
        Map.of("KUBECONFIG", kube.kubeconfig("outrigger").toString()));
  }

  /** Until the API server knows our certificate and namespaces the root. */
  private static void awaitTrust() {
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(200))
        .failFast("the control plane ended", () -> !controlPlane.isAlive())
        .untilAsserted(
            () -> {
              assertThat(
                      kube.kubectl(
                              "get",
                              "mutatingwebhookconfiguration",
                              NAME,
                              "-o",
                              "jsonpath={.webhooks[*].clientConfig.caBundle}")
                          .out())
                  .as("%s", controlPlane.said())
                  .hasSizeGreaterThan(1000);
              assertThat(root("shop")).startsWith("-----BEGIN CERTIFICATE-----");
            });
  }

  private static String root(String namespace) throws Exception {
    return kube.kubectl(
            "-n",
            namespace,
            "get",
            "configmap",
            "outrigger-root",
            "-o",
            "jsonpath={.data.root\\.pem}")
        .out();
  }

  @ParameterizedTest
  @CsvSource({
    "Deployment,apps/v1,Always",
    "StatefulSet,apps/v1,Always",
    "Job,batch/v1,Never",
    "CronJob,batch/v1,OnFailure"
  })
  void podsInALabelledNamespaceAreWhatOutriggerInjectMakes(
      String kind, String version, String restart) throws Exception {
    String template = TEMPLATE.formatted(restart);
    String workload = workload(kind, version, template);

    JsonObject byWebhook = created("shop", pod(template.indent(0)));
    Said printed = inject(workload);
    assertThat(printed.err()).contains(kind + "/shop: injected");
    JsonObject template2 = templateOf(kind, printed.out());
    template2.addProperty("apiVersion", "v1");
    template2.addProperty("kind", "Pod");
    template2.getAsJsonObject("metadata").addProperty("name", "shop");
    JsonObject byHand = created("plain", template2.toString());

    assertThat(byWebhook.getAsJsonObject("spec")).isEqualTo(byHand.getAsJsonObject("spec"));
    for (String field : List.of("labels", "annotations")) {
      assertThat(byWebhook.getAsJsonObject("metadata").get(field))
          .isEqualTo(byHand.getAsJsonObject("metadata").get(field));
    }
    assertThat(byWebhook.toString()).contains("outrigger-init", "outrigger-proxy");
    Said strict =
        kube.kubectlAs(
            "admin",
            printed.out(),
            "-n",
            "plain",
            "create",
            "--validate=strict",
            "--dry-run=server",
            "-f",
            "-");
    assertThat(strict.exit()).as(strict.all()).isZero();
  }

  @Test
  void aPodMayOptOutAndAnotherMayAskWhereItsNamespaceDoesNot() throws Exception {
    String out =
        pod(
            "metadata: {labels: {outrigger.dev/inject: disabled}}\nspec: {serviceAccountName: shop, containers: [{name: a, image: a}]}\n");
    assertThat(created("shop", out).toString()).doesNotContain("outrigger-proxy");
    String in =
        pod(
            "metadata: {labels: {outrigger.dev/inject: enabled}}\nspec: {serviceAccountName: shop, containers: [{name: a, image: a}]}\n");
    assertThat(created("plain", in).toString()).contains("outrigger-proxy");
  }

  @Test
  void whatIsWrongIsRefusedInWords() throws Exception {
    Said said =
        create(
            "shop",
            pod(
                "metadata: {annotations: {traffic.outrigger.dev/exclude-inbound-ports: http}}\n"
                    + "spec: {serviceAccountName: shop, containers: [{name: a, image: a}]}\n"));

    assertThat(said.exit()).isNotZero();
    assertThat(said.err())
        .contains(
            "annotation traffic.outrigger.dev/exclude-inbound-ports: 'http': expected a port");
  }

  @Test
  void aRestrictedNamespaceIsWarnedOfAndWorksWithoutCapture() throws Exception {
    String restricted =
        """
        metadata:
          labels: {app: shop}
          %s
        spec:
          serviceAccountName: shop
          securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
          containers:
          - name: app
            image: shop
            securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
        """;
    Said deployed =
        kube.kubectlAs(
            "admin",
            workload("Deployment", "apps/v1", restricted.formatted("annotations: {}")),
            "-n",
            "tight",
            "create",
            "--dry-run=server",
            "-f",
            "-");
    assertThat(deployed.exit()).as(deployed.all()).isZero();
    assertThat(deployed.err())
        .contains("Warning: namespace tight enforces Pod Security restricted");
    Said refused = create("tight", pod(restricted.formatted("annotations: {}")));
    assertThat(refused.exit()).as("Kubernetes itself refuses it").isNotZero();
    assertThat(refused.err()).contains("violates PodSecurity", "outrigger-init");

    JsonObject taken =
        created(
            "tight",
            pod(restricted.formatted("annotations: {traffic.outrigger.dev/capture: none}")));
    assertThat(taken.toString()).contains("outrigger-proxy").doesNotContain("outrigger-init");
  }

  @Test
  void anotherReplicaHasTheSameRootAndNothingWasEverForbidden() throws Exception {
    String before = root("shop");
    controlPlane.close();
    controlPlane = startControlPlane("second");
    Awaitility.await()
        .atMost(PATIENCE)
        .failFast("the control plane ended", () -> !controlPlane.isAlive())
        .untilAsserted(
            () ->
                assertThat(create("shop", pod(TEMPLATE.formatted("Always"))).all())
                    .contains("outrigger-proxy"));
    assertThat(root("shop")).isEqualTo(before);
    assertThat(Files.readString(folder.resolve("state-second/ca.crt")).strip())
        .isEqualTo(before.strip());
    assertThat(kube.audit()).isNotEmpty().noneMatch(line -> line.contains("\"code\":403"));
  }

  private static String workload(String kind, String version, String template) {
    String body =
        switch (kind) {
          case "CronJob" ->
              "  schedule: '0 3 * * *'\n  jobTemplate:\n    spec:\n      template:\n"
                  + template.indent(8);
          case "Job" -> "  template:\n" + template.indent(4);
          default ->
              "  selector: {matchLabels: {app: shop}}\n"
                  + (kind.equals("StatefulSet") ? "  serviceName: shop\n" : "")
                  + "  template:\n"
                  + template.indent(4);
        };
    return "apiVersion: %s\nkind: %s\nmetadata: {name: shop}\nspec:\n".formatted(version, kind)
        + body;
  }

  private static JsonObject templateOf(String kind, String yaml) throws Exception {
    Said json =
        kube.kubectlAs("admin", yaml, "create", "--dry-run=client", "-o", "json", "-f", "-");
    assertThat(json.exit()).as(json.all()).isZero();
    JsonObject spec = JsonParser.parseString(json.out()).getAsJsonObject().getAsJsonObject("spec");
    return (kind.equals("CronJob")
            ? spec.getAsJsonObject("jobTemplate").getAsJsonObject("spec")
            : spec)
        .getAsJsonObject("template");
  }

  private static String pod(String template) {
    return "apiVersion: v1\nkind: Pod\n"
        + template
            .replaceFirst("metadata:\\s*\\{", "metadata: {name: shop, ")
            .replaceFirst("metadata:\\n", "metadata:\n  name: shop\n");
  }

  private static Said create(String namespace, String pod) throws Exception {
    return kube.kubectlAs(
        "admin", pod, "-n", namespace, "create", "--dry-run=server", "-o", "json", "-f", "-");
  }

  private static JsonObject created(String namespace, String pod) throws Exception {
    Said said = create(namespace, pod);
    assertThat(said.exit()).as(said.all() + pod).isZero();
    return JsonParser.parseString(said.out()).getAsJsonObject();
  }

  private static String outrigger(String input, String... arguments) throws Exception {
    return run(input, arguments).out();
  }

  private static Said inject(String manifests) throws Exception {
    return run(manifests, "inject", "--settings", folder.resolve("injection.yaml").toString());
  }

  private static Said run(String input, String... arguments) throws Exception {
    Path in = Files.createTempFile(folder, "in", ".yaml");
    Path out = Files.createTempFile(folder, "out", ".yaml");
    Path err = Files.createTempFile(folder, "err", ".txt");
    Files.writeString(in, input);
    Process process =
        new ProcessBuilder(Peers.outrigger(arguments))
            .redirectInput(in.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertThat(process.waitFor(60, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
    Said said = new Said(process.exitValue(), Files.readString(out), Files.readString(err));
    assertThat(said.exit())
        .as(List.of(arguments).stream().collect(Collectors.joining(" ")) + "\n" + said.err())
        .isZero();
    return said;
  }
}
