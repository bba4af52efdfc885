package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.MeshObject.Kind;
import dev.outrigger.controlplane.model.ObjectKey;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.source.Problem.Code;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** From the text of a file to objects, document by document. */
final class DocumentDecoder {
  /** Nodes of a document, each alias counted as what it stands for. */
  private static final int MAX_NODES = 100_000;

  private static final int MAX_DEPTH = 64;
  private static final int MAX_DOCUMENTS = 5_000;

  private static final Set<Tag> TAGS =
      Set.of(Tag.STR, Tag.INT, Tag.FLOAT, Tag.BOOL, Tag.NULL, Tag.MAP, Tag.SEQ);

  /** What is part of the plan, so that the answer is not "unknown". */
  private static final Set<String> LATER =
      Set.of("EndpointSlice", "AuthorizationPolicy", "RateLimitPolicy", "ExternalService");

  private static final Map<String, Kind> KINDS = new LinkedHashMap<>();

  static {
    for (Kind kind : Kind.values()) {
      KINDS.put(kind.text(), kind);
    }
  }

  private DocumentDecoder() {}

  /** Reads all documents of a file. */
  static List<DecodedDocument> decode(String file, String text) {
    List<String> lines = text.lines().toList();
    List<DecodedDocument> documents = new ArrayList<>();
    int start = 0;
    for (int i = 0; i <= lines.size(); i++) {
      boolean separator = i < lines.size() && isSeparator(lines.get(i));
      if (i < lines.size() && !separator) {
        continue;
      }
      if (documents.size() >= MAX_DOCUMENTS) {
        Doc doc = new Doc(file, lines, start);
        doc.problem(
            Code.LIMIT,
            doc.start(),
            "the file holds more than " + MAX_DOCUMENTS + " documents",
            "split the file");
        documents.add(refused(doc, file));
        return documents;
      }
      @Nullable DecodedDocument document = decode(file, lines, start, i);
      if (document != null) {
        documents.add(document);
      }
      start = i + 1;
    }
    return documents;
  }

  /** The documents of a text, as texts of their own. */
  static List<String> split(String text) {
    List<String> documents = new ArrayList<>();
    StringBuilder one = new StringBuilder();
    for (String line : text.lines().toList()) {
      if (isSeparator(line)) {
        documents.add(one.toString());
        one.setLength(0);
      } else {
        one.append(line).append('\n');
      }
    }
    documents.add(one.toString());
    return documents.stream().filter(document -> !document.isBlank()).toList();
  }

  private static boolean isSeparator(String line) {
    return line.startsWith("---") && (line.length() == 3 || line.substring(3).isBlank())
        || line.startsWith("--- #")
        || line.equals("...");
  }

  private static DecodedDocument refused(Doc doc, String file) {
    return new DecodedDocument(
        null, null, List.of(), doc.problems(), List.of(), file, doc.start(), null);
  }

  private static @Nullable DecodedDocument decode(
      String file, List<String> lines, int start, int end) {
    Doc doc = new Doc(file, lines, start);
    String text = String.join("\n", lines.subList(start, end));
    Optional<Node> root;
    try {
      root =
          new Compose(
                  LoadSettings.builder()
                      .setUseMarks(true)
                      .setCodePointLimit(Math.max(1, text.length()) + 1)
                      .build())
              .composeString(text);
    } catch (MarkedYamlEngineException e) {
      Place place = e.getProblemMark().map(doc::placeOf).orElse(doc.start());
      doc.problem(Code.SYNTAX, place, "not valid YAML: " + e.getProblem(), syntaxHint(text));
      return refused(doc, file);
    } catch (YamlEngineException e) {
      boolean bomb = firstLine(e).startsWith("Number of aliases");
      doc.problem(
          bomb ? Code.LIMIT : Code.SYNTAX,
          doc.start(),
          bomb ? "too many aliases" : "not valid YAML: " + firstLine(e),
          bomb ? "write the values out" : syntaxHint(text));
      return refused(doc, file);
    } catch (StackOverflowError e) {
      doc.problem(Code.LIMIT, doc.start(), "nested too deeply", "at most " + MAX_DEPTH + " levels");
      return refused(doc, file);
    }
    if (root.isEmpty() || root.get().getTag().equals(Tag.NULL)) {
      return null;
    }
    if (!isWithinLimits(doc, root.get())) {
      return refused(doc, file);
    }
    return decode(doc, file, lines, root.get());
  }

