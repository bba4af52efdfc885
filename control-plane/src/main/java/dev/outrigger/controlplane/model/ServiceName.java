package dev.outrigger.controlplane.model;

import java.util.Comparator;

/** Names a service: {@code catalog.shop} is the service catalog of the namespace shop. */
public record ServiceName(String name, String namespace) implements Comparable<ServiceName> {
  private static final Comparator<ServiceName> ORDER =
      Comparator.comparing(ServiceName::namespace).thenComparing(ServiceName::name);

  /** Reads {@code name} or {@code name.namespace}. */
  public static ServiceName parse(String text, String defaultNamespace) {
    int dot = text.indexOf('.');
    return dot < 0
        ? new ServiceName(text, defaultNamespace)
        : new ServiceName(text.substring(0, dot), text.substring(dot + 1));
  }

  @Override
  public int compareTo(ServiceName other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return name + "." + namespace;
  }
}
