package dev.outrigger.controlplane.model;

import java.util.Comparator;

/** Names one object. Ordered by kind, namespace and name. */
public record ObjectKey(MeshObject.Kind kind, String namespace, String name)
    implements Comparable<ObjectKey> {
  private static final Comparator<ObjectKey> ORDER =
      Comparator.comparing(ObjectKey::kind)
          .thenComparing(ObjectKey::namespace)
          .thenComparing(ObjectKey::name);

  @Override
  public int compareTo(ObjectKey other) {
    return ORDER.compare(this, other);
  }

  /** Such as {@code HTTPRoute shop/catalog}. */
  @Override
  public String toString() {
    return kind.text() + " " + namespace + "/" + name;
  }
}
