package dev.outrigger.proxy.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The value of a header that configuration puts on a message: text with variables in it (Envoy's
 * command operators, such as {@code %DOWNSTREAM_REMOTE_ADDRESS%} and {@code %REQ(user-agent)%}).
 *
 * @param parts in their order; no two texts beside each other
 */
public record HeaderTemplate(List<Part> parts) {
  private static final Pattern OPERATOR =
      Pattern.compile("%([A-Z][A-Z0-9_]*)(?:\\(([^()]*)\\))?(?::([0-9]{1,5}))?%");
  private static final String RFC_3339 = "%Y-%m-%dT%H:%M:%S.%3fZ";
  private static final Pattern NAME = Pattern.compile(":?[!#$&'*+.^_`|~0-9A-Za-z-]+");

  public HeaderTemplate {
    parts = List.copyOf(parts);
  }

  /** A piece of a value. */
  public sealed interface Part {
    record Text(String text) implements Part {}

    /** Something that is known of the exchange. */
    record Known(Variable variable) implements Part {}

    /**
     * A header of the request ({@code %REQ(name?other):max%}).
     *
     * @param name in lower case; {@code :method}, {@code :path}, {@code :authority} and {@code
     *     :scheme} are the parts of the head
     * @param other taken where the first is not there; null is none
     * @param maxLength in characters
     */
    record RequestHeader(String name, @Nullable String other, int maxLength) implements Part {}

    /** The same of the answer ({@code %RESP(name?other):max%}). */
    record ResponseHeader(String name, @Nullable String other, int maxLength) implements Part {}

    /** When the request began ({@code %START_TIME(%Y-%m-%d)%}), in UTC. */
    record StartTime(TimePattern pattern) implements Part {}

    /** A parameter of the query, as it was sent ({@code %QUERY_PARAM(name):max%}). */
    record QueryParameter(String name, int maxLength) implements Part {}
  }

  /** What stands between percent signs, by the name that it has there. */
  public enum Variable {
    /** The client: as {@code x-forwarded-for} says where that is trusted, else the peer. */
    DOWNSTREAM_REMOTE_ADDRESS,
    DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT,
    DOWNSTREAM_REMOTE_PORT,
    /** The peer of the connection. */
    DOWNSTREAM_DIRECT_REMOTE_ADDRESS,
    DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT,
    DOWNSTREAM_DIRECT_REMOTE_PORT,
    /** The address that the client had in mind. */
    DOWNSTREAM_LOCAL_ADDRESS,
    DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT,
    DOWNSTREAM_LOCAL_PORT,
    /** The address that the connection came to, which capture rules may have changed. */
    DOWNSTREAM_DIRECT_LOCAL_ADDRESS,
    DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT,
    DOWNSTREAM_DIRECT_LOCAL_PORT,
    DOWNSTREAM_PEER_URI_SAN,
    DOWNSTREAM_PEER_DNS_SAN,
    DOWNSTREAM_PEER_SUBJECT,
    DOWNSTREAM_PEER_FINGERPRINT_256,
    REQUESTED_SERVER_NAME,
    PROTOCOL,
    ROUTE_NAME,
    STREAM_ID,
    TRACE_ID,
    UPSTREAM_CLUSTER,
    UPSTREAM_CLUSTER_RAW,
    /** The endpoint that answered; nothing before one has. */
    UPSTREAM_HOST,
    UPSTREAM_REMOTE_ADDRESS,
    UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT,
    UPSTREAM_REMOTE_PORT,
    /** How many attempts there were so far. */
    UPSTREAM_REQUEST_ATTEMPT_COUNT,
    RESPONSE_CODE
  }

  /** A value without variables. */
  public static HeaderTemplate literal(String text) {
    return new HeaderTemplate(text.isEmpty() ? List.of() : List.of(new Part.Text(text)));
  }

  /**
   * Reads a value; a percent sign that means itself is doubled.
   *
   * @throws IllegalArgumentException with the reason
   */
  public static HeaderTemplate parse(String text) {
    List<Part> parts = new ArrayList<>();
    StringBuilder plain = new StringBuilder();
    int at = 0;
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c != '%') {
        plain.append(c);
        at++;
      } else if (text.startsWith("%%", at)) {
        plain.append('%');
        at += 2;
      } else {
        Matcher operator = OPERATOR.matcher(text).region(at, text.length());
        if (!operator.lookingAt()) {
          throw new IllegalArgumentException(
              "'"
                  + text
                  + "' holds a percent sign that begins no variable such as %PROTOCOL% or"
                  + " %REQ(name)%; write %% for %");
        }
        if (!plain.isEmpty()) {
          parts.add(new Part.Text(plain.toString()));
          plain.setLength(0);
        }
        parts.add(variable(operator));
        at = operator.end();
      }
    }
    if (!plain.isEmpty()) {
      parts.add(new Part.Text(plain.toString()));
    }
    return new HeaderTemplate(parts);
  }

  private static Part variable(Matcher operator) {
    String word = operator.group(1);
    @Nullable String argument = operator.group(2);
    @Nullable String length = operator.group(3);
    int max = length == null ? Integer.MAX_VALUE : Integer.parseInt(length);
    if (word.equals("REQ") || word.equals("RESP")) {
      String[] names = (argument == null ? "" : argument).split("\\?", 2);
      String name = headerName(names[0], operator.group());
      @Nullable String other =
          names.length < 2 || names[1].isEmpty() ? null : headerName(names[1], operator.group());
      return word.equals("REQ")
          ? new Part.RequestHeader(name, other, max)
          : new Part.ResponseHeader(name, other, max);
    }
    if (word.equals("START_TIME") && length == null) {
      String pattern = argument == null || argument.isEmpty() ? RFC_3339 : argument;
      if (TimePattern.firstWrong(pattern) >= 0) {
        throw new IllegalArgumentException(
            "'" + operator.group() + "' holds no time; known: " + TimePattern.KNOWN);
      }
      return new Part.StartTime(TimePattern.of(pattern));
    }
    if (word.equals("QUERY_PARAM") && argument != null && !argument.isEmpty()) {
      return new Part.QueryParameter(argument, max);
    }
    if (argument != null || length != null) {
      throw new IllegalArgumentException("'" + operator.group() + "' takes no argument here");
    }
    for (Variable variable : Variable.values()) {
      if (variable.name().equals(word)) {
        return new Part.Known(variable);
      }
    }
    throw new IllegalArgumentException(
        "the variable %" + word + "% is not supported; " + nearest(word));
  }

  private static String headerName(String name, String operator) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("'" + operator + "' names no header");
    }
    return name.toLowerCase(Locale.ROOT);
  }

  private static String nearest(String word) {
    String best = "REQ";
    int most = -1;
    for (Variable variable : Variable.values()) {
      int common = 0;
      String name = variable.name();
      while (common < Math.min(name.length(), word.length())
          && name.charAt(common) == word.charAt(common)) {
        common++;
      }
      if (common > most) {
        most = common;
        best = name;
      }
    }
    return most > 2 ? "did you mean %" + best + "%?" : "known are REQ, RESP, PROTOCOL and others";
  }

  /** Whether every message gets the same. */
  public boolean isLiteral() {
    return parts.isEmpty() || (parts.size() == 1 && parts.getFirst() instanceof Part.Text);
  }

  /**
   * The text of a value without variables.
   *
   * @throws IllegalStateException if there are some
   */
  public String text() {
    if (!isLiteral()) {
      throw new IllegalStateException("the value depends on the exchange");
    }
    return !parts.isEmpty() && parts.getFirst() instanceof Part.Text(String text) ? text : "";
  }
}
