package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.Experiment;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whom an experiment would hit, before anybody is hit.
 *
 * @param experiment {@code namespace/name}
 * @param obstacle why it may not start now, with its code; null if it may
 */
public record ExperimentPreview(
    String experiment,
    String hypothesis,
    Duration duration,
    List<FaultPreview> faults,
    @Nullable String obstacle) {
  public ExperimentPreview {
    faults = List.copyOf(faults);
  }

  /**
   * Whom one of its faults would hit.
   *
   * @param workloads whose proxies would inject it, as {@code namespace/name}; empty means nobody
   * @param chancePpm parts per million of what matches
   * @param hint why it may hit fewer than one would think; null where nothing speaks for it
   */
  public record FaultPreview(
      String name,
      Experiment.Place place,
      int chancePpm,
      List<String> workloads,
      @Nullable String hint) {
    public FaultPreview {
      workloads = List.copyOf(workloads);
    }
  }
}
