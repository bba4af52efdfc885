package dev.outrigger.controlplane.inject;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.inject.Injection.Outcome;
import dev.outrigger.controlplane.inject.Injection.Report;
import dev.outrigger.controlplane.inject.Injection.Why;
import dev.outrigger.controlplane.inject.InjectionSettings.Capture;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Adds the sidecar to whatever makes pods. A pure function: the same object and the same settings
 * give the same result, wherever it is computed.
 */
public final class Injector {
  /** A label that selects injected pods. */
  static final String PROXY_LABEL = "outrigger.dev/proxy";

  private static final List<String> TEMPLATE = List.of("spec", "template");

  /** Where kinds keep the pod that they make; a Pod is one itself. */
  private static final Map<String, List<String>> PLACES =
      Map.of(
          "Pod", List.of(),
          "Deployment", TEMPLATE,
          "StatefulSet", TEMPLATE,
          "DaemonSet", TEMPLATE,
          "ReplicaSet", TEMPLATE,
          "ReplicationController", TEMPLATE,
          "Job", TEMPLATE,
          "CronJob", List.of("spec", "jobTemplate", "spec", "template"));

  private final InjectionSettings settings;
  private final SidecarContainers sidecar;

  public Injector(InjectionSettings settings) {
    this.settings = settings;
    this.sidecar = new SidecarContainers(settings);
  }

  /** Injects an object, or all items of a List. What is given is not changed. */
  public Injection inject(JsonObject object, Scopes scopes) {
    if (!Json.text(object, "kind").equals("List")) {
      return one(object, scopes);
    }
    JsonObject result = object.deepCopy();
    JsonArray items = new JsonArray();
    List<PatchStep> patch = new ArrayList<>();
    List<Report> reports = new ArrayList<>();
    JsonElement given = object.get("items");
    int index = 0;
    for (JsonElement item : given != null && given.isJsonArray() ? given.getAsJsonArray() : items) {
      if (item.isJsonObject()) {
        Injection one = one(item.getAsJsonObject(), scopes);
        List<String> place = List.of("items", Integer.toString(index));
        one.patch().forEach(step -> patch.add(step.under(place)));
        reports.addAll(one.reports());
        items.add(one.object());
      } else {
        items.add(item);
      }
      index++;
    }
    if (!patch.isEmpty()) {
      result.add("items", items);
    }
    return new Injection(result, patch, reports);
  }

  private Injection one(JsonObject object, Scopes scopes) {
    String kind = Json.text(object, "kind");
    JsonObject outer = Json.object(object, "metadata");
    String name = Json.text(outer, "name");
    if (name.isEmpty()) {
      name = Json.text(outer, "generateName");
    }
    @Nullable List<String> place = PLACES.get(kind);
    if (place == null) {
      return unchanged(object, kind, name, new Outcome.Left(Why.NO_PODS, "it makes no pods"));
    }
    JsonObject pod = object;
    for (String step : place) {
      pod = Json.object(pod, step);
    }
    JsonObject metadata = Json.object(pod, "metadata");
    JsonObject spec = Json.object(pod, "spec");
    Scope scope = scopes.of(Json.text(outer, "namespace"));
    Outcome.@Nullable Left left = OptOut.of(metadata, spec, scope, settings);
    if (left != null) {
      return unchanged(object, kind, name, left);
    }
    List<String> problems = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    checkLabel(metadata, problems);
    checkShape(spec, problems);
    PodOptions options = PodOptions.read(metadata, settings, problems, warnings);
    AppProbes probes = AppProbes.of(spec, problems);
    checkClashes(spec, options, problems);
    warn(spec, options, scope, warnings);
    if (!problems.isEmpty()) {
      return new Injection(
          object.deepCopy(),
          List.of(),
          List.of(new Report(kind, name, new Outcome.Refused(problems), warnings)));
    }
    Edits edits = new Edits(object);
    edit(edits, place, spec, metadata, options, probes);
    return new Injection(
        edits.result(),
        edits.steps(),
        List.of(new Report(kind, name, new Outcome.Injected(), warnings)));
  }

  private static Injection unchanged(JsonObject object, String kind, String name, Outcome outcome) {
    return new Injection(
        object.deepCopy(), List.of(), List.of(new Report(kind, name, outcome, List.of())));
  }

