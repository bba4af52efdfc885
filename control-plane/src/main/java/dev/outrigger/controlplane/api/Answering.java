package dev.outrigger.controlplane.api;

import dev.outrigger.controlplane.access.Caller;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers requests by their routes, whichever way they came. Thread-safe; may block. */
public final class Answering {
  private static final Logger LOG = LoggerFactory.getLogger(Answering.class);

  private final List<ApiRoute> routes;

  public Answering(List<ApiRoute> routes) {
    this.routes = List.copyOf(routes);
  }

  /**
   * Answers what another replica passes on, which knows the caller; whether that one may ask is
   * looked at once more.
   *
   * @param path undecoded
   */
  public ApiReply passedOn(String method, String path, String body, String from, Caller caller) {
    try {
      for (ApiRoute route : routes) {
        Optional<List<String>> parameters = route.match(path);
        if (parameters.isPresent() && route.method().equals(method) && route.atLeader()) {
          @Nullable ApiReply refused = ApiGate.refusal(route, parameters.get(), caller);
          return refused != null
              ? refused
              : answer(route, path, new ApiRequest(parameters.get(), body, from, caller));
        }
      }
    } catch (IllegalArgumentException e) {
      return ApiReply.refusal(400, String.valueOf(e.getMessage()));
    }
    return ApiReply.refusal(404, "nothing is passed on to " + method + " " + path);
  }

  static ApiReply answer(ApiRoute route, String path, ApiRequest request) {
    try {
      return route.action().answer(request);
    } catch (IllegalArgumentException e) {
      return ApiReply.refusal(400, String.valueOf(e.getMessage()));
    } catch (Exception e) {
      LOG.error("{} {}", route.method(), path, e);
      return ApiReply.refusal(500, "the control plane failed: " + e.getMessage());
    }
  }
}
