package dev.outrigger.controlplane.api;

import dev.outrigger.controlplane.access.Role;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is done for a method and a path.
 *
 * @param method of HTTP
 * @param path segments; {@code *} stands for any one segment
 * @param needs what a caller must be
 * @param where who of the replicas answers
 */
public record ApiRoute(String method, String path, Action action, Needs needs, Where where) {

  /** Who of the replicas answers. */
  enum Where {
    /** Whichever is asked. */
    ANYWHERE,
    /** The one that leads, whichever is asked. */
    LEADER
  }

  /** One that needs what such a route usually does, and that every replica answers. */
  public ApiRoute(String method, String path, Action action) {
    this(method, path, action, Needs.usual(method, path), Where.ANYWHERE);
  }

  /** Runs on a virtual thread and may block. */
  @FunctionalInterface
  public interface Action {
    /**
     * @throws IllegalArgumentException if the caller is wrong; answered with 400 and the message
     * @throws Exception anything else is answered with 500 and logged
     */
    ApiReply answer(ApiRequest request) throws Exception;
  }

  public static ApiRoute get(String path, Action action) {
    return new ApiRoute("GET", path, action);
  }

  public static ApiRoute post(String path, Action action) {
    return new ApiRoute("POST", path, action);
  }

  /** The same for those who have the role, whatever its path. */
  ApiRoute needs(Role role) {
    return new ApiRoute(method, path, action, new Needs.AtLeast(role), where);
  }

  /** The same, answered by the replica that leads. */
  ApiRoute byLeader() {
    return new ApiRoute(method, path, action, needs, Where.LEADER);
  }

  boolean atLeader() {
    return where == Where.LEADER;
  }

  /** The same for everybody. */
  ApiRoute forAll() {
    return new ApiRoute(method, path, action, new Needs.Nothing(), where);
  }

  /** The parameters, if the raw path is this route's. */
  Optional<List<String>> match(String rawPath) {
    String[] wanted = path.split("/", -1);
    String[] given = rawPath.split("/", -1);
    if (wanted.length != given.length) {
      return Optional.empty();
    }
    List<String> parameters = new ArrayList<>();
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i].equals("*")) {
        parameters.add(URLDecoder.decode(given[i], StandardCharsets.UTF_8));
      } else if (!wanted[i].equals(given[i])) {
        return Optional.empty();
      }
    }
    return Optional.of(parameters);
  }
}
