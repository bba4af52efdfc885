package dev.outrigger.proxy.config;

import dev.outrigger.proxy.config.LogFormat.Piece;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads text with operators such as {@code %REQ(:METHOD)%}, as Envoy writes them. Pure. */
public final class LogFormatParser {
  /** More text, or more pieces, is nobody's format. */
  private static final int MAX_TEXT = 16 * 1024;

  private static final Pattern HEADER = Pattern.compile(":?[!#$&'*+.^_`|~0-9A-Za-z-]+");
  private static final Pattern END = Pattern.compile("\\)(:[0-9]{1,6})?%");
  private static final Set<String> GRPC_NAMES = Set.of("CAMEL_STRING", "SNAKE_STRING", "NUMBER");

  /** Of Envoy, and not made here. */
  private static final Set<String> NOT_MADE =
      Set.of(
          "CEL",
          "COMMON_DURATION",
          "CONNECTION_ID",
          "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID",
          "DOWNSTREAM_LOCAL_SUBJECT",
          "DOWNSTREAM_LOCAL_URI_SAN",
          "DOWNSTREAM_PEER_CERT",
          "DOWNSTREAM_PEER_FINGERPRINT_256",
          "DOWNSTREAM_PEER_ISSUER",
          "DOWNSTREAM_PEER_SERIAL",
          "DOWNSTREAM_PEER_SUBJECT",
          "DOWNSTREAM_TLS_CIPHER",
          "DOWNSTREAM_TLS_SESSION_ID",
          "DOWNSTREAM_TLS_VERSION",
          "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
          "DYNAMIC_METADATA",
          "EMIT_TIME",
          "ENVIRONMENT",
          "FILTER_CHAIN_NAME",
          "FILTER_STATE",
          "HOSTNAME",
          "METADATA",
          "REQUEST_HEADERS_BYTES",
          "REQUEST_TX_DURATION",
          "RESPONSE_HEADERS_BYTES",
          "RESPONSE_TRAILERS_BYTES",
          "SPAN_ID",
          "UPSTREAM_METADATA",
          "UPSTREAM_PEER_SUBJECT",
          "UPSTREAM_PEER_URI_SAN",
          "UPSTREAM_PROTOCOL",
          "UPSTREAM_TLS_CIPHER",
          "UPSTREAM_TLS_VERSION",
          "UPSTREAM_WIRE_BYTES_RECEIVED",
          "UPSTREAM_WIRE_BYTES_SENT",
          "VIRTUAL_CLUSTER_NAME");

  private final String text;
  private final List<Piece> pieces = new ArrayList<>();
  private final StringBuilder literal = new StringBuilder();
  private int at;

  private LogFormatParser(String text) {
    this.text = text;
  }

  /**
   * The pieces of a text.
   *
   * @throws LogFormatException naming the position of what is wrong, and what may have been meant
   */
  public static List<Piece> parse(String text) throws LogFormatException {
    if (text.length() > MAX_TEXT) {
      throw new LogFormatException(MAX_TEXT, "longer than " + MAX_TEXT + " characters");
    }
    return new LogFormatParser(text).parse();
  }

  private List<Piece> parse() throws LogFormatException {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c != '%') {
        literal.append(c);
        at++;
      } else if (text.startsWith("%%", at)) {
        literal.append('%');
        at += 2;
      } else {
        endLiteral();
        pieces.add(operator());
      }
    }
    endLiteral();
    return List.copyOf(pieces);
  }

  private void endLiteral() {
    if (!literal.isEmpty()) {
      pieces.add(new Piece.Literal(literal.toString()));
      literal.setLength(0);
    }
  }

  private Piece operator() throws LogFormatException {
    int start = at;
    int end = start + 1;
    while (end < text.length() && isNamePart(text.charAt(end))) {
      end++;
    }
    String name = text.substring(start + 1, end);
    if (name.isEmpty()) {
      throw wrong(start, "a % that begins no operator; %% writes a percent sign");
    }
    LogOperator operator = known(name, start);
    String argument = "";
    int argumentAt = end;
    int maxLength = 0;
    boolean bracket = end < text.length() && text.charAt(end) == '(';
    if (bracket) {
      var closing = END.matcher(text);
      if (!closing.find(end)) {
        throw wrong(end, "the bracket of %" + name + "( is not closed by )%");
      }
      argumentAt = end + 1;
      argument = text.substring(argumentAt, closing.start());
      maxLength = maxLength(closing.group(1));
      at = closing.end();
    } else {
      int percent = text.indexOf('%', end);
      if (percent < 0 || !text.substring(end, percent).matches("(:[0-9]{1,6})?")) {
        throw wrong(end, "expected % at the end of %" + name);
      }
      maxLength = maxLength(end == percent ? null : text.substring(end, percent));
      at = percent + 1;
    }
    return value(operator, argument, argumentAt, bracket, maxLength);
  }

  private Piece value(
      LogOperator operator, String argument, int argumentAt, boolean bracket, int maxLength)
      throws LogFormatException {
    return switch (operator.argument()) {
      case NONE -> {
        if (bracket && !argument.isEmpty()) {
          throw wrong(argumentAt, "%" + operator + "% takes nothing in brackets");
        }
        yield new Piece.Value(operator, "", "", maxLength);
      }
      case HEADER -> {
        String[] names = argument.split("\\?", -1);
        if (!bracket || argument.isEmpty() || names.length > 2) {
          throw wrong(
              argumentAt,
              "%" + operator + "% needs a header's name, as in %" + operator + "(X-NAME?OTHER)%");
        }
        for (String name : names) {
          if (!HEADER.matcher(name).matches()) {
            throw wrong(argumentAt, "'" + name + "' is no header name");
          }
        }
        yield new Piece.Value(
            operator,
            names[0].toLowerCase(Locale.ROOT),
            names.length == 2 ? names[1].toLowerCase(Locale.ROOT) : "",
            maxLength);
      }
      case TIME -> {
        int odd = TimePattern.firstWrong(argument);
        if (odd >= 0) {
          throw wrong(
              argumentAt + odd,
              "'"
                  + argument.substring(odd, Math.min(argument.length(), odd + 2))
                  + "' is no part of a time; known: "
                  + TimePattern.KNOWN);
        }
        yield new Piece.Value(operator, argument, "", maxLength);
      }
      case GRPC_NAME -> {
        if (!argument.isEmpty() && !GRPC_NAMES.contains(argument)) {
          throw wrong(
              argumentAt,
              "'"
                  + argument
                  + "' is no way to write a gRPC status; known: CAMEL_STRING, SNAKE_STRING, NUMBER");
        }
        yield new Piece.Value(operator, argument, "", maxLength);
      }
    };
  }

  private static int maxLength(@Nullable String suffix) {
    return suffix == null || suffix.isEmpty() ? 0 : Integer.parseInt(suffix.substring(1));
  }

  private static LogOperator known(String name, int start) throws LogFormatException {
    for (LogOperator operator : LogOperator.values()) {
      if (operator.name().equals(name)) {
        return operator;
      }
    }
    if (NOT_MADE.contains(name)) {
      throw wrong(start, "%" + name + "% is known to Envoy and not supported here");
    }
    List<String> names = Arrays.stream(LogOperator.values()).map(LogOperator::name).toList();
    String nearest = NearestName.of(name, names);
    throw wrong(
        start,
        "there is no operator %"
            + name
            + "%"
            + (nearest == null ? "" : ", did you mean %" + nearest + "%?"));
  }

  private static boolean isNamePart(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  }

  private static LogFormatException wrong(int index, String reason) {
    return new LogFormatException(index + 1, reason);
  }
}
