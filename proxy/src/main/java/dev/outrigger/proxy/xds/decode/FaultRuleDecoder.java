package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Timestamp;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.HeaderMatch;
import dev.outrigger.api.chaos.v1.Match;
import dev.outrigger.api.chaos.v1.StringMatch;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultMatch.HeaderCondition;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import dev.outrigger.fault.TextMatch;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.xds.TypeUrls;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** A fault of an experiment (ours: {@code outrigger.chaos.v1.FaultRule}). Stateless. */
public final class FaultRuleDecoder {
  private static final int MAX_TEXT = 2048;
  private static final int MAX_ITEMS = 1024;

  /**
   * Of services there are as many as in a mesh: a fault on all but the protected names the rest.
   */
  private static final int MAX_SERVICES = 16_384;

  /** Experiments are named in a response header and in metrics. */
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._/-]{0,251}[A-Za-z0-9])?");

  private FaultRuleDecoder() {}

  /**
   * Checks everything.
   *
   * @param resource the resource's name, {@code <experiment>/<fault>}
   * @throws InvalidResourceException with the path of the first field that is wrong
   */
  public static dev.outrigger.fault.FaultRule decode(String resource, FaultRule message)
      throws InvalidResourceException {
    Scope scope =
        Scope.of(TypeUrls.FAULT, resource, DecodeContext.strict(TypeUrls.FAULT, resource));
    String experiment = name(message.getExperiment(), scope.in("experiment"));
    String fault = name(message.getFault(), scope.in("fault"));
    if (!resource.equals(experiment + "/" + fault)) {
      throw scope.refuse("is not named after its content, " + experiment + "/" + fault);
    }
    if (!message.getUnknownFields().asMap().isEmpty()) {
      // A condition that is not understood must not make a fault hit more than was meant.
      throw scope.refuse("has fields that this version does not know");
    }
    Percentage chance =
        new Percentage(scope.in("chance_ppm").number(message.getChancePpm(), 0, 1_000_000));
    int maxActive = scope.in("max_active").number(message.getMaxActive(), 0, Integer.MAX_VALUE);
    Fault action = FaultActionDecoder.decode(message, scope);
    FaultMatch match = match(message.getMatch(), scope.in("match"));
    Place place = place(message, scope.in("place"));
    try {
      return new dev.outrigger.fault.FaultRule(
          experiment,
          fault,
          place,
          match,
          chance,
          maxActive,
          scope.in("first").number(message.getFirst(), 0, Integer.MAX_VALUE),
          scope.in("first_attempts").number(message.getFirstAttempts(), 0, Integer.MAX_VALUE),
          message.getPerTrace(),
          message.getSeed(),
          notAfter(message, scope.in("not_after")),
          action);
    } catch (IllegalArgumentException e) {
      throw scope.in("place").refuse(String.valueOf(e.getMessage()));
    }
  }

  private static String name(String text, Scope scope) throws InvalidResourceException {
    if (!NAME.matcher(scope.required(text)).matches()) {
      throw scope.refuse("is no name: letters, digits, dots, slashes and dashes are expected");
    }
    return text;
  }

  private static Place place(FaultRule message, Scope scope) throws InvalidResourceException {
    return switch (message.getPlace()) {
      case REQUEST -> Place.REQUEST;
      case ATTEMPT -> Place.ATTEMPT;
      case CONNECTION -> Place.CONNECTION;
      case INBOUND -> Place.INBOUND;
      case MESH -> Place.MESH;
      case PLACE_UNSPECIFIED, UNRECOGNIZED ->
          throw scope.refuse(
              "is "
                  + message.getPlaceValue()
                  + ", expected REQUEST, ATTEMPT, CONNECTION, INBOUND or MESH");
    };
  }

  private static Instant notAfter(FaultRule message, Scope scope) throws InvalidResourceException {
    if (!message.hasNotAfter()) {
      throw scope.refuse("is required: a fault ends by itself");
    }
    Timestamp end = message.getNotAfter();
    try {
      return Instant.ofEpochSecond(end.getSeconds(), end.getNanos());
    } catch (java.time.DateTimeException | ArithmeticException e) {
      throw scope.refuse("is no point in time");
    }
  }

  private static FaultMatch match(Match match, Scope scope) throws InvalidResourceException {
    List<TextMatch> paths = new ArrayList<>();
    for (int i = 0; i < limited(match.getPathsCount(), scope.in("paths")); i++) {
      paths.add(text(match.getPaths(i), scope.in("paths", i)));
    }
    List<HeaderCondition> headers = new ArrayList<>();
    for (int i = 0; i < limited(match.getHeadersCount(), scope.in("headers")); i++) {
      HeaderMatch header = match.getHeaders(i);
      Scope at = scope.in("headers", i);
      @Nullable TextMatch value =
          header.hasValue() ? text(header.getValue(), at.in("value")) : null;
      headers.add(
          new HeaderCondition(
              at.in("name").required(header.getName()).toLowerCase(Locale.ROOT), value));
    }
    List<String> identities = match.getSourceIdentitiesList();
    for (int i = 0; i < limited(identities.size(), scope.in("source_identities")); i++) {
      if (!identities.get(i).startsWith("spiffe://")) {
        throw scope
            .in("source_identities", i)
            .refuse("'" + identities.get(i) + "' does not begin with spiffe://");
      }
    }
    return new FaultMatch(
        identities,
        services(match.getDestinationServicesList(), scope.in("destination_services")),
        services(match.getSparedServicesList(), scope.in("spared_services")),
        set(match.getRoutesList(), scope.in("routes")),
        set(match.getMethodsList(), scope.in("methods")),
        paths,
        headers);
  }

  private static int limited(int count, Scope scope) throws InvalidResourceException {
    return limited(count, MAX_ITEMS, scope);
  }

  private static int limited(int count, int most, Scope scope) throws InvalidResourceException {
    if (count > most) {
      throw scope.refuse("has " + count + " entries, expected at most " + most);
    }
    return count;
  }

  private static Set<String> services(List<String> texts, Scope scope)
      throws InvalidResourceException {
    limited(texts.size(), MAX_SERVICES, scope);
    return named(texts, scope);
  }

  private static Set<String> set(List<String> texts, Scope scope) throws InvalidResourceException {
    limited(texts.size(), scope);
    return named(texts, scope);
  }

  private static Set<String> named(List<String> texts, Scope scope)
      throws InvalidResourceException {
    if (texts.contains("")) {
      throw scope.refuse("has an empty entry");
    }
    return new HashSet<>(texts);
  }

  private static TextMatch text(StringMatch match, Scope scope) throws InvalidResourceException {
    return switch (match.getKindCase()) {
      case EXACT -> new TextMatch.Exact(match.getExact());
      case PREFIX -> new TextMatch.Prefix(match.getPrefix());
      case REGEX -> {
        Scope at = scope.in("regex");
        String regex = at.required(match.getRegex());
        if (regex.length() > MAX_TEXT) {
          throw at.refuse("is longer than " + MAX_TEXT + " characters");
        }
        try {
          yield new TextMatch.Regex(regex);
        } catch (PatternSyntaxException e) {
          throw at.refuse("'" + regex + "' is no regular expression: " + e.getDescription());
        }
      }
      case KIND_NOT_SET -> throw scope.refuse("expected exact, prefix or regex");
    };
  }
}
