package dev.outrigger.proxy.admin;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.proxy.health.HealthView;
import dev.outrigger.proxy.telemetry.Explanations;
import dev.outrigger.proxy.worker.RuntimeSnapshot;
import dev.outrigger.proxy.xds.XdsStatus;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the admin pages get what they show, and what their buttons do. All of it is called on the
 * config loop and must return at once.
 *
 * @param readiness for {@code /ready}
 * @param metrics gives the Prometheus text, later
 * @param config what was published last
 * @param health what active checks say
 * @param faults what goes wrong on purpose
 * @param discovery how discovery stands; gives null without a control plane
 * @param server what does not change
 * @param clock for the uptime
 * @param explanations who may ask why a request goes as it goes, and what was told
 * @param drain begins to drain; may be called again
 * @param quit ends the process, later
 */
public record AdminSources(
    Readiness readiness,
    Supplier<? extends CompletionStage<String>> metrics,
    Supplier<RuntimeSnapshot> config,
    Supplier<HealthView> health,
    Supplier<FaultPlan> faults,
    Supplier<@Nullable XdsStatus> discovery,
    ServerFacts server,
    InstantSource clock,
    Explanations explanations,
    Runnable drain,
    Runnable quit) {

  /**
   * What does not change while the process lives.
   *
   * @param version of this software
   * @param node the name that the control plane knows this proxy by; may be empty
   * @param cluster the group that the node belongs to; may be empty
   * @param transport how loops talk to the kernel, and why
   * @param workers how many
   * @param started when
   */
  public record ServerFacts(
      String version,
      String node,
      String cluster,
      String transport,
      int workers,
      Instant started) {}
}
