package dev.outrigger.controlplane.access;

import java.util.Set;

/**
 * Who calls the API.
 *
 * @param name of the token's bearer; empty where nobody has to say who it is
 * @param namespaces for whose experiments it may do what its role allows; empty means all
 */
public record Caller(String name, Role role, Set<String> namespaces) {
  /** Where no tokens are asked for: whoever reaches loopback. */
  public static final Caller LOCAL = new Caller("", Role.ADMIN, Set.of());

  /** One without a token, who may ask only what everybody may. */
  public static final Caller NOBODY = new Caller("nobody", Role.VIEWER, Set.of());

  public Caller {
    namespaces = Set.copyOf(namespaces);
  }

  public boolean covers(String namespace) {
    return namespaces.isEmpty() || namespaces.contains(namespace);
  }
}
