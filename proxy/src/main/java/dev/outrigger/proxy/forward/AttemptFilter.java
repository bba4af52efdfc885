package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.message.RequestHead;

/**
 * Called before each attempt, once its endpoint is chosen. What it refuses is treated as if the
 * endpoint had answered so: retried where the policy says so and counted against the endpoint.
 * Shared by all exchanges of a worker.
 */
@FunctionalInterface
public interface AttemptFilter {

  /**
   * Proceed; suspend until {@link Exchange#resume}; or reply with a failure, whose status stands
   * for the endpoint's answer and whose status 0 stands for a reset. Per-try and route timeouts go
   * on while suspended.
   *
   * @param attempt 1 for the first
   */
  Verdict onAttempt(
      RequestHead head, Exchange exchange, ClusterConfig cluster, Endpoint endpoint, int attempt);
}