  private void edit(
      Edits edits,
      List<String> place,
      JsonObject spec,
      JsonObject metadata,
      PodOptions options,
      AppProbes probes) {
    boolean rewrites = options.rewriteProbes() && options.capture() != Capture.NONE;
    List<String> podSpec = PatchStep.below(place, "spec");
    if (rewrites) {
      // Before other containers come in front of those that are counted here.
      for (AppProbes.Rewritten one : probes.rewritten()) {
        List<String> container = new ArrayList<>(podSpec);
        container.addAll(one.container());
        edits.set(container, one.probe(), one.now());
      }
    }
    edits.prepend(
        podSpec,
        "initContainers",
        sidecar.initContainers(spec, options, rewrites ? probes.originals() : new JsonObject()));
    edits.prepend(podSpec, "volumes", sidecar.volumes());
    edits.prepend(podSpec, "imagePullSecrets", missingPullSecrets(spec));
    if (!(metadataHolder(edits, place).get("metadata") instanceof JsonObject)) {
      edits.set(place, "metadata", new JsonObject());
    }
    List<String> meta = PatchStep.below(place, "metadata");
    edits.setIn(meta, "labels", PROXY_LABEL, Json.of("sidecar"));
    JsonObject annotations = Json.object(metadata, "annotations");
    if (settings.prometheusAnnotations() && !annotations.has("prometheus.io/scrape")) {
      edits.setIn(meta, "annotations", "prometheus.io/scrape", Json.of("true"));
      edits.setIn(
          meta, "annotations", "prometheus.io/port", Json.of("" + SidecarContainers.METRICS_PORT));
      edits.setIn(meta, "annotations", "prometheus.io/path", Json.of("/metrics"));
    }
    edits.setIn(
        meta,
        "annotations",
        PodOptions.INJECTED,
        Json.of(
            Json.of(
                    "version",
                    InjectionSettings.VERSION,
                    "capture",
                    options.capture().text(),
                    "image",
                    settings.image())
                .toString()));
  }

  private static JsonObject metadataHolder(Edits edits, List<String> place) {
    JsonObject here = edits.result();
    for (String step : place) {
      here = Json.object(here, step);
    }
    return here;
  }

  private List<JsonObject> missingPullSecrets(JsonObject spec) {
    List<String> there =
        Json.objects(spec, "imagePullSecrets").stream()
            .map(secret -> Json.text(secret, "name"))
            .toList();
    return settings.pullSecrets().stream()
        .filter(name -> !there.contains(name))
        .map(name -> Json.of("name", name))
        .toList();
  }

  private static void checkLabel(JsonObject metadata, List<String> problems) {
    String label = Json.text(Json.object(metadata, "labels"), PodOptions.INJECT);
    if (!label.isEmpty() && !label.equals("enabled")) {
      problems.add(
          "label "
              + PodOptions.INJECT
              + ": expected enabled or disabled, not "
              + PodOptions.quoted(label));
    }
  }

  private static void checkShape(JsonObject spec, List<String> problems) {
    for (String list : List.of("containers", "initContainers", "volumes", "imagePullSecrets")) {
      if (Json.isNoArray(spec, list)) {
        problems.add("spec." + list + ": expected a list");
      }
    }
  }

  /** What would go wrong silently, or late. */
  private void checkClashes(JsonObject spec, PodOptions options, List<String> problems) {
    String uid = Long.toString(settings.proxyUid());
    String podUser = Json.text(Json.object(spec, "securityContext"), "runAsUser");
    for (String list : List.of("initContainers", "containers")) {
      for (JsonObject container : Json.objects(spec, list)) {
        String name = Json.text(container, "name");
        String own = Json.text(Json.object(container, "securityContext"), "runAsUser");
        if (options.capture() == Capture.INIT && (own.isEmpty() ? podUser : own).equals(uid)) {
          problems.add(
              "container "
                  + name
                  + " runs as user "
                  + uid
                  + ", the proxy's own: its traffic would pass the mesh by; choose another");
        }
        for (JsonObject port : Json.objects(container, "ports")) {
          OptionalInt number = Json.number(port, "containerPort");
          if (number.isPresent() && SidecarContainers.OWN_PORTS.contains(number.getAsInt())) {
            problems.add(
                "container "
                    + name
                    + " uses port "
                    + number.getAsInt()
                    + ", which the proxy needs for itself");
          }
        }
      }
    }
    for (JsonObject volume : Json.objects(spec, "volumes")) {
      if (sidecar.volumes().stream()
          .anyMatch(ours -> Objects.equals(Json.text(ours, "name"), Json.text(volume, "name")))) {
        problems.add("there is a volume " + Json.text(volume, "name") + " already; rename it");
      }
    }
  }

  private static void warn(
      JsonObject spec, PodOptions options, Scope scope, List<String> warnings) {
    if (options.capture() == Capture.INIT
        && (scope.enforced().equals("restricted") || scope.enforced().equals("baseline"))) {
      warnings.add(
          "namespace "
              + scope.namespace()
              + " enforces Pod Security "
              + scope.enforced()
              + ", which refuses capture by an init container with NET_ADMIN: annotate the pod with"
              + " traffic.outrigger.dev/capture: none");
    }
    if (options.capture() == Capture.NONE) {
      return;
    }
    for (JsonObject container : Json.objects(spec, "containers")) {
      for (String hook : List.of("postStart", "preStop")) {
        if (Json.object(Json.object(container, "lifecycle"), hook).has("httpGet")) {
          warnings.add(
              "container "
                  + Json.text(container, "name")
                  + ": its "
                  + hook
                  + " asks by HTTP without a certificate, which strict mutual TLS refuses; use"
                  + " exec, or exclude the port by traffic.outrigger.dev/exclude-inbound-ports");
        }
      }
    }
  }
}
