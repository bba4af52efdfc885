package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Experiment.Match;
import dev.outrigger.controlplane.model.Experiment.Place;
import dev.outrigger.controlplane.source.Problem.Code;
import dev.outrigger.fault.Fault;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads one fault of an {@code Experiment}: where, whose, how often; what, by {@link FaultKinds}.
 */
final class FaultDecoder {
  private static final Map<String, Place> PLACES = new LinkedHashMap<>();

  static {
    PLACES.put("request", Place.REQUEST);
    PLACES.put("attempt", Place.ATTEMPT);
    PLACES.put("connection", Place.CONNECTION);
    PLACES.put("inbound", Place.INBOUND);
    PLACES.put("mesh", Place.MESH);
  }

  private FaultDecoder() {}

  /**
   * Reads it.
   *
   * @param seed the experiment's
   */
  static Experiment.Fault decode(Fields fields, long seed) {
    String name = fields.requiredText("name", "it tells the faults of an experiment apart");
    if (!name.isEmpty() && !Names.isLabel(name)) {
      fields.problem(
          Code.BAD_VALUE,
          "name",
          "`"
              + fields.at("name")
              + "` is `"
              + name
              + "`, expected lower case letters, digits and"
              + " dashes",
          "");
    }
    Place place = fields.requiredChoice("where", PLACES, Place.REQUEST);
    @Nullable String kind = fields.oneOf(FaultKinds.ALL);
    Fault action = new Fault.Reset();
    if (kind == null) {
      fields.ignore(FaultKinds.ALL);
    } else {
      action = FaultKinds.decode(fields, kind);
      checkPlace(fields, kind, place);
    }
    @Nullable Fields at = fields.object("match");
    Match match = at == null ? FaultMatchDecoder.all() : FaultMatchDecoder.decode(at, place, seed);
    double percent = fields.percent("percentage", 100);
    int maxActive = fields.integer("maxActive", 0, 0, 1_000_000);
    int first = fields.integer("first", 0, 0, 1_000_000_000);
    int firstAttempts = fields.integer("firstAttempts", 0, 0, 100);
    if (firstAttempts > 0 && place != Place.ATTEMPT) {
      fields.problem(
          Code.CONFLICT,
          "firstAttempts",
          "`" + fields.at("firstAttempts") + "` counts attempts: it needs `where: attempt`",
          "write `where: attempt`, or `first` to count requests");
    }
    if (kind != null) {
      checkMatch(fields, kind, place, match);
    }
    if (place == Place.MESH && (maxActive > 0 || first > 0)) {
      fields.problem(
          Code.CONFLICT,
          maxActive > 0 ? "maxActive" : "first",
          "a fault of the mesh itself has no requests to count",
          "leave it out");
    }
    boolean perTrace = fields.flag("perTrace", false);
    if (perTrace && kind != null && !FaultKinds.isOfRequests(kind)) {
      fields.problem(
          Code.CONFLICT,
          "perTrace",
          "`" + fields.at("perTrace") + "` is of requests, and `" + kind + "` is not",
          "leave it out");
    }
    fields.finish();
    return new Experiment.Fault(
        name,
        place,
        action,
        match,
        (int) Math.round(percent * 10_000),
        maxActive,
        first,
        firstAttempts,
        perTrace);
  }

  private static void checkPlace(Fields fields, String kind, Place place) {
    FaultKinds.Places places = FaultKinds.placesOf(kind);
    if (!places.all().contains(place)) {
      fields.problem(Code.CONFLICT, "where", "`" + kind + "` " + places.because(), places.hint());
    }
  }

  /** A handshake and the mesh itself are known by less than a request. */
  private static void checkMatch(Fields fields, String kind, Place place, Match match) {
    if (FaultKinds.isOfRequests(kind)) {
      return;
    }
    boolean ofRequest =
        !(match.routes().isEmpty()
            && match.methods().isEmpty()
            && match.paths().isEmpty()
            && match.headers().isEmpty());
    boolean ofSource =
        !(match.sourceServices().isEmpty()
            && match.sourceIdentities().isEmpty()
            && match.sourceLabels().isEmpty());
    if (ofRequest && place != Place.CONNECTION) {
      fields.problem(
          Code.CONFLICT, "match", "`" + kind + "` comes before any request", "match no requests");
    }
    if (ofSource && place == Place.INBOUND) {
      fields.problem(
          Code.CONFLICT,
          "match",
          "who calls is not known before the handshake is over",
          "leave `source` out, or write `where: connection` to meet some callers");
    }
    if (place == Place.MESH && !match.destinations().isEmpty()) {
      fields.problem(
          Code.CONFLICT,
          "match",
          "`" + kind + "` has no destination: it meets the proxies of `source`",
          "leave `destination` out");
    }
  }
}
