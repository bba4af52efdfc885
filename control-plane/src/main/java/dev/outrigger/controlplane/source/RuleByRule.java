package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Reads a route of a cluster without those of its rules that are bad (Gateway API: {@code
 * PartiallyInvalid}, "Dropped Rule"). A file is refused as a whole: its author is there.
 */
final class RuleByRule {
  private RuleByRule() {}

  /**
   * The route without its bad rules; as it was refused, where that is not the rules' fault, or none
   * is good.
   *
   * @param refused what came of the whole
   */
  static DecodedDocument read(Tree route, String file, DecodedDocument refused) {
    List<Tree> rules = route.at("spec").trees("rules");
    List<Object> kept = new ArrayList<>();
    List<Integer> positions = new ArrayList<>();
    List<Problem> dropped = new ArrayList<>();
    for (int i = 0; i < rules.size(); i++) {
      DecodedDocument one = decode(route, List.of(rules.get(i).fields()), file);
      if (one.problems().isEmpty()) {
        kept.add(rules.get(i).fields());
        positions.add(i);
      } else {
        dropped.add(dropped(one.problems().getFirst(), i));
      }
    }
    if (kept.isEmpty() || dropped.isEmpty()) {
      return refused;
    }
    DecodedDocument rest = decode(route, kept, file);
    if (rest.object() == null) {
      return refused;
    }
    UnaryOperator<String> asWritten = text -> asWritten(text, positions);
    List<Problem> warnings = new ArrayList<>(dropped);
    rest.warnings()
        .forEach(one -> warnings.add(with(one, one.code(), asWritten.apply(one.message()))));
    return new DecodedDocument(
        rest.key(),
        rest.object(),
        rest.references().stream()
            .map(
                one ->
                    new Reference(
                        one.service(),
                        one.object(),
                        asWritten.apply(one.path()),
                        one.file(),
                        one.place(),
                        one.sourceLine()))
            .toList(),
        List.of(),
        warnings,
        rest.file(),
        rest.place(),
        rest.sourceLine());
  }

  private static DecodedDocument decode(Tree route, List<?> rules, String file) {
    Map<Object, Object> spec = new LinkedHashMap<>(route.at("spec").fields());
    spec.put("rules", rules);
    Map<Object, Object> all = new LinkedHashMap<>(route.fields());
    all.put("spec", spec);
    return DocumentDecoder.decode(Doc.ofObject(file), file, Trees.node(all));
  }

  private static Problem dropped(Problem why, int position) {
    return with(
        why,
        Code.DROPPED_RULE,
        "Dropped Rule " + position + ": " + asWritten(why.message(), List.of(position)));
  }

  private static Problem with(Problem problem, Code code, String message) {
    return new Problem(
        code,
        problem.file(),
        problem.line(),
        problem.column(),
        problem.object(),
        message,
        problem.hint(),
        problem.sourceLine());
  }

  /** Positions of rules as they are in the object. */
  private static String asWritten(String text, List<Integer> positions) {
    int at = text.indexOf("spec.rules[");
    if (at < 0) {
      return text;
    }
    int begin = at + "spec.rules[".length();
    int end = text.indexOf(']', begin);
    int position = Integer.parseInt(text.substring(begin, end));
    return text.substring(0, begin) + positions.get(position) + text.substring(end);
  }
}