  private static String syntaxHint(String text) {
    return text.indexOf('\t') >= 0 ? "YAML is indented with spaces, and there is a tab" : "";
  }

  private static String firstLine(RuntimeException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  private static boolean isWithinLimits(Doc doc, Node root) {
    int[] left = {MAX_NODES};
    return isWithinLimits(doc, root, 0, left);
  }

  /**
   * An alias counts as often as it is used, so that a few lines cannot become millions of nodes.
   */
  private static boolean isWithinLimits(Doc doc, Node node, int depth, int[] left) {
    if (--left[0] < 0) {
      doc.problem(Code.LIMIT, node, "more than " + MAX_NODES + " values in one document", "");
      return false;
    }
    if (depth > MAX_DEPTH) {
      doc.problem(Code.LIMIT, node, "nested more than " + MAX_DEPTH + " levels deep", "");
      return false;
    }
    if (!TAGS.contains(node.getTag())) {
      doc.problem(
          Code.SYNTAX, node, "the tag `" + node.getTag() + "` is not allowed", "remove the tag");
      return false;
    }
    return switch (node) {
      case MappingNode mapping -> {
        for (NodeTuple tuple : mapping.getValue()) {
          if (!isWithinLimits(doc, tuple.getKeyNode(), depth + 1, left)
              || !isWithinLimits(doc, tuple.getValueNode(), depth + 1, left)) {
            yield false;
          }
        }
        yield true;
      }
      case SequenceNode sequence -> {
        for (Node element : sequence.getValue()) {
          if (!isWithinLimits(doc, element, depth + 1, left)) {
            yield false;
          }
        }
        yield true;
      }
      default -> true;
    };
  }

  /**
   * Reads an object that is no file, by the same rules.
   *
   * @param name for the problems
   */
  static DecodedDocument decode(Doc doc, String name, Node root) {
    return isWithinLimits(doc, root) ? decode(doc, name, List.of(), root) : refused(doc, name);
  }

  private static DecodedDocument decode(Doc doc, String file, List<String> lines, Node root) {
    Fields fields = Fields.of(doc, "", root);
    @Nullable Kind kind = kind(fields);
    if (kind == null) {
      return refused(doc, file);
    }
    @Nullable Fields metadata = fields.requiredObject("metadata", "it holds the name");
    ObjectMeta meta =
        metadata == null
            ? new ObjectMeta("", ObjectMeta.DEFAULT_NAMESPACE, Map.of(), Map.of())
            : meta(metadata, kind);
    @Nullable ObjectKey key =
        meta.name().isEmpty() ? null : new ObjectKey(kind, meta.namespace(), meta.name());
    doc.describe(key == null ? kind.text() : key.toString(), meta.namespace());
    @Nullable Fields spec = fields.requiredObject("spec", "it says what is wanted");
    MeshObject object = null;
    if (spec != null) {
      object =
          switch (kind) {
            case SERVICE -> ServiceDecoder.decode(meta, spec, metadata);
            case WORKLOAD -> WorkloadDecoder.decode(meta, spec);
            case HTTP_ROUTE -> HttpRouteDecoder.decode(meta, spec);
            case GRPC_ROUTE -> GrpcRouteDecoder.decode(meta, spec);
            case TCP_ROUTE -> ConnectionRouteDecoder.tcp(meta, spec);
            case TLS_ROUTE -> ConnectionRouteDecoder.tls(meta, spec);
            case TRAFFIC_POLICY -> TrafficPolicyDecoder.decode(meta, spec);
            case AUTHENTICATION_POLICY -> MeshConfigDecoder.authentication(meta, spec);
            case MESH_CONFIG -> MeshConfigDecoder.decode(meta, spec);
            case EXPERIMENT -> ExperimentDecoder.decode(meta, spec);
            case FREEZE -> ChaosDecoder.freeze(meta, spec);
          };
      spec.finish();
    }
    fields.ignore("status");
    fields.finish();
    Place place = metadata == null ? doc.start() : doc.placeOf(metadata.valueOrSelf("name"));
    return new DecodedDocument(
        key,
        doc.problems().isEmpty() && key != null ? object : null,
        doc.references(),
        doc.problems(),
        doc.warnings(),
        file,
        place,
        place.line() > 0 && place.line() <= lines.size() ? lines.get(place.line() - 1) : null);
  }

  private static @Nullable Kind kind(Fields fields) {
    if (!(fields.node() instanceof MappingNode)) {
      return null;
    }
    String apiVersion = fields.requiredText("apiVersion", "such as mesh.outrigger.dev/v1alpha1");
    String text = fields.requiredText("kind", "one of " + String.join(", ", KINDS.keySet()));
    if (text.isEmpty()) {
      return null;
    }
    @Nullable Kind kind = KINDS.get(text);
    if (kind == null) {
      if (LATER.contains(text)) {
        fields.problem(
            Code.UNSUPPORTED,
            "kind",
            "`" + text + "` is not supported yet",
            "supported are " + String.join(", ", KINDS.keySet()));
        return null;
      }
      @Nullable String nearest = Nearest.to(text, KINDS.keySet());
      fields.problem(
          Code.UNKNOWN_KIND,
          "kind",
          "unknown kind `" + text + "`",
          nearest != null
              ? "did you mean `" + nearest + "`?"
              : "known kinds: " + String.join(", ", KINDS.keySet()));
      return null;
    }
    if (!kind.isApiVersion(apiVersion) && !apiVersion.isEmpty()) {
      fields.problem(
          Code.BAD_VALUE,
          "apiVersion",
          "`apiVersion` of " + text + " is `" + apiVersion + "`, expected " + kind.apiVersion(),
          "write `apiVersion: " + kind.apiVersion() + "`");
    }
    return kind;
  }

  private static ObjectMeta meta(Fields metadata, Kind kind) {
    String name = metadata.requiredText("name", "it tells the object from all others");
    String namespace = metadata.text("namespace", ObjectMeta.DEFAULT_NAMESPACE);
    boolean valid = kind == Kind.SERVICE ? Names.isLabel(name) : Names.isSubdomain(name);
    if (!name.isEmpty() && !valid) {
      metadata.problem(
          Code.BAD_VALUE,
          "name",
          "`metadata.name` is `" + name + "`, expected lower case letters, digits and dashes",
          "");
    }
    if (!Names.isLabel(namespace)) {
      metadata.problem(
          Code.BAD_VALUE,
          "namespace",
          "`metadata.namespace` is `"
              + namespace
              + "`, expected lower case letters, digits and dashes",
          "");
    }
    Map<String, String> labels = metadata.textMap("labels");
    Map<String, String> annotations = metadata.textMap("annotations");
    @Nullable Instant created = time(metadata.value("creationTimestamp"));
    // What a cluster adds by itself.
    metadata.ignore(
        "uid",
        "resourceVersion",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "ownerReferences",
        "finalizers",
        "generateName",
        "selfLink");
    metadata.finish();
    return new ObjectMeta(name, namespace, labels, annotations, created);
  }

  /** What a cluster wrote; anything else says nothing. */
  private static @Nullable Instant time(@Nullable Node node) {
    try {
      return node == null ? null : Instant.parse(textOf(node));
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  /** The text of a scalar, for keys of mappings. */
  static String textOf(Node node) {
    return node instanceof ScalarNode scalar ? scalar.getValue() : "";
  }
}
