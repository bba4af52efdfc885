package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.ControlPlane;
import dev.outrigger.controlplane.ControlPlaneOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The verbs against a control plane in this process. */
class ExperimentCommandTest {
  private static final String DOCUMENT =
      """
      apiVersion: chaos.outrigger.dev/v1alpha1
      kind: Experiment
      metadata: {name: slow, namespace: shop}
      spec:
        hypothesis: nobody minds
        owner: tests
        duration: 1m
        faults:
        - name: late
          where: request
          delay: {fixed: 300ms}
      """;

  @TempDir private Path folder;
  private Path file;
  private ControlPlane plane;

  @BeforeEach
  void start() throws Exception {
    Path mesh = Files.createDirectory(folder.resolve("mesh"));
    file = Files.writeString(folder.resolve("slow.yaml"), DOCUMENT);
    plane =
        ControlPlane.start(
            ControlPlaneOptions.onFreePorts(mesh, folder.resolve("state")),
            () -> Instant.parse("2026-11-21T00:00:00Z"),
            new SecureRandom());
  }

  @AfterEach
  void stop() {
    plane.close();
  }

  private Captured run(String... args) {
    return Captured.run(
        Map.of("OUTRIGGER_API", "http://127.0.0.1:" + plane.ports().api(), "USER", "ann"), args);
  }

  @Test
  void nothingStartsWithoutYesWhereNobodyCanBeAsked() {
    Captured said = run("experiment", "run", file.toString());
    assertThat(said.exit()).isEqualTo(Main.FAILED);
    assertThat(said.err()).contains("nobody minds", "hits nobody", "not started", "--yes");
    assertThat(run("experiment", "list").out()).contains("shop/slow", "Previewed");
  }

  @Test
  void aPreviewOfAFileSubmitsItAndStartsNothing() {
    Captured said = run("experiment", "preview", file.toString(), "--for", "0s");
    assertThat(said.exit()).isEqualTo(Main.OK);
    assertThat(said.err()).contains("nobody minds", "hits nobody");
    assertThat(run("experiment", "list").out()).contains("shop/slow", "Previewed");
    assertThat(run("experiment", "preview", "slow", "--for", "1d").err())
        .contains("'1d': expected a time from 0s to 10m");
  }

  @Test
  void aFileIsSubmittedStartedPausedHaltedAndDeleted() {
    assertThat(run("experiment", "run", file.toString(), "--yes", "--why", "game day").out())
        .contains("shop/slow", "Running", "ann", "game day");
    assertThat(run("experiment", "pause", "shop/slow").out()).contains("Running, paused");
    assertThat(run("experiment", "resume", "shop/slow").out()).doesNotContain("paused");
    assertThat(run("halt", "--why", "pager").out()).contains("halted shop/slow");
    assertThat(run("experiment", "get", "shop/slow").out())
        .contains("nobody minds", "Injecting", "False", "game day", "pager", "127.0.0.1");
    Captured refused = run("experiment", "start", "shop/slow", "--yes");
    assertThat(refused.exit()).isEqualTo(Main.FAILED);
    assertThat(refused.err())
        .contains("can start again from 2026-11-21T00:00:", "outrigger explain OR2003");
    assertThat(run("experiment", "stop", "slow").err()).contains("did you mean shop/slow?");
    assertThat(run("experiment", "delete", "shop/slow").out()).contains("deleted shop/slow");
    assertThat(run("experiment", "list").out()).contains("There are no experiments");
    assertThat(run("halt", "--lift").out()).contains("lifted");
    assertThat(run("experiment", "run", file.toString(), "--yes").out()).contains("Running");
  }

  @Test
  void whatWasRecordedBecomesADelayThatCanBeSubmitted() throws Exception {
    String callers = "reporter=\"source\",destination_service=\"catalog.shop\"";
    Path metrics =
        Files.writeString(
            folder.resolve("incident.txt"),
            """
            # TYPE outrigger_request_duration_seconds histogram
            outrigger_request_duration_seconds_bucket{%1$s,le="0.010"} 5
            outrigger_request_duration_seconds_bucket{%1$s,le="0.5"} 90
            outrigger_request_duration_seconds_bucket{%1$s,le="+Inf"} 100
            outrigger_request_duration_seconds_count{%1$s} 100
            outrigger_request_duration_seconds_bucket{reporter="source",destination_service="web.shop",le="0.010"} 7
            outrigger_request_duration_seconds_bucket{reporter="destination",destination_service="catalog.shop",le="0.010"} 3
            """
                .formatted(callers));
    Captured said = run("experiment", "record", "catalog.shop", "--from", metrics.toString());
    assertThat(said.exit()).as(said.err()).isEqualTo(Main.OK);
    assertThat(said.out())
        .contains("of catalog.shop", "100 recorded")
        .contains("delay:\n  histogram: {\"0.01\": 5, \"0.5\": 90, \"+Inf\": 100}");

    String delay = said.out().substring(said.out().indexOf("delay:")).strip();
    String replay = DOCUMENT.replace("delay: {fixed: 300ms}", delay.replace("\n", "\n    "));
    Path written = Files.writeString(folder.resolve("replay.yaml"), replay);
    assertThat(run("experiment", "create", written.toString()).exit()).isEqualTo(Main.OK);
    assertThat(run("experiment", "record", "nobody.shop", "--from", metrics.toString()).err())
        .contains("has recorded nothing of nobody.shop", "curl");
    assertThat(
            run("experiment", "record", "--from", metrics.toString(), "-o", "json").out().strip())
        .isEqualTo("{\"delay\":{\"histogram\":{\"0.01\":12,\"0.5\":90,\"+Inf\":100}}}");
  }
}
