package dev.outrigger.controlplane.schema;

import dev.outrigger.controlplane.schema.Schema.Field;
import dev.outrigger.controlplane.schema.Schema.Mapping;
import dev.outrigger.controlplane.schema.Schema.Rule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;

/**
 * The CustomResourceDefinitions of our kinds. {@code make crds} writes them where the chart has
 * them; a test compares.
 */
public final class Crds {
  private static final String MESH = "mesh.outrigger.dev";
  private static final String CHAOS = "chaos.outrigger.dev";

  private static final String FLAGS = "(True|False|On|Off|on|off|Yes|No|yes|no|y|n)";
  private static final Pattern FLAG_KEY = Pattern.compile("(?m)^( *)" + FLAGS + ":");
  private static final Pattern FLAG_VALUE = Pattern.compile("(?m)^( *- )" + FLAGS + "$");

  private Crds() {}

  /**
   * A kind of ours.
   *
   * @param spec what {@code spec} may hold
   * @param columns of {@code kubectl get}, with their JSON paths
   */
  public record Kind(
      String group,
      String name,
      String plural,
      String shortName,
      String description,
      Mapping spec,
      List<Column> columns) {
    public Kind {
      columns = List.copyOf(columns);
    }

    /** Of the file and of the object. */
    public String fullName() {
      return plural + "." + group;
    }
  }

  /** A column of {@code kubectl get}; a priority above 0 is shown only by {@code -o wide}. */
  public record Column(String name, String type, String jsonPath, int priority) {}

  /** All kinds, in the order of the documentation. */
  public static List<Kind> kinds() {
    return List.of(
        new Kind(
            MESH,
            "Workload",
            "workloads",
            "wl",
            "An endpoint outside of Kubernetes, such as a virtual machine, that is part of the"
                + " mesh. Pods need none.",
            MeshSchemas.workload(),
            List.of(
                column("Account", ".spec.serviceAccount"),
                column("Sidecar", ".spec.sidecar.mode"),
                accepted(),
                age())),
        new Kind(
            MESH,
            "TrafficPolicy",
            "trafficpolicies",
            "tpol",
            "How callers treat a service: load balancing, health, outliers, breakers, timeouts,"
                + " retries, connections.",
            MeshSchemas.trafficPolicy(),
            List.of(
                column("Targets", ".spec.targetRefs[*].name"), accepted(), programmed(), age())),
        new Kind(
            MESH,
            "AuthenticationPolicy",
            "authenticationpolicies",
            "authn",
            "Whether the callers of workloads must prove who they are.",
            MeshSchemas.authenticationPolicy(),
            List.of(column("Mode", ".spec.mtls.mode"), accepted(), programmed(), age())),
        new Kind(
            MESH,
            "MeshConfig",
            "meshconfigs",
            "meshcfg",
            "What holds for the whole mesh. There is one; of several the first by namespace and"
                + " name counts.",
            MeshSchemas.meshConfig(),
            List.of(
                column("Trust-Domain", ".spec.trustDomain"),
                column("Mode", ".spec.mtls.mode"),
                accepted(),
                age())),
        new Kind(
            CHAOS,
            "Experiment",
            "experiments",
            "exp",
            "Faults with targets, guards, a start and an end.",
            ChaosSchemas.experiment(),
            List.of(
                column("Phase", ".status.phase"),
                column("Owner", ".spec.owner"),
                new Column("Started", "date", ".status.startedAt", 0),
                accepted(),
                new Column("Hypothesis", "string", ".spec.hypothesis", 1),
                age())),
        new Kind(
            CHAOS,
            "Freeze",
            "freezes",
            "frz",
            "While one exists, no experiment starts.",
            ChaosSchemas.freeze(),
            List.of(column("Reason", ".spec.reason"), column("Owner", ".spec.owner"), age())));
  }

  private static Column column(String name, String path) {
    return new Column(name, "string", path, 0);
  }

  private static Column accepted() {
    return column("Accepted", ".status.conditions[?(@.type==\"Accepted\")].status");
  }

  private static Column programmed() {
    return column("Programmed", ".status.conditions[?(@.type==\"Programmed\")].status");
  }

  private static Column age() {
    return new Column("Age", "date", ".metadata.creationTimestamp", 0);
  }

  /** The definition of a kind as YAML, the same in every run. */
  public static String yaml(Kind kind) {
    DumpSettings settings =
        DumpSettings.builder()
            .setDefaultFlowStyle(FlowStyle.BLOCK)
            .setWidth(100)
            .setDereferenceAliases(true)
            .build();
    return "# Made of the tables in control-plane/…/schema; `make crds` writes it again.\n"
        + quoted(new Dump(settings).dumpToString(definition(kind)));
  }

