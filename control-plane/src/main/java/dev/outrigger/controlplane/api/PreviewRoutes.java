package dev.outrigger.controlplane.api;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.chaos.ExperimentPreview;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import dev.outrigger.controlplane.chaos.ShadowReading;
import dev.outrigger.controlplane.chaos.Shadows;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Tells whom experiments would hit, before they do. */
public final class PreviewRoutes {
  private static final String PREVIEW = "/api/v1/experiments/*/*/preview";

  private final ExperimentRunner experiments;
  private final Shadows shadows;

  public PreviewRoutes(ExperimentRunner experiments, Shadows shadows) {
    this.experiments = experiments;
    this.shadows = shadows;
  }

  /**
   * POST says who is named, and with {@code seconds} lets proxies count for so long whom of live
   * traffic it would hit; GET tells what was counted so far.
   */
  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.post(
            PREVIEW, ExperimentRoutes.guarded(request -> ApiReply.json(preview(request)))),
        ApiRoute.get(PREVIEW, ExperimentRoutes.guarded(request -> ApiReply.json(live(request)))));
  }

  private JsonObject live(ApiRequest request) {
    String key = ExperimentRoutes.key(request);
    @Nullable ShadowReading reading = shadows.reading(key);
    JsonObject json = new JsonObject();
    json.addProperty("experiment", key);
    json.add("live", reading == null ? JsonNull.INSTANCE : reading.toJson());
    return json;
  }

  private JsonObject preview(ApiRequest request) {
    Duration length = length(request);
    ExperimentPreview preview =
        experiments.preview(
            ExperimentRoutes.key(request), ExperimentRoutes.asker(request, "it was previewed"));
    JsonObject json = new JsonObject();
    json.addProperty("experiment", preview.experiment());
    json.addProperty("hypothesis", preview.hypothesis());
    json.addProperty("duration", preview.duration().toString());
    if (preview.obstacle() != null) {
      json.addProperty("obstacle", preview.obstacle());
    }
    JsonArray faults = new JsonArray();
    for (ExperimentPreview.FaultPreview fault : preview.faults()) {
      JsonObject one = new JsonObject();
      one.addProperty("name", fault.name());
      one.addProperty("place", fault.place().name().toLowerCase(Locale.ROOT));
      one.addProperty("chancePpm", fault.chancePpm());
      JsonArray workloads = new JsonArray();
      fault.workloads().forEach(workloads::add);
      one.add("workloads", workloads);
      if (fault.hint() != null) {
        one.addProperty("hint", fault.hint());
      }
      faults.add(one);
    }
    json.add("faults", faults);
    if (length.isPositive()) {
      json.add("live", shadows.begin(preview.experiment(), length).toJson());
    }
    return json;
  }

  /** How long to look on; zero for not at all. */
  static Duration length(ApiRequest request) {
    JsonElement seconds = request.json().get("seconds");
    if (seconds == null || seconds.isJsonNull()) {
      return Duration.ZERO;
    }
    long most = Shadows.MAX_LENGTH.toSeconds();
    try {
      double value = seconds.getAsDouble();
      if (value >= 0 && value <= most) {
        return Duration.ofMillis(Math.round(value * 1000));
      }
    } catch (UnsupportedOperationException | NumberFormatException | IllegalStateException e) {
      // Refused below, with what was expected.
    }
    throw new IllegalArgumentException("seconds: expected a number from 0 to " + most);
  }
}
