package dev.outrigger.fault;

import java.time.Instant;

/**
 * One fault of a running experiment.
 *
 * @param experiment whose fault it is; shown to callers
 * @param name the fault's own, unique in its experiment
 * @param chance rolled once for each exchange, attempt or connection, by {@link Place}
 * @param maxActive at most so many at once in one proxy; 0 is no limit
 * @param first only so many are hit in one proxy, and all others pass; 0 is no bound
 * @param firstAttempts only so many attempts of an exchange are hit, counted from its first; 0 is
 *     no bound
 * @param perTrace whether it rolls once for a whole trace, so that all hops of one agree; only for
 *     what acts on requests
 * @param seed makes a run repeatable
 * @param notAfter the absolute end
 */
public record FaultRule(
    String experiment,
    String name,
    Place place,
    FaultMatch match,
    Percentage chance,
    int maxActive,
    int first,
    int firstAttempts,
    boolean perTrace,
    long seed,
    Instant notAfter,
    Fault fault) {
  /**
   * @throws IllegalArgumentException if the fault cannot act at the place
   */
  public FaultRule {
    if (maxActive < 0) {
      throw new IllegalArgumentException("a limit of active faults is not negative: " + maxActive);
    }
    if (first < 0 || firstAttempts < 0) {
      throw new IllegalArgumentException(
          "the first that are hit are not less than none: " + Math.min(first, firstAttempts));
    }
    if (firstAttempts > 0 && place != Place.ATTEMPT) {
      throw new IllegalArgumentException("only at an attempt are attempts counted");
    }
    boolean ofAnswer = fault instanceof Fault.Throttle || fault instanceof Fault.Rewrite;
    if (ofAnswer && place == Place.ATTEMPT) {
      throw new IllegalArgumentException(
          "what changes requests and answers does so for the caller, at a request or inbound");
    }
    boolean fits =
        switch (fault) {
          case Fault.OnBytes _ -> place == Place.CONNECTION;
          case Fault.OnRequest _ -> place != Place.CONNECTION && place != Place.MESH;
          case HandshakeFault _ -> place == Place.CONNECTION || place == Place.INBOUND;
          case MeshFault _ -> place == Place.MESH;
        };
    if (!fits) {
      throw new IllegalArgumentException(
          switch (fault) {
            case Fault.OnBytes _ -> "toxics act on connections, not at the place " + place;
            case Fault.OnRequest _ -> "what acts on requests does not at the place " + place;
            case HandshakeFault _ -> "handshakes are at connections or inbound, not at " + place;
            case MeshFault _ -> "the mesh itself is at the place MESH, not at " + place;
          });
    }
    boolean ofRequests = fault instanceof Fault.OnRequest;
    if (perTrace && !ofRequests) {
      throw new IllegalArgumentException("only requests belong to traces");
    }
    if (!ofRequests && match.needsRequest()) {
      throw new IllegalArgumentException(
          "a connection is matched by identity and service, not by what its requests say");
    }
    if (!ofRequests && place == Place.INBOUND && !match.sourceIdentities().isEmpty()) {
      throw new IllegalArgumentException(
          "who calls is not known before the handshake is over: name no source");
    }
    if (place == Place.MESH && (maxActive > 0 || first > 0)) {
      throw new IllegalArgumentException("a fault of the mesh itself has nothing to count");
    }
  }

  /** Without a bound of the first. */
  public FaultRule(
      String experiment,
      String name,
      Place place,
      FaultMatch match,
      Percentage chance,
      int maxActive,
      long seed,
      Instant notAfter,
      Fault fault) {
    this(experiment, name, place, match, chance, maxActive, 0, 0, seed, notAfter, fault);
  }

  /** Rolled for each exchange by itself. */
  public FaultRule(
      String experiment,
      String name,
      Place place,
      FaultMatch match,
      Percentage chance,
      int maxActive,
      int first,
      int firstAttempts,
      long seed,
      Instant notAfter,
      Fault fault) {
    this(
        experiment,
        name,
        place,
        match,
        chance,
        maxActive,
        first,
        firstAttempts,
        false,
        seed,
        notAfter,
        fault);
  }

  /** {@code <experiment>/<fault>}, unique in the mesh. */
  public String fullName() {
    return experiment + "/" + name;
  }
}
