package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.outcome.ProxyError;

/** Told how each attempt at an endpoint went, so that bad endpoints are found. Of one worker. */
public interface AttemptResults {
  /** Nobody wants to know. */
  AttemptResults IGNORED =
      new AttemptResults() {
        @Override
        public void answered(String cluster, Endpoint endpoint, int status) {}

        @Override
        public void failed(String cluster, Endpoint endpoint, ProxyError error) {}
      };

  /** The endpoint answered. */
  void answered(String cluster, Endpoint endpoint, int status);

  /** The endpoint did not answer, or not whole. */
  void failed(String cluster, Endpoint endpoint, ProxyError error);
}
