package dev.outrigger.controlplane.api;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.chaos.ExperimentPreview;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import java.util.List;
import java.util.Locale;

/** Looks at experiments, starts and stops them. */
public final class ExperimentRoutes {
  private static final String ONE = "/api/v1/experiments/*/*";

  private final ExperimentRunner experiments;

  public ExperimentRoutes(ExperimentRunner experiments) {
    this.experiments = experiments;
  }

  /** Bodies may say {@code who} and {@code why}; both go into the ledger. */
  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.get("/api/v1/experiments", request -> ApiReply.json(list(experiments.runs()))),
        ApiRoute.get(
            "/api/v1/experiments/ledger", request -> ApiReply.json(list(experiments.history()))),
        ApiRoute.get(ONE, this::state),
        ApiRoute.post(ONE + "/preview", request -> ApiReply.json(preview(request))),
        ApiRoute.post(
            ONE + "/start",
            request -> {
              experiments.start(key(request), who(request), request.text("why", "asked for"));
              return state(request);
            }),
        ApiRoute.post(
            ONE + "/stop",
            request -> {
              experiments.stop(key(request), who(request), request.text("why", "asked for"));
              return state(request);
            }),
        ApiRoute.post(
            "/api/v1/halt",
            request -> {
              JsonArray halted = new JsonArray();
              experiments
                  .haltAll(who(request), request.text("why", "halt of everything"))
                  .forEach(halted::add);
              JsonObject reply = new JsonObject();
              reply.add("halted", halted);
              return ApiReply.json(reply);
            }));
  }

  private ApiReply state(ApiRequest request) {
    String key = key(request);
    return experiments.runs().stream()
        .filter(run -> run.experiment().equals(key))
        .findFirst()
        .map(run -> ApiReply.json(run.toJson()))
        .orElseGet(() -> ApiReply.refusal(404, "there is no experiment " + key));
  }

  private JsonObject preview(ApiRequest request) {
    ExperimentPreview preview = experiments.preview(key(request), who(request));
    JsonObject json = new JsonObject();
    json.addProperty("experiment", preview.experiment());
    json.addProperty("hypothesis", preview.hypothesis());
    json.addProperty("duration", preview.duration().toString());
    JsonArray faults = new JsonArray();
    for (ExperimentPreview.FaultPreview fault : preview.faults()) {
      JsonObject one = new JsonObject();
      one.addProperty("name", fault.name());
      one.addProperty("place", fault.place().name().toLowerCase(Locale.ROOT));
      one.addProperty("chancePpm", fault.chancePpm());
      JsonArray workloads = new JsonArray();
      fault.workloads().forEach(workloads::add);
      one.add("workloads", workloads);
      faults.add(one);
    }
    json.add("faults", faults);
    return json;
  }

  private static JsonArray list(List<ExperimentRun> runs) {
    JsonArray list = new JsonArray();
    runs.forEach(run -> list.add(run.toJson()));
    return list;
  }

  private static String key(ApiRequest request) {
    return request.parameters().get(0) + "/" + request.parameters().get(1);
  }

  private static String who(ApiRequest request) {
    return request.text("who", "api");
  }
}
