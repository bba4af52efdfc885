package dev.outrigger.controlplane.inject;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Kubelet has no certificate of the mesh, so a port that asks for one would fail its probes. They
 * go to the proxy's health port instead, which is never captured, and the proxy asks the
 * application. Probes by {@code exec} run beside the application and stay as they are.
 */
final class AppProbes {
  private static final List<List<String>> PROBES =
      List.of(
          List.of("livenessProbe", "livez"),
          List.of("readinessProbe", "readyz"),
          List.of("startupProbe", "startupz"));

  /** What kubelet is told instead. */
  record Rewritten(List<String> container, String probe, JsonObject now) {}

  private final List<Rewritten> rewritten = new ArrayList<>();
  private final JsonObject originals = new JsonObject();
  private final List<String> problems;

  private AppProbes(List<String> problems) {
    this.problems = problems;
  }

  /**
   * Looks at all probes of a pod.
   *
   * @param problems takes what is wrong, one line each
   */
  static AppProbes of(JsonObject spec, List<String> problems) {
    AppProbes probes = new AppProbes(problems);
    for (String list : List.of("initContainers", "containers")) {
      List<JsonObject> containers = Json.objects(spec, list);
      for (int i = 0; i < containers.size(); i++) {
        probes.look(List.of(list, Integer.toString(i)), containers.get(i));
      }
    }
    return probes;
  }

  List<Rewritten> rewritten() {
    return List.copyOf(rewritten);
  }

  /** By path, what the proxy asks the application; empty if there is nothing to ask. */
  JsonObject originals() {
    return originals;
  }

  private void look(List<String> place, JsonObject container) {
    String name = Json.text(container, "name");
    for (List<String> kind : PROBES) {
      String field = kind.getFirst();
      JsonObject probe = Json.object(container, field);
      @Nullable JsonObject original = original(container, name, field, probe);
      if (original == null) {
        continue;
      }
      original.addProperty("timeoutSeconds", Json.number(probe, "timeoutSeconds").orElse(1));
      String path = "/app-health/" + name + "/" + kind.getLast();
      originals.add(path, original);
      JsonObject now = new JsonObject();
      now.add(
          "httpGet",
          Json.of("path", path, "port", SidecarContainers.HEALTH_PORT, "scheme", "HTTP"));
      probe
          .asMap()
          .forEach(
              (member, value) -> {
                if (!List.of("httpGet", "tcpSocket", "grpc").contains(member)) {
                  now.add(member, value);
                }
              });
      rewritten.add(new Rewritten(place, field, now));
    }
  }

  /** In one form, whether an API server has filled in what was left out or not. */
  private @Nullable JsonObject original(
      JsonObject container, String name, String field, JsonObject probe) {
    if (probe.has("httpGet")) {
      JsonObject get = Json.object(probe, "httpGet");
      OptionalInt port = port(container, name, field, Json.text(get, "port"));
      if (port.isEmpty() || !Json.text(get, "host").isEmpty()) {
        return null;
      }
      String path = Json.text(get, "path");
      String scheme = Json.text(get, "scheme");
      JsonObject form =
          Json.of(
              "port",
              port.getAsInt(),
              "path",
              path.isEmpty() ? "/" : path,
              "scheme",
              scheme.isEmpty() ? "HTTP" : scheme);
      if (get.has("httpHeaders")) {
        form.add("httpHeaders", get.get("httpHeaders"));
      }
      return Json.of("httpGet", form);
    }
    if (probe.has("tcpSocket")) {
      JsonObject socket = Json.object(probe, "tcpSocket");
      OptionalInt port = port(container, name, field, Json.text(socket, "port"));
      return port.isEmpty() || !Json.text(socket, "host").isEmpty()
          ? null
          : Json.of("tcpSocket", Json.of("port", port.getAsInt()));
    }
    if (probe.has("grpc")) {
      JsonObject grpc = Json.object(probe, "grpc");
      OptionalInt port = port(container, name, field, Json.text(grpc, "port"));
      return port.isEmpty()
          ? null
          : Json.of(
              "grpc", Json.of("port", port.getAsInt(), "service", Json.text(grpc, "service")));
    }
    return null;
  }

  private OptionalInt port(JsonObject container, String name, String field, String text) {
    if (text.matches("[0-9]{1,5}")) {
      return OptionalInt.of(Integer.parseInt(text));
    }
    for (JsonObject port : Json.objects(container, "ports")) {
      if (!text.isEmpty() && Json.text(port, "name").equals(text)) {
        return Json.number(port, "containerPort");
      }
    }
    problems.add(
        "container "
            + name
            + ", "
            + field
            + ": there is no port "
            + PodOptions.quoted(text)
            + " in its ports");
    return OptionalInt.empty();
  }
}
