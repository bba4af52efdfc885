package dev.outrigger.controlplane.inject;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.inject.InjectionSettings.Capture;
import dev.outrigger.controlplane.source.Nearest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What a pod's annotations say about its sidecar.
 *
 * @param excludedInboundPorts ports or ranges, as {@code outrigger init} takes them
 * @param excludedOutboundPorts likewise
 * @param rewriteProbes whether kubelet's probes go by way of the proxy
 * @param resources of the sidecar, with the settings where the pod says nothing
 */
record PodOptions(
    Capture capture,
    List<String> excludedInboundPorts,
    List<String> excludedOutboundPorts,
    List<String> excludedInboundNetworks,
    List<String> excludedOutboundNetworks,
    boolean rewriteProbes,
    String logLevel,
    JsonObject resources) {
  static final String INJECT = "outrigger.dev/inject";
  static final String INJECTED = "status.outrigger.dev/injected";

  private static final String TRAFFIC = "traffic.outrigger.dev/";
  private static final String CONFIG = "config.outrigger.dev/";
  private static final String CAPTURE = TRAFFIC + "capture";
  private static final String INBOUND_PORTS = TRAFFIC + "exclude-inbound-ports";
  private static final String OUTBOUND_PORTS = TRAFFIC + "exclude-outbound-ports";
  private static final String INBOUND_NETWORKS = TRAFFIC + "exclude-inbound-cidrs";
  private static final String OUTBOUND_NETWORKS = TRAFFIC + "exclude-outbound-cidrs";
  private static final String REWRITE_PROBES = TRAFFIC + "rewrite-probes";
  private static final String OPAQUE_PORTS = TRAFFIC + "opaque-ports";
  private static final String LOG_LEVEL = CONFIG + "log-level";
  private static final String PROTECTED = "chaos.outrigger.dev/protected";

  /** Annotation, then section and name of the resource. */
  private static final Map<String, List<String>> RESOURCES =
      Map.of(
          CONFIG + "cpu-request", List.of("requests", "cpu"),
          CONFIG + "cpu-limit", List.of("limits", "cpu"),
          CONFIG + "memory-request", List.of("requests", "memory"),
          CONFIG + "memory-limit", List.of("limits", "memory"));

  private static final Set<String> KNOWN = new TreeSet<>();

  static {
    KNOWN.addAll(
        List.of(
            CAPTURE,
            INBOUND_PORTS,
            OUTBOUND_PORTS,
            INBOUND_NETWORKS,
            OUTBOUND_NETWORKS,
            REWRITE_PROBES,
            OPAQUE_PORTS,
            LOG_LEVEL,
            PROTECTED));
    KNOWN.addAll(RESOURCES.keySet());
  }

  private static final Pattern QUANTITY =
      Pattern.compile("[0-9]{1,15}(\\.[0-9]{1,9})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?");
  private static final int MAX_ENTRIES = 200;

  PodOptions {
    excludedInboundPorts = List.copyOf(excludedInboundPorts);
    excludedOutboundPorts = List.copyOf(excludedOutboundPorts);
    excludedInboundNetworks = List.copyOf(excludedInboundNetworks);
    excludedOutboundNetworks = List.copyOf(excludedOutboundNetworks);
    resources = resources.deepCopy();
  }

  /**
   * Reads a pod's annotations.
   *
   * @param problems takes what is wrong, one line each
   * @param warnings takes what may not be meant so, one line each
   */
  static PodOptions read(
      JsonObject metadata,
      InjectionSettings settings,
      List<String> problems,
      List<String> warnings) {
    Reading reading = new Reading(Json.object(metadata, "annotations"), problems, warnings);
    reading.warnOfUnknown();
    reading.warnOfMisplacedLabel(metadata);
    JsonObject resources = settings.resources().deepCopy();
    new TreeMap<>(RESOURCES)
        .forEach((annotation, where) -> reading.resource(annotation, where, resources));
    reading.ports(OPAQUE_PORTS);
    reading.choice(PROTECTED, List.of("true", "false"), "false");
    List<String> outboundPorts = new ArrayList<>(settings.excludedOutboundPorts());
    outboundPorts.addAll(
        reading.portsOrOf(
            OUTBOUND_PORTS,
            "traffic.sidecar.istio.io/excludeOutboundPorts",
            "config.linkerd.io/skip-outbound-ports"));
    List<String> outboundNetworks = new ArrayList<>(settings.excludedOutboundNetworks());
    outboundNetworks.addAll(
        reading.networksOrOf(
            OUTBOUND_NETWORKS,
            "traffic.sidecar.istio.io/excludeOutboundIPRanges",
            "config.linkerd.io/skip-subnets"));
    return new PodOptions(
        reading
                .choice(CAPTURE, List.of("init", "none"), settings.capture().text())
                .equals(Capture.NONE.text())
            ? Capture.NONE
            : Capture.INIT,
        reading.portsOrOf(
            INBOUND_PORTS,
            "traffic.sidecar.istio.io/excludeInboundPorts",
            "config.linkerd.io/skip-inbound-ports"),
        outboundPorts.stream().distinct().toList(),
        reading.networksOrOf(INBOUND_NETWORKS),
        outboundNetworks.stream().distinct().toList(),
        reading.choice(REWRITE_PROBES, List.of("true", "false"), "true").equals("true"),
        reading.choice(
            LOG_LEVEL, List.of("error", "warn", "info", "debug", "trace"), settings.logLevel()),
        resources);
  }

  private record Reading(JsonObject annotations, List<String> problems, List<String> warnings) {

    void warnOfUnknown() {
      for (String name : annotations.keySet()) {
        boolean ours =
            name.startsWith(TRAFFIC)
                || name.startsWith(CONFIG)
                || name.startsWith("chaos.outrigger.dev/");
        if (ours && !KNOWN.contains(name)) {
          String near = Nearest.to(name, KNOWN);
          warnings.add(
              "annotation "
                  + name
                  + " means nothing here"
                  + (near == null ? "" : "; did you mean " + near + "?"));
        }
      }
    }

    void warnOfMisplacedLabel(JsonObject metadata) {
      if (Json.text(annotations, INJECT).equals("enabled")
          && Json.text(Json.object(metadata, "labels"), INJECT).isEmpty()) {
        warnings.add(
            "annotation "
                + INJECT
                + ": enabled is not seen by the webhook, which goes by labels: make it a label");
      }
    }

    String choice(String name, List<String> choices, String otherwise) {
      String text = Json.text(annotations, name);
      if (text.isEmpty()) {
        return otherwise;
      }
      if (!choices.contains(text)) {
        problems.add(
            "annotation "
                + name
                + ": expected "
                + String.join(" or ", choices)
                + ", not "
                + quoted(text));
        return otherwise;
      }
      return text;
    }

    void resource(String name, List<String> where, JsonObject resources) {
      JsonElement value = annotations.get(name);
      if (value == null) {
        return;
      }
      String text = Json.text(annotations, name);
      if (!QUANTITY.matcher(text).matches()) {
        problems.add(
            "annotation "
                + name
                + ": expected an amount such as 100m or 128Mi, not "
                + quoted(text));
        return;
      }
      JsonObject section = Json.object(resources, where.getFirst());
      section.addProperty(where.getLast(), text);
      resources.add(where.getFirst(), section);
    }

    /** Ours, or what another mesh calls the same, with a word about it. */
    private String foreign(String name, String... others) {
      if (annotations.has(name)) {
        return name;
      }
      for (String other : others) {
        if (annotations.has(other)) {
          warnings.add("annotation " + other + " is honoured; here it is called " + name);
          return other;
        }
      }
      return name;
    }

    List<String> portsOrOf(String name, String... others) {
      return ports(foreign(name, others));
    }

    List<String> networksOrOf(String name, String... others) {
      String read = foreign(name, others);
      List<String> networks = new ArrayList<>();
      for (String entry : entries(read)) {
        String problem = Networks.problem(entry);
        if (problem == null) {
          networks.add(entry);
        } else {
          problems.add("annotation " + read + ": " + problem);
        }
      }
      return networks;
    }

    List<String> ports(String name) {
      List<String> ports = new ArrayList<>();
      for (String entry : entries(name)) {
        String problem = Networks.portProblem(entry);
        if (problem == null) {
          ports.add(entry);
        } else {
          problems.add("annotation " + name + ": " + problem);
        }
      }
      return ports;
    }

    private List<String> entries(String name) {
      JsonElement value = annotations.get(name);
      if (value == null) {
        return List.of();
      }
      if (!value.isJsonPrimitive()) {
        problems.add("annotation " + name + ": expected a text");
        return List.of();
      }
      List<String> entries = new ArrayList<>();
      for (String entry : value.getAsString().split(",", -1)) {
        if (!entry.isBlank()) {
          entries.add(entry.strip());
        }
      }
      if (entries.size() > MAX_ENTRIES) {
        problems.add("annotation " + name + ": more than " + MAX_ENTRIES + " entries");
        return List.of();
      }
      return entries;
    }
  }

  static String quoted(String text) {
    return "'" + (text.length() > 60 ? text.substring(0, 60) + "…" : text) + "'";
  }
}
