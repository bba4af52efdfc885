package dev.outrigger.proxy.xds;

import java.util.List;
import java.util.Map;

/**
 * How discovery stands, for the admin pages. Immutable.
 *
 * @param connected whether a stream is up and has answered
 * @param lastError why the last stream ended; empty if none has
 * @param fromCache whether what is used was restored from disk and not confirmed since
 * @param waiting what holds a listener or cluster back, by its name
 * @param resources all that is held, asked for or refused
 */
public record XdsStatus(
    boolean connected,
    String lastError,
    boolean fromCache,
    Map<String, String> waiting,
    List<ResourceStatus> resources) {
  public XdsStatus {
    waiting = Map.copyOf(waiting);
    resources = List.copyOf(resources);
  }

  /**
   * One resource (compare xDS {@code ClientConfig.GenericXdsConfig}).
   *
   * @param version in use; empty if none
   * @param rejectedVersion refused since; empty if none
   * @param rejection why; empty if none
   */
  public record ResourceStatus(
      String typeUrl,
      String name,
      State state,
      String version,
      String rejectedVersion,
      String rejection) {}

  /** What is known of a resource. */
  public enum State {
    REQUESTED,
    DOES_NOT_EXIST,
    ACKED,
    NACKED
  }
}
