package dev.outrigger.controlplane.inject;

import com.google.gson.JsonObject;
import java.util.List;

/**
 * What became of a document.
 *
 * @param object the document with all that was injected
 * @param patch how it came from what was given; empty if nothing changed
 * @param reports one for each object: the document itself, or the items of a List
 */
public record Injection(JsonObject object, List<PatchStep> patch, List<Report> reports) {
  public Injection {
    patch = List.copyOf(patch);
    reports = List.copyOf(reports);
  }

  /** Whether something is wrong with an object, so that it cannot be injected. */
  public boolean refused() {
    return reports.stream().anyMatch(report -> report.outcome() instanceof Outcome.Refused);
  }

  /**
   * What became of one object.
   *
   * @param kind as written; empty if missing
   * @param name as written, else what it is generated from; empty if missing
   * @param warnings one line each
   */
  public record Report(String kind, String name, Outcome outcome, List<String> warnings) {
    public Report {
      warnings = List.copyOf(warnings);
    }

    /** Such as {@code Deployment/checkout}. */
    public String object() {
      return (kind.isEmpty() ? "?" : kind) + (name.isEmpty() ? "" : "/" + name);
    }
  }

  /** How it ended for one object. */
  public sealed interface Outcome {
    /** It has the sidecar now. */
    record Injected() implements Outcome {}

    /**
     * It is as it was.
     *
     * @param reason short, for people
     */
    record Left(Why why, String reason) implements Outcome {}

    /**
     * It is as it was, since something in it is wrong.
     *
     * @param problems one line each, with the place
     */
    record Refused(List<String> problems) implements Outcome {
      public Refused {
        problems = List.copyOf(problems);
      }
    }
  }

  /** Why an object is left alone. */
  public enum Why {
    /** It makes no pods. */
    NO_PODS,
    /** Its label, its annotation or its namespace asks for none. */
    OPTED_OUT,
    HOST_NETWORK,
    ALREADY_INJECTED,
    OTHER_MESH,
    SYSTEM_NAMESPACE,
    WINDOWS,
    /** It ends a pod template that is not complete yet, such as a patch. */
    NO_CONTAINERS
  }
}
