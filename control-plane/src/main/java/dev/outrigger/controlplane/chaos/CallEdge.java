package dev.outrigger.controlplane.chaos;

import java.util.Comparator;

/**
 * Who calls whom.
 *
 * @param from the service that the caller is behind, as {@code name.namespace}; of a caller behind
 *     none, its SPIFFE ID
 * @param to the service that is called
 */
record CallEdge(String from, String to) implements Comparable<CallEdge> {
  private static final Comparator<CallEdge> ORDER =
      Comparator.comparing(CallEdge::from).thenComparing(CallEdge::to);

  @Override
  public int compareTo(CallEdge other) {
    return ORDER.compare(this, other);
  }

  /** As people read it. */
  String text() {
    return from + " -> " + to;
  }
}
