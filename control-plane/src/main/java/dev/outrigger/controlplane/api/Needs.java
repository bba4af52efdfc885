package dev.outrigger.controlplane.api;

import dev.outrigger.controlplane.access.Role;

/** What a caller must be to have a route answered. */
sealed interface Needs {
  /** Nothing: it tells nobody anything that is worth a token. */
  record Nothing() implements Needs {}

  record AtLeast(Role role) implements Needs {}

  /** The role, for the namespace that is the first parameter of the path. */
  record InNamespace(Role role) implements Needs {}

  /**
   * Of a route that says nothing: looking is for viewers, what is done to an experiment for
   * operators of its namespace, and all else for administrators.
   */
  static Needs usual(String method, String path) {
    if (method.equals("GET")) {
      return new AtLeast(Role.VIEWER);
    }
    return path.startsWith("/api/v1/experiments/*/*")
        ? new InNamespace(Role.OPERATOR)
        : new AtLeast(Role.ADMIN);
  }
}
