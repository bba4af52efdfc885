package dev.outrigger.controlplane.model;

import java.net.URI;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A question that the control plane asks the outside about a run.
 *
 * @param name unique in the experiment
 * @param when it is asked
 * @param every how often while faults act
 * @param timeout for one answer
 * @param tolerate so many bad answers while faults act are forgiven
 * @param halts whether one bad answer more ends the run
 * @param question what is asked, and what is a good answer
 */
public record Probe(
    String name,
    Set<When> when,
    Duration every,
    Duration timeout,
    int tolerate,
    boolean halts,
    Question question) {
  public Probe {
    // In an order of their own, so that every replica prints and fingerprints them alike.
    when = Collections.unmodifiableSet(new TreeSet<>(when));
  }

  /** A part of a run. */
  public enum When {
    /** Faults wait for a good answer; without one the run ends before they act. */
    BEFORE,
    DURING,
    /** When no proxy can hold a fault any more. */
    AFTER;

    public static final Set<When> ALL = Collections.unmodifiableSet(EnumSet.allOf(When.class));
  }

  /** What is asked. */
  public sealed interface Question {
    /**
     * A request.
     *
     * @param minStatus the least status that is good
     * @param maxStatus the greatest one
     * @param contains that the first MiB of the body must contain; empty for anything
     */
    record Http(
        String method,
        URI url,
        Map<String, String> headers,
        int minStatus,
        int maxStatus,
        String contains)
        implements Question {
      public Http {
        headers = Collections.unmodifiableMap(new TreeMap<>(headers));
      }
    }

    /**
     * A program that runs where the control plane does; only if its operator allows that.
     *
     * @param program with its arguments; no shell is added
     * @param contains that the first MiB of its output must contain; empty for anything
     */
    record Command(List<String> program, int exitCode, String contains) implements Question {
      public Command {
        program = List.copyOf(program);
      }
    }

    /**
     * The sum of some series of a page in the Prometheus text format.
     *
     * @param labels that a series must bear
     * @param min the least good value
     * @param max the greatest one
     */
    record Metric(
        URI url, String metric, Map<String, String> labels, OptionalDouble min, OptionalDouble max)
        implements Question {
      public Metric {
        labels = Collections.unmodifiableMap(new TreeMap<>(labels));
      }
    }
  }
}