  /** YAML 1.1, which others read, takes more words for flags than the writer thinks. */
  private static String quoted(String yaml) {
    return FLAG_VALUE
        .matcher(FLAG_KEY.matcher(yaml).replaceAll("$1\"$2\":"))
        .replaceAll("$1\"$2\"");
  }

  private static Map<String, Object> definition(Kind kind) {
    Map<String, Object> version = new LinkedHashMap<>();
    version.put("name", "v1alpha1");
    version.put("served", true);
    version.put("storage", true);
    List<Object> columns = new ArrayList<>();
    for (Column column : kind.columns()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", column.name());
      one.put("type", column.type());
      one.put("jsonPath", column.jsonPath());
      if (column.priority() > 0) {
        one.put("priority", column.priority());
      }
      columns.add(one);
    }
    version.put("additionalPrinterColumns", columns);
    version.put("subresources", Map.of("status", Map.of()));
    version.put("schema", Map.of("openAPIV3Schema", root(kind)));

    Map<String, Object> names = new LinkedHashMap<>();
    names.put("kind", kind.name());
    names.put("listKind", kind.name() + "List");
    names.put("plural", kind.plural());
    names.put("singular", kind.name().toLowerCase(java.util.Locale.ROOT));
    names.put("shortNames", List.of(kind.shortName()));
    names.put("categories", List.of("outrigger"));
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("group", kind.group());
    spec.put("scope", "Namespaced");
    spec.put("names", names);
    spec.put("versions", List.of(version));
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("apiVersion", "apiextensions.k8s.io/v1");
    all.put("kind", "CustomResourceDefinition");
    all.put("metadata", Map.of("name", kind.fullName()));
    all.put("spec", spec);
    return all;
  }

  private static Map<String, Object> root(Kind kind) {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put(
        "apiVersion", described("string", "The group and version of the schema: v1alpha1."));
    properties.put("kind", described("string", "The kind of the object: " + kind.name() + "."));
    properties.put("metadata", Map.of("type", "object"));
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("description", "What is wanted.");
    spec.putAll(of(kind.spec()));
    properties.put("spec", spec);
    properties.put("status", StatusSchema.of(kind));
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("description", kind.description());
    root.put("type", "object");
    root.put("required", List.of("spec"));
    root.put("properties", properties);
    return root;
  }

  static Map<String, Object> described(String type, String description) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("description", description);
    one.put("type", type);
    return one;
  }

  private static Map<String, Object> of(Schema schema) {
    Map<String, Object> out = new LinkedHashMap<>();
    switch (schema) {
      case Schema.Text text -> {
        out.put("type", "string");
        if (text.words().isEmpty()) {
          out.put("maxLength", text.maxLength());
        } else {
          out.put("enum", text.words());
        }
        rules(out, text.rules());
      }
      case Schema.Whole whole -> {
        out.put("type", "integer");
        out.put("format", "int64");
        out.put("minimum", whole.min());
        out.put("maximum", whole.max());
      }
      case Schema.Decimal _ -> out.put("type", "number");
      case Schema.Flag _ -> out.put("type", "boolean");
      case Schema.WholeOrText either -> {
        out.put("anyOf", List.of(Map.of("type", "integer"), Map.of("type", "string")));
        out.put("x-kubernetes-int-or-string", true);
        out.put("maxLength", Schema.MAX_NAME);
        rules(out, either.rules());
      }
      case Schema.ListOf list -> {
        out.put("type", "array");
        if (list.min() > 0) {
          out.put("minItems", list.min());
        }
        out.put("maxItems", list.max());
        out.put("items", of(list.element()));
      }
      case Schema.MapOf map -> {
        out.put("type", "object");
        out.put("maxProperties", map.max());
        out.put("additionalProperties", of(map.value()));
        rules(out, map.rules());
      }
      case Mapping mapping -> {
        out.put("type", "object");
        List<String> required =
            mapping.fields().stream().filter(Field::required).map(Field::name).toList();
        if (!required.isEmpty()) {
          out.put("required", required);
        }
        Map<String, Object> properties = new LinkedHashMap<>();
        for (Field field : mapping.fields()) {
          Map<String, Object> property = new LinkedHashMap<>();
          property.put("description", field.description());
          property.putAll(of(field.schema()));
          properties.put(field.name(), property);
        }
        if (!properties.isEmpty()) {
          out.put("properties", properties);
        }
        rules(out, mapping.rules());
      }
      case Schema.Deeper _ -> {
        out.put("type", "object");
        out.put("x-kubernetes-preserve-unknown-fields", true);
      }
    }
    return out;
  }

  private static void rules(Map<String, Object> out, List<Rule> rules) {
    if (rules.isEmpty()) {
      return;
    }
    List<Object> all = new ArrayList<>();
    for (Rule rule : rules) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("rule", rule.cel());
      one.put("message", rule.message());
      all.add(one);
    }
    out.put("x-kubernetes-validations", all);
  }
}
