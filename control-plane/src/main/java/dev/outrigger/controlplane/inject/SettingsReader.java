package dev.outrigger.controlplane.inject;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.inject.InjectionSettings.Capture;
import dev.outrigger.controlplane.inject.InjectionSettings.Spiffe;
import dev.outrigger.controlplane.source.Nearest;
import dev.outrigger.tls.SpiffeId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@link InjectionSettings} from what the chart writes. Every field may be left out; one that
 * is not known is an error.
 */
public final class SettingsReader {
  private static final int MIN_TOKEN_SECONDS = 600;
  private static final int MAX_TOKEN_SECONDS = 86_400;

  private final JsonObject json;
  private final Set<String> known = new TreeSet<>();
  private final List<String> problems = new ArrayList<>();

  private SettingsReader(JsonObject json) {
    this.json = json;
  }

  /**
   * Reads YAML or JSON.
   *
   * @throws IllegalArgumentException with all that is wrong, one line each
   */
  public static InjectionSettings read(String yaml) {
    List<JsonObject> documents = new ArrayList<>();
    for (Manifests.Document document : Manifests.parse(yaml).documents()) {
      if (document.json() != null) {
        documents.add(document.json());
      }
    }
    if (documents.size() > 1) {
      throw new IllegalArgumentException("expected one document, not " + documents.size());
    }
    return new SettingsReader(documents.isEmpty() ? new JsonObject() : documents.getFirst())
        .settings();
  }

  private InjectionSettings settings() {
    InjectionSettings usual = InjectionSettings.usual();
    InjectionSettings settings =
        new InjectionSettings(
            text("image", usual.image()),
            oneOf("imagePullPolicy", List.of("", "Always", "IfNotPresent", "Never"), ""),
            texts("imagePullSecrets"),
            text("controlPlane", usual.controlPlane()),
            text("tokenAudience", usual.audience()),
            text("rootConfigMap", usual.rootConfigMap()),
            oneOf("capture", List.of("init", "none"), usual.capture().text()).equals("none")
                ? Capture.NONE
                : Capture.INIT,
            number("proxyUid", (int) usual.proxyUid(), 1, Integer.MAX_VALUE),
            object("resources", usual.resources()),
            object("seccompProfile", usual.seccompProfile()),
            oneOf("transport", List.of("auto", "io_uring", "epoll", "nio"), usual.transport()),
            oneOf("logLevel", List.of("error", "warn", "info", "debug", "trace"), usual.logLevel()),
            number("tokenSeconds", usual.tokenSeconds(), MIN_TOKEN_SECONDS, MAX_TOKEN_SECONDS),
            truth("prometheusAnnotations", usual.prometheusAnnotations()),
            text("otlpEndpoint", usual.otlpEndpoint()),
            ports("excludeOutboundPorts"),
            networks("excludeOutboundCidrs"),
            text("controlPlaneNamespace", usual.controlPlaneNamespace()),
            spiffe());
    complainOfUnknown();
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("\n", problems));
    }
    return settings;
  }

  private void complainOfUnknown() {
    for (String name : json.keySet()) {
      if (!known.contains(name)) {
        String near = Nearest.to(name, known);
        problems.add(
            "there is no setting "
                + name
                + (near == null
                    ? ", only " + String.join(", ", known)
                    : "; did you mean " + near + "?"));
      }
    }
  }

  private @Nullable Spiffe spiffe() {
    JsonObject given = object("spiffe", new JsonObject());
    if (given.isEmpty()) {
      return null;
    }
    SettingsReader fields = new SettingsReader(given);
    JsonObject volume = new JsonObject();
    volume.add("csi", Json.of("driver", "csi.spiffe.io", "readOnly", true));
    Spiffe spiffe =
        new Spiffe(
            fields.text("controlPlaneIdentity", ""),
            fields.object("volume", volume),
            fields.text("socket", "spire-agent.sock"));
    try {
      if (!SpiffeId.parse(spiffe.controlPlaneIdentity()).hasPath()) {
        fields.problems.add("controlPlaneIdentity: it names a trust domain, not a workload");
      }
    } catch (IllegalArgumentException e) {
      fields.problems.add("controlPlaneIdentity: " + e.getMessage());
    }
    if (!spiffe.socket().matches("[A-Za-z0-9._-]+")) {
      fields.problems.add("socket: expected the name of a file in the volume");
    }
    fields.complainOfUnknown();
    fields.problems.forEach(problem -> problems.add("spiffe." + problem));
    return spiffe;
  }

  private String text(String name, String otherwise) {
    known.add(name);
    JsonElement value = json.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!value.isJsonPrimitive()) {
      problems.add(name + ": expected a text");
      return otherwise;
    }
    return value.getAsString();
  }

  private String oneOf(String name, List<String> choices, String otherwise) {
    String text = text(name, otherwise);
    if (!choices.contains(text)) {
      problems.add(
          name
              + ": expected one of "
              + String.join(", ", choices)
              + ", not "
              + PodOptions.quoted(text));
      return otherwise;
    }
    return text;
  }

  private int number(String name, int otherwise, int least, int most) {
    String text = text(name, Integer.toString(otherwise));
    if (text.matches("[0-9]{1,9}")) {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    }
    problems.add(name + ": expected a number from " + least + " to " + most);
    return otherwise;
  }

  private boolean truth(String name, boolean otherwise) {
    return oneOf(name, List.of("true", "false"), Boolean.toString(otherwise)).equals("true");
  }

  private JsonObject object(String name, JsonObject otherwise) {
    known.add(name);
    JsonElement value = json.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!value.isJsonObject()) {
      problems.add(name + ": expected an object");
      return otherwise;
    }
    return value.getAsJsonObject();
  }

  private List<String> texts(String name) {
    known.add(name);
    JsonElement value = json.get(name);
    List<String> texts = new ArrayList<>();
    if (value == null) {
      return texts;
    }
    if (!value.isJsonArray()) {
      problems.add(name + ": expected a list");
      return texts;
    }
    for (JsonElement element : value.getAsJsonArray()) {
      if (element.isJsonPrimitive()) {
        texts.add(element.getAsString());
      } else {
        problems.add(name + ": expected a list of texts");
      }
    }
    return texts;
  }

  private List<String> ports(String name) {
    List<String> ports = texts(name);
    for (String port : ports) {
      String problem = Networks.portProblem(port);
      if (problem != null) {
        problems.add(name + ": " + problem);
      }
    }
    return ports;
  }

  private List<String> networks(String name) {
    List<String> networks = texts(name);
    for (String network : networks) {
      String problem = Networks.problem(network);
      if (problem != null) {
        problems.add(name + ": " + problem);
      }
    }
    return networks;
  }
}
