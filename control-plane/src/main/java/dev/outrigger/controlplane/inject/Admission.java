package dev.outrigger.controlplane.inject;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.inject.Injection.Outcome;
import dev.outrigger.controlplane.inject.Injection.Report;
import dev.outrigger.controlplane.inject.Injection.Why;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Answers the API server's questions ({@code admission.k8s.io/v1}). */
public final class Admission {
  /** The API server cuts what is longer. */
  private static final int MAX_WARNING = 250;

  private static final int MAX_WARNINGS = 10;

  /** Reasons that whoever wrote the object may not know of. */
  private static final Set<Why> SURPRISING = Set.of(Why.HOST_NETWORK, Why.OTHER_MESH, Why.WINDOWS);

  private final Injector injector;
  private final Function<String, Map<String, String>> namespaceLabels;

  /**
   * @param namespaceLabels of a namespace by its name; empty where they are not known
   */
  public Admission(
      InjectionSettings settings, Function<String, Map<String, String>> namespaceLabels) {
    this.injector = new Injector(settings);
    this.namespaceLabels = namespaceLabels;
  }

  /**
   * Lets a pod in with its sidecar, or says what is wrong with it.
   *
   * @throws IllegalArgumentException if the body is no review
   */
  public JsonObject inject(String body) {
    JsonObject request = request(body);
    Injection injection = injection(request);
    Report report = injection.reports().getFirst();
    JsonObject response = response(request);
    warn(response, report.warnings());
    switch (report.outcome()) {
      case Outcome.Injected _ -> {
        response.addProperty("patchType", "JSONPatch");
        response.addProperty(
            "patch",
            Base64.getEncoder()
                .encodeToString(
                    PatchStep.toJson(injection.patch())
                        .toString()
                        .getBytes(StandardCharsets.UTF_8)));
      }
      case Outcome.Left _ -> {}
      case Outcome.Refused refused -> {
        response.addProperty("allowed", false);
        response.add(
            "status",
            Json.of(
                "code",
                422,
                "reason",
                "Invalid",
                "message",
                String.join("; ", refused.problems())));
      }
    }
    return review(response);
  }

  /**
   * Lets everything in, and tells who makes pods by way of others what will become of them.
   *
   * @throws IllegalArgumentException if the body is no review
   */
  public JsonObject advise(String body) {
    JsonObject request = request(body);
    List<String> warnings = new ArrayList<>();
    for (Report report : injection(request).reports()) {
      warnings.addAll(report.warnings());
      switch (report.outcome()) {
        case Outcome.Injected _ -> {}
        case Outcome.Left left -> {
          if (SURPRISING.contains(left.why())) {
            warnings.add("its pods get no sidecar: " + left.reason());
          }
        }
        case Outcome.Refused refused ->
            refused.problems().forEach(problem -> warnings.add("no pod can start: " + problem));
      }
    }
    JsonObject response = response(request);
    warn(response, warnings);
    return review(response);
  }

  private Injection injection(JsonObject request) {
    JsonObject object = Json.object(request, "object");
    if (!object.has("kind")) {
      object = object.deepCopy();
      object.addProperty("kind", Json.text(Json.object(request, "kind"), "kind"));
    }
    // What a pod made by a controller says about its namespace may be nothing.
    String namespace = Json.text(request, "namespace");
    Scope scope = new Scope(namespace, namespaceLabels.apply(namespace));
    return injector.inject(object, _ -> scope);
  }

  private static JsonObject request(String body) {
    JsonElement json;
    try {
      json = JsonParser.parseString(body);
    } catch (JsonParseException e) {
      throw new IllegalArgumentException("the body is not JSON", e);
    }
    if (!(json instanceof JsonObject review)
        || !Json.text(review, "apiVersion").equals("admission.k8s.io/v1")
        || !Json.text(review, "kind").equals("AdmissionReview")) {
      throw new IllegalArgumentException("the body is no AdmissionReview of admission.k8s.io/v1");
    }
    JsonObject request = Json.object(review, "request");
    if (Json.text(request, "uid").isEmpty()) {
      throw new IllegalArgumentException("the review has no request with a uid");
    }
    return request;
  }

  private static JsonObject response(JsonObject request) {
    return Json.of("uid", Json.text(request, "uid"), "allowed", true);
  }

  private static void warn(JsonObject response, List<String> warnings) {
    if (warnings.isEmpty()) {
      return;
    }
    JsonArray told = new JsonArray();
    warnings.stream()
        .limit(MAX_WARNINGS)
        .map(
            warning ->
                warning.length() > MAX_WARNING
                    ? warning.substring(0, MAX_WARNING - 1) + "…"
                    : warning)
        .forEach(told::add);
    response.add("warnings", told);
  }

  private static JsonObject review(JsonObject response) {
    return Json.of(
        "apiVersion", "admission.k8s.io/v1", "kind", "AdmissionReview", "response", response);
  }
}
