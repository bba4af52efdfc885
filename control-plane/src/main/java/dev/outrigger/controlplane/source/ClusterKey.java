package dev.outrigger.controlplane.source;

import java.util.Comparator;

/**
 * Names an object of a cluster, of whatever kind.
 *
 * @param namespace empty for what has none
 */
public record ClusterKey(String kind, String namespace, String name)
    implements Comparable<ClusterKey> {
  private static final Comparator<ClusterKey> ORDER =
      Comparator.comparing(ClusterKey::kind)
          .thenComparing(ClusterKey::namespace)
          .thenComparing(ClusterKey::name);

  static ClusterKey of(Tree object) {
    Tree metadata = object.at("metadata");
    return new ClusterKey(object.text("kind"), metadata.text("namespace"), metadata.text("name"));
  }

  @Override
  public int compareTo(ClusterKey other) {
    return ORDER.compare(this, other);
  }

  /** Such as {@code HTTPRoute shop/catalog}. */
  @Override
  public String toString() {
    return kind + " " + (namespace.isEmpty() ? "" : namespace + "/") + name;
  }
}
