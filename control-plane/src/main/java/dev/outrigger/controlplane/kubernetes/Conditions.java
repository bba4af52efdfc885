package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.model.MeshRoute;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import dev.outrigger.controlplane.source.Problem;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What is to be said of an object. Pure. */
final class Conditions {
  private static final int FEW = 5;

  private Conditions() {}

  /**
   * What is said of an object, or of a route as the child of one of its parents.
   *
   * @param parent position of the parent; -1 for what has none
   * @param programming what proxies say
   * @param standing conditions that stand there now
   */
  static List<Condition> of(
      Verdict verdict, int parent, Programming programming, List<?> standing) {
    Predicate<Problem> ofParent =
        problem -> {
          int at = problem.message().indexOf("`spec.parentRefs[");
          return at >= 0 && problem.message().startsWith("`spec.parentRefs[" + parent + "]", at);
        };
    List<Condition> all = new ArrayList<>();
    Condition accepted = accepted(verdict, ofParent);
    all.add(accepted);
    all.add(resolved(verdict));
    List<Problem> dropped =
        verdict.warnings().stream().filter(one -> one.code() == Code.DROPPED_RULE).toList();
    if (!dropped.isEmpty() && !accepted.status().equals("False")) {
      // Gateway API: it stands there only where it is true.
      all.add(Condition.yes("PartiallyInvalid", "UnsupportedValue", said(dropped)));
    }
    all.add(programming.of(verdict, accepted, standing));
    return all;
  }

  private static Condition accepted(Verdict verdict, Predicate<Problem> ofParent) {
    String type = "Accepted";
    if (!verdict.errors().isEmpty()) {
      boolean unsupported =
          verdict.errors().stream().allMatch(error -> error.code() == Code.UNSUPPORTED);
      return Condition.no(
          type,
          unsupported ? "UnsupportedValue" : "Invalid",
          said(verdict.errors())
              + (verdict.object() == null ? "" : "; the last good version goes on"));
    }
    List<Problem> orphan =
        verdict.warnings().stream()
            .filter(one -> one.code() == Code.DANGLING_REFERENCE && ofParent.test(one))
            .toList();
    if (!orphan.isEmpty()) {
      return Condition.no(type, "NoMatchingParent", said(orphan));
    }
    boolean route = verdict.object() instanceof MeshRoute;
    List<Problem> overruled =
        verdict.warnings().stream()
            .filter(one -> one.code() == Code.OVERRULED && (!route || ofParent.test(one)))
            .toList();
    if (!overruled.isEmpty()) {
      return Condition.no(type, route ? "NotAllowedByListeners" : "Conflicted", said(overruled));
    }
    List<Problem> conflicts =
        verdict.warnings().stream()
            .filter(one -> one.code() == Code.ROUTE_CONFLICT && ofParent.test(one))
            .toList();
    if (!conflicts.isEmpty()) {
      return Condition.no(type, "Conflicted", said(conflicts));
    }
    return Condition.yes(type, "Accepted", "it counts");
  }

  private static Condition resolved(Verdict verdict) {
    String type = "ResolvedRefs";
    List<Problem> others =
        verdict.warnings().stream().filter(one -> one.code() == Code.INVALID_KIND).toList();
    if (!others.isEmpty()) {
      return Condition.no(type, "InvalidKind", said(others));
    }
    List<Problem> ungranted =
        verdict.warnings().stream().filter(one -> one.code() == Code.NOT_GRANTED).toList();
    if (!ungranted.isEmpty()) {
      return Condition.no(type, "RefNotPermitted", said(ungranted));
    }
    List<Problem> dangling =
        verdict.warnings().stream()
            .filter(one -> one.code() == Code.DANGLING_REFERENCE)
            .filter(one -> !one.message().startsWith("`spec.parentRefs["))
            .toList();
    if (!dangling.isEmpty()) {
      boolean route = verdict.object() instanceof MeshRoute;
      return Condition.no(type, route ? "BackendNotFound" : "TargetNotFound", said(dangling));
    }
    return verdict.errors().isEmpty()
        ? Condition.yes(type, "ResolvedRefs", "all that it names exists")
        : Condition.unknown(type, "Invalid", "it is not accepted");
  }

  private static String said(List<Problem> problems) {
    return problems.stream()
        .map(one -> one.message() + (one.hint().isEmpty() ? "" : " (" + one.hint() + ")"))
        .limit(FEW)
        .collect(Collectors.joining("; "));
  }
}
