package dev.outrigger.controlplane.api;

import org.jspecify.annotations.Nullable;

/** The way to the replica that leads. Thread-safe; may block. */
@FunctionalInterface
public interface LeaderLine {
  /** Of a control plane that is alone. */
  LeaderLine NONE = (method, path, request) -> null;

  /**
   * Asks it what only the one that leads may do.
   *
   * @param path as it came, undecoded
   * @return null where it is this one, or none is known: then it is to be answered here
   */
  @Nullable ApiReply ask(String method, String path, ApiRequest request);
}
