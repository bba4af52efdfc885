package dev.outrigger.fault;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Whose traffic a fault hits: all that is said must hold, and an empty collection says nothing.
 *
 * @param sourceIdentities SPIFFE IDs, or prefixes that end in {@code /*}
 * @param destinationServices as {@code name.namespace}: what is called, or what a route sends it to
 * @param sparedServices what is never hit, whether it is called or sent to
 * @param routes names of routes
 */
public record FaultMatch(
    List<String> sourceIdentities,
    Set<String> destinationServices,
    Set<String> sparedServices,
    Set<String> routes,
    Set<String> methods,
    List<TextMatch> paths,
    List<HeaderCondition> headers) {
  /** Everything. */
  public static final FaultMatch ALL =
      new FaultMatch(List.of(), Set.of(), Set.of(), Set.of(), List.of(), List.of());

  /** Spares nobody. */
  public FaultMatch(
      List<String> sourceIdentities,
      Set<String> destinationServices,
      Set<String> routes,
      Set<String> methods,
      List<TextMatch> paths,
      List<HeaderCondition> headers) {
    this(sourceIdentities, destinationServices, Set.of(), routes, methods, paths, headers);
  }

  public FaultMatch {
    sourceIdentities = List.copyOf(sourceIdentities);
    destinationServices = Set.copyOf(destinationServices);
    sparedServices = Set.copyOf(sparedServices);
    routes = Set.copyOf(routes);
    methods = Set.copyOf(methods);
    paths = List.copyOf(paths);
    headers = List.copyOf(headers);
  }

  /** Whether only requests, and not connections, can be told apart by it. */
  public boolean needsRequest() {
    return !(routes.isEmpty() && methods.isEmpty() && paths.isEmpty() && headers.isEmpty());
  }

  /**
   * Whether it means what goes to a service.
   *
   * @param called null where it is not known
   * @param destination null where it is not known
   */
  public boolean meansService(@Nullable String called, @Nullable String destination) {
    return (isOneOf(destinationServices, called) || isOneOf(destinationServices, destination))
        && (called == null || !sparedServices.contains(called))
        && (destination == null || !sparedServices.contains(destination));
  }

  /**
   * The service by which it is told what became of a request: the one that is called, unless only
   * the other is named.
   */
  public @Nullable String toldService(@Nullable String called, @Nullable String destination) {
    return called != null && isOneOf(destinationServices, called) ? called : destination;
  }

  /** Cheap conditions come first. */
  public boolean matches(FaultSubject subject) {
    return meansService(subject.calledService(), subject.destinationService())
        && isOneOf(methods, subject.method())
        && isOneOf(routes, subject.route())
        && matchesSource(subject.sourceIdentity())
        && matchesPath(subject.path())
        && matchesHeaders(subject);
  }

  /** The first condition that does not hold, for people; null where all do. */
  public @Nullable String mismatch(FaultSubject subject) {
    if (!meansService(subject.calledService(), subject.destinationService())) {
      return isOneOf(destinationServices, subject.calledService())
              || isOneOf(destinationServices, subject.destinationService())
          ? "the service is protected"
          : "the service is none of " + new TreeSet<>(destinationServices);
    }
    if (!isOneOf(methods, subject.method())) {
      return "the method is none of " + new TreeSet<>(methods);
    }
    if (!isOneOf(routes, subject.route())) {
      return "the route is none of " + new TreeSet<>(routes);
    }
    if (!matchesSource(subject.sourceIdentity())) {
      return "the caller is none of " + sourceIdentities;
    }
    if (!matchesPath(subject.path())) {
      return "the path is none of " + paths;
    }
    return matchesHeaders(subject) ? null : "the headers are not " + headers;
  }

  private static boolean isOneOf(Set<String> wanted, @Nullable String actual) {
    return wanted.isEmpty() || (actual != null && wanted.contains(actual));
  }

  private boolean matchesSource(@Nullable String identity) {
    if (sourceIdentities.isEmpty()) {
      return true;
    }
    if (identity == null) {
      return false;
    }
    for (String wanted : sourceIdentities) {
      if (wanted.endsWith("/*")
          ? identity.startsWith(wanted.substring(0, wanted.length() - 1))
          : identity.equals(wanted)) {
        return true;
      }
    }
    return false;
  }

  private boolean matchesPath(@Nullable String path) {
    if (paths.isEmpty()) {
      return true;
    }
    if (path == null) {
      return false;
    }
    for (TextMatch wanted : paths) {
      if (wanted.matches(path)) {
        return true;
      }
    }
    return false;
  }

  private boolean matchesHeaders(FaultSubject subject) {
    for (HeaderCondition wanted : headers) {
      if (!wanted.holds(subject.header(wanted.name()))) {
        return false;
      }
    }
    return true;
  }

  /**
   * One header.
   *
   * @param name in lower case
   * @param value null only asks for its presence
   */
  public record HeaderCondition(String name, @Nullable TextMatch value) {

    /** Of the header's first value; null where there is none. */
    boolean holds(@Nullable String actual) {
      return actual != null && (value == null || value.matches(actual));
    }
  }
}
