package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.PlainClient.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * What OpenSSL and a proxy of the mesh say of handshakes that go wrong on purpose, and what proxies
 * do without their control plane.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FaultsBelowRequestsInARealMeshTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Pattern CERTIFICATE =
      Pattern.compile("(?s)-----BEGIN CERTIFICATE-----.*?-----END");

  /** How OpenSSL calls each, when a receiver shows it. */
  private static final Map<String, String> FLAWS = new LinkedHashMap<>();

  static {
    FLAWS.put("expired", "Verify return code: 10 (certificate has expired)");
    FLAWS.put("notYetValid", "Verify return code: 9 (certificate is not yet valid)");
    FLAWS.put("wrongName", "Verify return code: 0 (ok)");
    FLAWS.put("wrongTrustDomain", "Verify return code: 0 (ok)");
    FLAWS.put("missingIntermediate", "unable to get local issuer certificate");
    FLAWS.put("untrusted", "self-signed certificate in certificate chain");
  }

  /** What the caller's proxy says of each. */
  private static final Map<String, String> REASONS =
      Map.of(
          "expired", "NotAfter",
          "notYetValid", "NotBefore",
          "wrongName", "/outrigger-fault/wrong-name",
          "wrongTrustDomain", "outrigger-fault.invalid",
          "missingIntermediate", "valid certification path",
          "untrusted", "valid certification path");

  private String openssl;
  private Path folder;
  private App app;
  private Sidecar caller;
  private Sidecar web;
  private Sidecar other;
  private LoopbackMesh mesh;

  private static String experiment(String name, String where, String fault) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: %s, namespace: shop}
    spec:
      hypothesis: the caller copes
      owner: tests
      duration: 10m
      lease: 5s
      faults:
      - name: f
        where: %s
        match: {destination: {services: [web]}}
        %s
    ---
    """
        .formatted(name, where, fault);
  }

  @BeforeAll
  void startsAMesh(@TempDir Path folder) throws Exception {
    openssl = Peers.require("openssl");
    this.folder = folder;
    app = App.answering(_ -> "fine");
    caller = Sidecar.beside("caller-1", "caller", 1);
    web = Sidecar.beside("web-1", "web", app.port());
    other = Sidecar.beside("other-1", "other", app.port());
    mesh = new LoopbackMesh(folder);
    mesh.write(
        "mesh.yaml",
        LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s}\n"
            + LoopbackMesh.service("web", "http")
            + LoopbackMesh.service("caller", "http")
            + LoopbackMesh.service("other", "http")
            + caller.yaml("http")
            + web.yaml("http")
            + other.yaml("http"));
    StringBuilder all = new StringBuilder();
    FLAWS
        .keySet()
        .forEach(
            flaw -> {
              String fault = "certificate: {flaw: " + flaw + "}";
              all.append(experiment(flaw.toLowerCase(Locale.ROOT), "inbound", fault));
            });
    all.append(experiment("client", "connection", "certificate: {flaw: expired}"))
        .append(experiment("late", "inbound", "handshake: {delay: 700ms}"))
        // Less than receivers wait for the first byte.
        .append(experiment("late-out", "connection", "handshake: {delay: 80ms}"))
        .append(experiment("torn", "inbound", "handshake: {then: reset}"))
        .append(experiment("alarmed", "inbound", "handshake: {then: alert}"))
        .append(experiment("mute", "inbound", "handshake: {then: silence}"));
    for (String kind : List.of("staleConfiguration", "lostStream", "failingAuthority")) {
      all.append(
          experiment(kind.toLowerCase(Locale.ROOT), "mesh", kind + ": {}")
              .replace("destination: {", "source: {")
              .replace("[web]", "[caller]"));
    }
    mesh.write("experiments.yaml", all.toString());
    mesh.startControlPlane();
    for (Sidecar one : new Sidecar[] {caller, web, other}) {
      mesh.startProxy(one, Map.of(), "--drain-time=1s");
    }
    for (Sidecar one : new Sidecar[] {caller, web, other}) {
      mesh.awaitReady(one);
    }
    Awaitility.await().atMost(PATIENCE).until(() -> call("web.shop").status() == 200);
    Awaitility.await().atMost(PATIENCE).until(() -> call("other.shop").status() == 200);
  }

  @AfterAll
  void ends() throws IOException {
    mesh.close();
    app.close();
  }

  @AfterEach
  void halts() throws IOException {
    mesh.call("/api/v1/halt", "{\"who\": \"test\"}");
    for (Sidecar one : new Sidecar[] {caller, web}) {
      Awaitility.await()
          .atMost(PATIENCE)
          .until(() -> LoopbackMesh.admin(one, "/faults").text().startsWith("no fault"));
    }
  }

  private void start(String name, Sidecar where) {
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () ->
                mesh.call("/api/v1/experiments/shop/" + name + "/start", "{\"who\": \"test\"}")
                    .contains("Running"));
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> LoopbackMesh.admin(where, "/faults").text().contains(name + "/f "));
  }

  private Answer call(String host) throws IOException {
    try (PlainClient client = new PlainClient(caller.outbound())) {
      return client.get(host, "/");
    }
  }

  /** How much of what reached the service is in the report as affected, and failed. */
  private long failed(String name) throws IOException {
    long failed = 0;
    String report = mesh.call("/api/v1/experiments/shop/" + name + "/report", null);
    for (JsonElement edge :
        JsonParser.parseString(report).getAsJsonObject().getAsJsonArray("edges")) {
      JsonObject one = edge.getAsJsonObject();
      assertThat(one.get("inbound").getAsBoolean()).isTrue();
      assertThat(one.get("service").getAsString()).isEqualTo("web.shop");
      failed += one.getAsJsonObject("affected").get("errors").getAsLong();
    }
    return failed;
  }

  /** What OpenSSL says after a handshake with a proxy, as a member of the mesh would begin it. */
  private String handshake(Sidecar with) throws Exception {
    Process process = openssl(with);
    try {
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } finally {
      process.destroyForcibly();
      process.waitFor();
    }
  }

  private Process openssl(Sidecar with) throws IOException {
    return new ProcessBuilder(
            openssl,
            "s_client",
            "-connect",
            "127.0.0.1:" + with.inbound(),
            "-alpn",
            "outrigger-http/1.1",
            "-CAfile",
            mesh.root().toString())
        .redirectErrorStream(true)
        .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
        .directory(folder.toFile())
        .start();
  }

  /** A service that only the proxies know that hear of it. */
  private void addService(String name) throws IOException {
    mesh.write(
        name + ".yaml",
        LoopbackMesh.service("other", "http").replace("name: other,", "name: " + name + ","));
  }

  private static int call(Sidecar from, String host) throws IOException {
    try (PlainClient client = new PlainClient(from.outbound())) {
      return client.get(host, "/").status();
    }
  }

  private static String certificate(String said) {
    Matcher found = CERTIFICATE.matcher(said);
    return found.find() ? found.group() : "none in: " + said;
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  @Test
  void everyFlawIsWhatItIsCalledAndTheRealCertificateComesBack() throws Exception {
    String real = certificate(handshake(web));
    assertThat(handshake(web)).contains("Verify return code: 0 (ok)");
    for (Map.Entry<String, String> flaw : FLAWS.entrySet()) {
      start(flaw.getKey().toLowerCase(Locale.ROOT), web);
      String said = handshake(web);
      assertThat(said).as(flaw.getKey()).contains(flaw.getValue());
      assertThat(certificate(said)).isNotEqualTo(real);
      // The connection of before came again, and met it; a retry may not help.
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                Answer answer = call("web.shop");
                assertThat(answer.status()).as(flaw.getKey()).isEqualTo(503);
                assertThat(answer.header("x-outrigger-error")).isEqualTo("tls_rejected");
                assertThat(answer.text()).contains(REASONS.get(flaw.getKey()));
              });
      assertThat(call("other.shop").status()).isEqualTo(200);
      assertThat(handshake(other)).contains("Verify return code: 0 (ok)");
      halts();
      assertThat(certificate(handshake(web))).isEqualTo(real);
      Awaitility.await().atMost(PATIENCE).until(() -> call("web.shop").status() == 200);
    }
  }

  @Test
  void aCallerThatShowsAnExpiredCertificateIsRefusedByOneServiceOnly() throws Exception {
    start("client", caller);
    Awaitility.await().atMost(PATIENCE).until(() -> call("web.shop").status() >= 500);
    assertThat(call("other.shop").status()).isEqualTo(200);
    assertThat(handshake(web)).contains("Verify return code: 0 (ok)");
    halts();
    Awaitility.await().atMost(PATIENCE).until(() -> call("web.shop").status() == 200);
  }

  @Test
  void aHandshakeIsLateOnEitherSideAndThenGoesOn() throws Exception {
    start("late", web);
    long began = System.nanoTime();
    assertThat(handshake(web)).contains("Verify return code: 0 (ok)");
    assertThat(seconds(began)).isGreaterThanOrEqualTo(0.7);
    halts();
    start("late-out", caller);
    began = System.nanoTime();
    assertThat(call("web.shop").status()).isEqualTo(200);
    assertThat(seconds(began)).isGreaterThanOrEqualTo(0.08);
  }

  @Test
  void aHandshakeEndsByAResetAnAlertOrInSilence() throws Exception {
    start("torn", web);
    assertThat(handshake(web)).containsPattern("errno=104|Connection reset by peer");
    // No exchange comes of it, and it is measured at the receiver all the same.
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () -> {
              handshake(web);
              return failed("torn") > 0;
            });
    halts();
    start("alarmed", web);
    assertThat(handshake(web)).contains("alert handshake failure");
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> "tls_rejected".equals(call("web.shop").header("x-outrigger-error")));
    assertThat(LoopbackMesh.admin(web, "/metrics").text()).contains("code=\"fault_injected\"");
    halts();
    start("mute", web);
    Process waiting = openssl(web);
    try {
      assertThat(waiting.waitFor(1, TimeUnit.SECONDS)).isFalse();
    } finally {
      waiting.destroyForcibly();
    }
  }

  @Test
  void aProxyWithoutNewConfigurationGoesOnByTheOldAndCatchesUpAfterAHalt() throws Exception {
    for (String kind : List.of("staleconfiguration", "loststream")) {
      start(kind, caller);
      addService(kind);
      Awaitility.await().atMost(PATIENCE).until(() -> call(other, kind + ".shop") == 200);
      assertThat(call(caller, kind + ".shop")).as(kind).isNotEqualTo(200);
      assertThat(call(caller, "web.shop")).as(kind).isEqualTo(200);
      // The proxy still hears of faults, and so of their end.
      halts();
      Awaitility.await().atMost(PATIENCE).until(() -> call(caller, kind + ".shop") == 200);
    }
  }

  @Test
  void anAuthorityThatFailsEndsNothingAndIsAskedAgainAfterwards() throws Exception {
    start("failingauthority", caller);
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () ->
                mesh.proxy(caller)
                    .said()
                    .contains("the authority fails by the fault failingauthority/f"));
    assertThat(call(caller, "web.shop")).isEqualTo(200);
    int before = renewals();
    halts();
    Awaitility.await().atMost(PATIENCE).until(() -> renewals() > before);
    assertThat(call(caller, "web.shop")).isEqualTo(200);
  }

  private int renewals() {
    return mesh.proxy(caller).said().split("identity spiffe://", -1).length;
  }
}
