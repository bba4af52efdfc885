package dev.outrigger.e2e.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.App;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.LiveTraffic;
import dev.outrigger.e2e.harness.LoopbackMesh;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.harness.PlainClient;
import dev.outrigger.e2e.harness.Spire;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A mesh whose identities a real SPIRE issues: control plane and sidecars get theirs, and whom they
 * trust, from its agent's Workload API, with certificates that live for twenty seconds.
 */
class SpireIssuesIdentitiesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String CONTROL_PLANE =
      "spiffe://cluster.local/ns/outrigger-system/sa/outrigger";
  private static final int CONTROL_GROUP = 4100;
  private static final int CALLER_GROUP = 4101;
  private static final int WEB_GROUP = 4102;
  private static final int STRANGER_GROUP = 4103;
  private static final int SECONDS = 20;
  private static final int RENEWALS = 3;

  @TempDir private Path folder;

  private final List<Launched> started = new ArrayList<>();
  private int xdsTls;

  private Launched start(int group, Spire spire, List<String> command) throws IOException {
    Launched process =
        Launched.start(
            folder,
            "process-" + started.size(),
            Spire.as(group, command),
            Map.of(
                "SPIFFE_ENDPOINT_SOCKET",
                "unix://" + spire.socket(),
                "OUTRIGGER_MESH_IDENTITY",
                CONTROL_PLANE));
    started.add(process);
    return process;
  }

  private Launched proxy(int group, Spire spire, Sidecar sidecar) throws IOException {
    return start(
        group,
        spire,
        Peers.outrigger(
            "proxy",
            "--mesh=127.0.0.1:" + xdsTls,
            "--workload=" + sidecar.workload(),
            "--namespace=shop",
            "--concurrency=1",
            "--admin=127.0.0.1:" + sidecar.admin()));
  }

  private static void awaitReady(Sidecar sidecar, Launched proxy) {
    Awaitility.await(proxy.name())
        .atMost(PATIENCE)
        .ignoreExceptionsInstanceOf(IOException.class)
        .failFast(proxy.name() + " ended", () -> !proxy.isAlive())
        .until(() -> LoopbackMesh.admin(sidecar, "/ready").status() == 200);
  }

  /** How many certificates it has said to have. */
  private static long identities(Launched process) {
    return Pattern.compile("(?:identity|this control plane is) spiffe://\\S+ until (\\S+)")
        .matcher(process.said())
        .results()
        .map(result -> result.group(1))
        .distinct()
        .count();
  }

  private static void awaitIdentities(Launched process, long wanted) {
    Awaitility.await(process.name() + " is renewed")
        .atMost(PATIENCE.multipliedBy(2))
        .pollInterval(Duration.ofMillis(100))
        .failFast(process.name() + " ended", () -> !process.isAlive())
        .until(() -> identities(process) >= wanted);
  }

  @Test
  void identitiesAreRenewedUnderTrafficAndOutliveTheAgent() throws Exception {
    Assumptions.assumeTrue(Peers.isRoot(), "processes of several groups need root");
    Sidecar caller;
    Sidecar web;
    try (App app =
            App.answering(
                exchange ->
                    Objects.requireNonNullElse(
                        exchange.getRequestHeaders().getFirst("x-forwarded-client-cert"),
                        "nobody"));
        LiveTraffic.Echo echo = new LiveTraffic.Echo();
        Spire spire = new Spire(folder.resolve("spire"))) {
      caller = Sidecar.beside("caller-1", "caller", 1);
      web = Sidecar.beside("web-1", "web", app.port());
      Path mesh = Files.createDirectories(folder.resolve("mesh"));
      Files.writeString(
          mesh.resolve("mesh.yaml"),
          LoopbackMesh.settings("STRICT")
              + LoopbackMesh.service("web", "http")
              + caller.yaml("http")
              + web.yaml("http"));
      spire.register(CONTROL_PLANE, CONTROL_GROUP, SECONDS);
      spire.register(caller.identity(), CALLER_GROUP, SECONDS);
      spire.register(web.identity(), WEB_GROUP, SECONDS);
      List<Integer> ports = Peers.freePorts(3);
      xdsTls = ports.getFirst();
      try {
        Launched control =
            start(
                CONTROL_GROUP,
                spire,
                Peers.outrigger(
                    "control-plane",
                    "--dir=" + mesh,
                    "--state=" + folder.resolve("state"),
                    "--bind=127.0.0.1",
                    "--spiffe-endpoint-socket=unix://" + spire.socket(),
                    "--xds-tls-port=" + xdsTls,
                    "--xds-port=" + ports.get(1),
                    "--api-port=" + ports.get(2)));
        Launched callers = proxy(CALLER_GROUP, spire, caller);
        Launched webs = proxy(WEB_GROUP, spire, web);
        Launched stranger = proxy(STRANGER_GROUP, spire, Sidecar.beside("none-1", "none", 1));
        awaitReady(caller, callers);
        awaitReady(web, webs);
        try (PlainClient client = new PlainClient(caller.outbound())) {
          PlainClient.Answer answer = client.get("web.shop", "/");
          assertThat(answer.status()).as(webs::said).isEqualTo(200);
          assertThat(answer.text()).contains("URI=" + caller.identity());
        }
        stranger.await(Pattern.compile("PERMISSION_DENIED: no identity issued"), PATIENCE);
        try (LiveTraffic traffic =
            new LiveTraffic("web.shop", caller.outbound(), echo.port(), 4, 5)) {
          for (Launched process : List.of(control, callers, webs)) {
            awaitIdentities(process, RENEWALS + 1);
          }
          spire.killAgent();
          for (Launched process : List.of(control, callers, webs)) {
            process.await(Pattern.compile("the last good one, \\S+, is kept until"), PATIENCE);
          }
          // A new connection, with what there is.
          try (PlainClient client = new PlainClient(caller.outbound())) {
            assertThat(client.get("web.shop", "/").status()).isEqualTo(200);
          }
          long had = identities(callers);
          spire.restartAgent();
          awaitIdentities(callers, had + 1);
          awaitIdentities(webs, had + 1);
          awaitIdentities(control, had + 1);
          List<LiveTraffic.Call> calls = traffic.calls();
          assertThat(calls.stream().filter(call -> call.kind() == LiveTraffic.Kind.HTTP))
              .hasSizeGreaterThan(1000)
              .allMatch(call -> call.status() == 200);
          assertThat(traffic.closes()).isEmpty();
          System.out.printf(
              "SPIRE: %d requests over %d renewals and an agent's end, none lost%n",
              calls.stream().filter(call -> call.kind() == LiveTraffic.Kind.HTTP).count(),
              identities(callers) - 1);
        }
      } finally {
        started.forEach(Launched::terminate);
        started.forEach(Launched::close);
      }
    }
  }
}
