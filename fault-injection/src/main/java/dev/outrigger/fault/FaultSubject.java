package dev.outrigger.fault;

import org.jspecify.annotations.Nullable;

/** A request or a connection as faults see it. What is not known or does not apply is null. */
public interface FaultSubject {

  /** The caller's SPIFFE ID. */
  @Nullable String sourceIdentity();

  /** The service that is called, as {@code name.namespace}. */
  @Nullable String destinationService();

  /** The name of the route. */
  @Nullable String route();

  @Nullable String method();

  /** Without the query. */
  @Nullable String path();

  /**
   * The first value of a header.
   *
   * @param name in lower case
   */
  @Nullable String header(String name);
}
