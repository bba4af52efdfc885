package dev.outrigger.controlplane.api;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.access.Caller;
import dev.outrigger.controlplane.access.Role;
import dev.outrigger.controlplane.chaos.Asker;
import dev.outrigger.controlplane.chaos.Conditions;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import dev.outrigger.controlplane.chaos.Refusal;
import dev.outrigger.controlplane.chaos.RefusedException;
import dev.outrigger.controlplane.chaos.ReportPage;
import dev.outrigger.controlplane.model.Experiment;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Looks at experiments, takes, starts and stops them. */
public final class ExperimentRoutes {
  private static final String ALL = "/api/v1/experiments";
  private static final String ONE = ALL + "/*/*";
  private static final int MAX_EVENTS = 200;

  /** What makes faults act. */
  private static final Set<String> STARTS = Set.of("start", "resume");

  private final ExperimentRunner experiments;

  public ExperimentRoutes(ExperimentRunner experiments) {
    this.experiments = experiments;
  }

  /**
   * Bodies may say {@code who} and {@code why}; both go into the ledger, with where the request
   * came from. A refusal has a {@code code} beside its {@code error}.
   */
  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.get(ALL, request -> ApiReply.json(list(experiments.runs()))),
        post(
                ALL,
                request -> {
                  String document = request.text("document", "");
                  @Nullable ApiReply beyond =
                      beyond(experiments, request, experiments.validate(document));
                  if (beyond != null) {
                    return beyond;
                  }
                  return ApiReply.json(
                      state(experiments.submit(document, asker(request, "it was submitted"))));
                })
            .needs(Role.OPERATOR)
            .byLeader(),
        ApiRoute.get(ALL + "/ledger", request -> ApiReply.json(list(experiments.history()))),
        new ApiRoute("GET", ONE, guarded(request -> ApiReply.json(state(key(request))))),
        new ApiRoute(
                "DELETE",
                ONE,
                guarded(
                    request -> {
                      experiments.delete(key(request), asker(request, "deleted"));
                      return ApiReply.json(new JsonObject());
                    }))
            .byLeader(),
        new ApiRoute(
            "GET",
            ONE + "/report",
            guarded(request -> ApiReply.json(experiments.report(key(request))))),
        new ApiRoute(
            "GET",
            ONE + "/report.html",
            guarded(
                request ->
                    ApiReply.text(
                        "text/html; charset=utf-8",
                        ReportPage.of(experiments.report(key(request)))))),
        action("start", experiments::start).byLeader(),
        action("pause", experiments::pause).byLeader(),
        action("resume", experiments::resume).byLeader(),
        action("stop", experiments::stop).byLeader(),
        // An order that waits for nobody.
        action("halt", experiments::halt),
        post("/api/v1/halt", this::haltAll).needs(Role.OPERATOR),
        post(
                "/api/v1/halt/lift",
                request -> {
                  experiments.lift(asker(request, "the halt was lifted"));
                  return ApiReply.json(new JsonObject());
                })
            .byLeader());
  }

  @FunctionalInterface
  private interface Act {
    void on(String key, Asker asker);
  }

  private ApiRoute action(String name, Act act) {
    return post(
        ONE + "/" + name,
        request -> {
          @Nullable Experiment experiment = experiments.experiment(key(request));
          @Nullable ApiReply beyond =
              experiment != null && STARTS.contains(name)
                  ? beyond(experiments, request, experiment)
                  : null;
          if (beyond != null) {
            return beyond;
          }
          act.on(key(request), asker(request, "asked for"));
          return ApiReply.json(state(key(request)));
        });
  }

  /**
   * Whoever may act for some namespaces only may not reach others with the faults either.
   *
   * @return null where it does not
   */
  static @Nullable ApiReply beyond(
      ExperimentRunner experiments, ApiRequest request, Experiment experiment) {
    Caller caller = request.caller();
    String namespace = experiment.meta().namespace();
    if (!caller.covers(namespace)) {
      return ApiGate.outside(caller, namespace);
    }
    return experiments.reach(experiment).stream()
        .filter(one -> !caller.covers(one))
        .findFirst()
        .map(one -> ApiGate.outside(caller, one))
        .orElse(null);
  }

  private static ApiRoute post(String path, ApiRoute.Action action) {
    return ApiRoute.post(path, guarded(action));
  }

  static ApiRoute.Action guarded(ApiRoute.Action action) {
    return request -> {
      try {
        return action.answer(request);
      } catch (RefusedException e) {
        return ApiReply.refusal(
            e.refusal().status(), e.refusal().id(), String.valueOf(e.getMessage()));
      }
    };
  }

  private ApiReply haltAll(ApiRequest request) {
    JsonArray halted = new JsonArray();
    experiments.haltAll(asker(request, "halt of everything")).forEach(halted::add);
    JsonObject reply = new JsonObject();
    reply.add("halted", halted);
    return ApiReply.json(reply);
  }

  private JsonObject state(String key) {
    JsonObject json =
        experiments.runs().stream()
            .filter(run -> run.experiment().equals(key))
            .findFirst()
            .map(ExperimentRun::toJson)
            .orElseThrow(
                () -> new RefusedException(Refusal.UNKNOWN, "there is no experiment " + key));
    @Nullable Experiment text = experiments.experiment(key);
    if (text != null) {
      json.addProperty("owner", text.owner());
      json.addProperty("hypothesis", text.hypothesis());
      json.addProperty("duration", text.duration().toString());
    }
    JsonObject course = experiments.course(key);
    course.keySet().forEach(member -> json.add(member, course.get(member)));
    List<ExperimentRun> events = experiments.history(key);
    json.add("conditions", Conditions.toJson(Conditions.of(events)));
    json.add(
        "events", list(events.subList(Math.max(0, events.size() - MAX_EVENTS), events.size())));
    return json;
  }

  private static JsonArray list(List<ExperimentRun> runs) {
    JsonArray list = new JsonArray();
    runs.forEach(run -> list.add(run.toJson()));
    return list;
  }

  static String key(ApiRequest request) {
    return request.parameters().get(0) + "/" + request.parameters().get(1);
  }

  static Asker asker(ApiRequest request, String why) {
    String name = request.caller().name();
    String who = name.isEmpty() ? request.text("who", "api") : name;
    return new Asker(who, request.text("why", why), request.from());
  }
}
