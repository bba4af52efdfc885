package dev.outrigger.fault;

import org.jspecify.annotations.Nullable;

/** A request or a connection as faults see it. What is not known or does not apply is null. */
public interface FaultSubject {

  /** The caller's SPIFFE ID. */
  @Nullable String sourceIdentity();

  /**
   * The service whose endpoints it goes to, as {@code name.namespace}: behind a route one of those
   * that the route sends to.
   */
  @Nullable String destinationService();

  /**
   * The service that the caller asked for, as {@code name.namespace}: the one that the route stands
   * before. Null for connections, which calls of several services may share.
   */
  @Nullable String calledService();

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
