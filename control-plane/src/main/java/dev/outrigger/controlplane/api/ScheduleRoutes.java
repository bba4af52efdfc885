package dev.outrigger.controlplane.api;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.access.Role;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ObjectMeta;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Schedules of experiments, what is kept of their runs, and whether a text would be taken. */
public final class ScheduleRoutes {
  private static final String EXPERIMENTS = "/api/v1/experiments";
  private static final String ONE = EXPERIMENTS + "/*/*";
  private static final List<String> SUMMARY =
      List.of("startedAt", "endedAt", "phase", "verdict", "reason", "seed");

  private final ExperimentRunner experiments;

  public ScheduleRoutes(ExperimentRunner experiments) {
    this.experiments = experiments;
  }

  /** Bodies and refusals are as in {@link ExperimentRoutes}. */
  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.get("/api/v1/schedules", request -> ApiReply.json(schedules())),
        suspension("suspend", true),
        suspension("unsuspend", false),
        new ApiRoute(
            "GET",
            ONE + "/reports",
            ExperimentRoutes.guarded(
                request -> ApiReply.json(reports(ExperimentRoutes.key(request))))),
        ApiRoute.post(
                EXPERIMENTS + "/validate",
                ExperimentRoutes.guarded(
                    request -> {
                      JsonObject json = new JsonObject();
                      ObjectMeta meta = experiments.validate(request.text("document", "")).meta();
                      json.addProperty("experiment", meta.namespace() + "/" + meta.name());
                      return ApiReply.json(json);
                    }))
            .needs(Role.VIEWER));
  }

  private ApiRoute suspension(String name, boolean suspended) {
    return ApiRoute.post(
            ONE + "/" + name,
            ExperimentRoutes.guarded(
                request -> {
                  String key = ExperimentRoutes.key(request);
                  @Nullable Experiment experiment = experiments.experiment(key);
                  @Nullable ApiReply beyond =
                      experiment == null || suspended
                          ? null
                          : ExperimentRoutes.beyond(experiments, request, experiment);
                  if (beyond != null) {
                    return beyond;
                  }
                  experiments.suspend(key, suspended, ExperimentRoutes.asker(request, "asked for"));
                  return ApiReply.json(schedule(key));
                }))
        .byLeader();
  }

  private JsonArray schedules() {
    JsonArray list = new JsonArray();
    for (ExperimentRun run : experiments.runs()) {
      JsonObject one = schedule(run.experiment());
      if (one.has("schedule")) {
        list.add(one);
      }
    }
    return list;
  }

  private JsonObject schedule(String key) {
    JsonObject json = new JsonObject();
    json.addProperty("experiment", key);
    experiments.runs().stream()
        .filter(run -> run.experiment().equals(key))
        .findFirst()
        .ifPresent(
            run -> {
              json.addProperty("phase", run.phase().text());
              if (run.times().started() != null) {
                json.addProperty("startedAt", run.times().started().toString());
              }
            });
    JsonObject course = experiments.course(key);
    if (course.has("schedule")) {
      json.add("schedule", course.get("schedule"));
    }
    return json;
  }

  /** What each run came to, without what was measured. */
  private JsonArray reports(String key) {
    JsonArray list = new JsonArray();
    for (JsonObject report : experiments.reports(key)) {
      JsonObject one = new JsonObject();
      SUMMARY.forEach(member -> one.add(member, report.get(member)));
      list.add(one);
    }
    return list;
  }
}
