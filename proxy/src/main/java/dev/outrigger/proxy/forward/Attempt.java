package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.upstream.ConnectionPool;
import dev.outrigger.proxy.upstream.UpstreamStream;
import org.jspecify.annotations.Nullable;

/** One try of an exchange at one endpoint. */
final class Attempt {
  final Endpoint endpoint;

  /** Whether it counts against the retry budget. */
  final boolean budgeted;

  /** Whether a connection is waited for. */
  boolean waiting;

  /** Whether a fault of its connection has been noted. */
  boolean touched;

  /** Whether only a new connection will do. */
  final boolean fresh;

  /** Whether its answer is a call's whose status comes at the end. */
  boolean statusComes;

  /** The next filter to ask. */
  int nextFilter;

  @Nullable ConnectionPool pool;

  @Nullable UpstreamStream stream;

  Attempt(Endpoint endpoint, boolean budgeted, boolean fresh) {
    this.endpoint = endpoint;
    this.budgeted = budgeted;
    this.fresh = fresh;
  }
}
