package dev.outrigger.controlplane.source;

import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something wrong in what people wrote.
 *
 * @param code stable, such as OR1003; {@code outrigger explain} describes it
 * @param file as it was named to us
 * @param line from 1; 0 where the whole file is meant
 * @param column from 1; 0 where the whole line is meant
 * @param object such as {@code HTTPRoute shop/catalog}, or empty where it is not known
 * @param message what is wrong, with what was expected
 * @param hint what to do, or empty
 * @param sourceLine the line as written, for the caret; null where it is not known
 */
public record Problem(
    Code code,
    String file,
    int line,
    int column,
    String object,
    String message,
    String hint,
    @Nullable String sourceLine)
    implements Comparable<Problem> {
  private static final Comparator<Problem> ORDER =
      Comparator.comparing(Problem::file)
          .thenComparingInt(Problem::line)
          .thenComparingInt(Problem::column)
          .thenComparing(Problem::code)
          .thenComparing(Problem::message);

  /** Whether the document counts. */
  public enum Severity {
    /** The document is refused; its last good version goes on. */
    ERROR,
    /** The document counts, but not as its author may think. */
    WARNING
  }

  /** What kind of problem. */
  public enum Code {
    /** The file cannot be read. */
    UNREADABLE("OR1001", Severity.ERROR),
    /** Not YAML, or YAML beyond our limits. */
    SYNTAX("OR1002", Severity.ERROR),
    UNKNOWN_FIELD("OR1003", Severity.ERROR),
    MISSING_FIELD("OR1004", Severity.ERROR),
    WRONG_TYPE("OR1005", Severity.ERROR),
    BAD_VALUE("OR1006", Severity.ERROR),
    DUPLICATE_FIELD("OR1007", Severity.ERROR),
    UNKNOWN_KIND("OR1008", Severity.ERROR),
    DUPLICATE_OBJECT("OR1009", Severity.ERROR),
    /** Fields that cannot stand together, or one of several that must. */
    CONFLICT("OR1010", Severity.ERROR),
    LIMIT("OR1011", Severity.ERROR),
    /** Right, but not built yet. */
    UNSUPPORTED("OR1012", Severity.ERROR),
    /** Names something that does not exist. */
    DANGLING_REFERENCE("OR1101", Severity.WARNING),
    /** Another object of the same right says something else, and wins. */
    OVERRULED("OR1102", Severity.WARNING),
    /** Another namespace's, which has not allowed it (Gateway API: {@code ReferenceGrant}). */
    NOT_GRANTED("OR1103", Severity.WARNING),
    /** Routes of another kind, or older ones, have all that the route is about. */
    ROUTE_CONFLICT("OR1104", Severity.WARNING),
    /** A backend of a kind that is no service. */
    INVALID_KIND("OR1105", Severity.WARNING),
    /** A rule of a route in a cluster is bad; the others count. */
    DROPPED_RULE("OR1106", Severity.WARNING);

    private final String id;
    private final Severity severity;

    Code(String id, Severity severity) {
      this.id = id;
      this.severity = severity;
    }

    public String id() {
      return id;
    }

    public Severity severity() {
      return severity;
    }
  }

  public Severity severity() {
    return code.severity();
  }

  @Override
  public int compareTo(Problem other) {
    return ORDER.compare(this, other);
  }

  /** Several lines for people: what, where, the line with a caret, and what to do. */
  public String render() {
    StringBuilder text = new StringBuilder();
    text.append(severity() == Severity.ERROR ? "error" : "warning");
    text.append('[').append(code.id()).append("]: ").append(message);
    if (!object.isEmpty()) {
      text.append(" (").append(object).append(')');
    }
    text.append("\n  --> ").append(file);
    if (line > 0) {
      text.append(':').append(line);
      if (column > 0) {
        text.append(':').append(column);
      }
    }
    text.append('\n');
    if (sourceLine != null && line > 0) {
      String number = Integer.toString(line);
      String margin = " ".repeat(number.length()) + " |";
      text.append(margin).append('\n');
      text.append(number).append(" | ").append(sourceLine.replace('\t', ' ')).append('\n');
      if (column > 0) {
        text.append(margin).append(' ').append(" ".repeat(column - 1)).append("^\n");
      }
    }
    if (!hint.isEmpty()) {
      text.append("  = help: ").append(hint).append('\n');
    }
    text.append("  = see: outrigger explain ").append(code.id()).append('\n');
    return text.toString();
  }

  /** One JSON object for programs. */
  public String toJson() {
    return "{\"code\":"
        + quoted(code.id())
        + ",\"severity\":"
        + quoted(severity() == Severity.ERROR ? "error" : "warning")
        + ",\"file\":"
        + quoted(file)
        + ",\"line\":"
        + line
        + ",\"column\":"
        + column
        + ",\"object\":"
        + quoted(object)
        + ",\"message\":"
        + quoted(message)
        + ",\"hint\":"
        + quoted(hint)
        + "}";
  }

  /** A JSON array of problems. */
  public static String toJson(List<Problem> problems) {
    return problems.stream()
        .map(Problem::toJson)
        .collect(java.util.stream.Collectors.joining(",", "[", "]"));
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20 || Character.isSurrogate(c)) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"').toString();
  }
}
