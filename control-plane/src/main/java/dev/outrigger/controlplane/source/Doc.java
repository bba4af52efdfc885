package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.Node;

/** One document while it is read; collects all that is wrong with it. */
final class Doc {
  /** More would only be noise. */
  private static final int MAX_PROBLEMS = 50;

  private final String file;
  private final List<String> lines;
  private final int firstLine;
  private final List<Problem> problems = new ArrayList<>();
  private final List<Problem> warnings = new ArrayList<>();
  private final List<Reference> references = new ArrayList<>();
  private final Map<String, Set<String>> asked = new LinkedHashMap<>();
  private final boolean listening;
  private String object = "";
  private String namespace = "default";

  /**
   * @param lines of the whole file
   * @param firstLine how many lines of the file come before the document
   */
  Doc(String file, List<String> lines, int firstLine) {
    this(file, lines, firstLine, false);
  }

  private Doc(String file, List<String> lines, int firstLine, boolean listening) {
    this.file = file;
    this.lines = lines;
    this.firstLine = firstLine;
    this.listening = listening;
  }

  /** One that is no file: what is wrong with it has a path, but no line. */
  static Doc ofObject(String name) {
    return new Doc(name, List.of(), -1);
  }

  /** The same, and it remembers which fields were asked for. */
  static Doc listening(String name) {
    return new Doc(name, List.of(), -1, true);
  }

  /** Names of the fields that were asked for, by the path of their mapping. */
  Map<String, Set<String>> asked() {
    return asked;
  }

  void asked(String path, Set<String> names) {
    if (listening) {
      asked.computeIfAbsent(path, key -> new TreeSet<>()).addAll(names);
    }
  }

  /** Says what the document is, once that is known. */
  void describe(String object, String namespace) {
    this.object = object;
    this.namespace = namespace;
  }

  String namespace() {
    return namespace;
  }

  List<Problem> problems() {
    return problems;
  }

  /** What is no reason to refuse the document. */
  List<Problem> warnings() {
    return warnings;
  }

  List<Reference> references() {
    return references;
  }

  void problem(Code code, Node at, String message, String hint) {
    problem(code, placeOf(at), message, hint);
  }

  void problem(Code code, Place at, String message, String hint) {
    Problem problem =
        new Problem(code, file, at.line(), at.column(), object, message, hint, lineAt(at.line()));
    List<Problem> all = problem.severity() == Problem.Severity.ERROR ? problems : warnings;
    // A value that two checks look at is still one mistake.
    if (all.size() < MAX_PROBLEMS && !all.contains(problem)) {
      all.add(problem);
    }
  }

  void refersTo(ServiceName service, OptionalInt port, String path, Node at) {
    Place place = placeOf(at);
    references.add(
        new Reference(
            new ServiceRef(service, port), object, path, file, place, lineAt(place.line())));
  }

  Place placeOf(Node node) {
    return node.getStartMark().map(this::placeOf).orElse(start());
  }

  Place placeOf(Mark mark) {
    return new Place(firstLine + mark.getLine() + 1, mark.getColumn() + 1);
  }

  Place start() {
    return firstLine < 0 ? Place.NONE : new Place(firstLine + 1, 1);
  }

  private @Nullable String lineAt(int line) {
    return line >= 1 && line <= lines.size() ? lines.get(line - 1) : null;
  }
}
