package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.kubernetes.Occurrence.Regarding;
import dev.outrigger.controlplane.kubernetes.Occurrence.Weight;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is worth telling of objects: that one was refused, or counts again, and what its run came
 * to. Compares each look with the one before. Not thread-safe.
 */
final class Changes {
  /** Of a run that is new here, so much is news; another replica told what is older. */
  private static final Duration NEWS = Duration.ofMinutes(2);

  /** Of conditions: what they last said, by object and then by parent and type. */
  private final Map<Regarding, Map<String, String>> said = new HashMap<>();

  private final Map<Regarding, Instant> runs = new HashMap<>();

  /** Objects that are gone are forgotten. */
  void retain(Set<Regarding> present) {
    said.keySet().retainAll(present);
    runs.keySet().retainAll(present);
  }

  /**
   * What is new in a status.
   *
   * @param status as it is written into the object
   */
  List<Occurrence> in(Regarding object, Map<String, Object> status) {
    Map<String, String> before = said.computeIfAbsent(object, key -> new HashMap<>());
    Set<Occurrence> news = new LinkedHashSet<>();
    if (status.get("parents") instanceof List<?> parents) {
      for (int i = 0; i < parents.size(); i++) {
        if (parents.get(i) instanceof Map<?, ?> parent
            && StatusWriter.CONTROLLER.equals(parent.get("controllerName"))) {
          conditions(object, i + "/", parent.get("conditions"), before, news);
        }
      }
    } else {
      conditions(object, "", status.get("conditions"), before, news);
    }
    return new ArrayList<>(news);
  }

  private static void conditions(
      Regarding object,
      String parent,
      @Nullable Object conditions,
      Map<String, String> before,
      Set<Occurrence> news) {
    if (!(conditions instanceof List<?> list)) {
      return;
    }
    boolean accepted = true;
    for (Object one : list) {
      if (!(one instanceof Map<?, ?> condition)) {
        continue;
      }
      String type = text(condition, "type");
      String status = text(condition, "status");
      String reason = text(condition, "reason");
      String message = text(condition, "message");
      boolean follows = type.equals("Programmed") && (!accepted || reason.equals("NotRunning"));
      if (type.equals("Accepted")) {
        accepted = !status.equals("False");
      }
      if (status.equals("Unknown") || follows) {
        continue;
      }
      boolean well = status.equals("True") != type.equals("PartiallyInvalid");
      String now = well ? "" : reason + ": " + message;
      String was = before.getOrDefault(parent + type, "");
      before.put(parent + type, now);
      if (now.equals(was)) {
        continue;
      }
      news.add(
          now.isEmpty()
              ? new Occurrence(object, Weight.NORMAL, reason, "Reconciled", message, "")
              : new Occurrence(object, Weight.WARNING, reason, "Refused", message, ""));
    }
  }

  private static String text(Map<?, ?> condition, String name) {
    return String.valueOf(condition.get(name));
  }

  /** What is new of the run of an experiment; null for nothing. */
  @Nullable Occurrence in(Regarding object, ExperimentRun run, Instant now) {
    @Nullable Instant before = runs.put(object, run.at());
    boolean isNew =
        before == null ? run.at().isAfter(now.minus(NEWS)) : !Objects.equals(before, run.at());
    if (!isNew) {
      return null;
    }
    @Nullable Weight weight =
        switch (run.event()) {
          case HALTED, REFUSED, MISSED -> Weight.WARNING;
          case STARTED,
              PAUSED,
              RESUMED,
              STOPPED,
              COMPLETED,
              RECOVERED,
              LIFTED,
              STEPPED,
              SUSPENDED,
              UNSUSPENDED,
              SKIPPED ->
              Weight.NORMAL;
          // Nothing has happened yet to anybody.
          case WRITTEN, PREVIEWED, REMOVED, PROBED -> null;
        };
    if (weight == null) {
      return null;
    }
    String why = run.by().why().isEmpty() ? "" : ": " + run.by().why();
    return new Occurrence(
        object,
        weight,
        run.event().text(),
        run.phase().text(),
        run.event().text() + " by " + run.by().who() + why + "; it is " + run.phase().text(),
        run.at().toString());
  }
}
