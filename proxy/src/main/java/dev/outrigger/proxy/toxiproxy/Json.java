package dev.outrigger.proxy.toxiproxy;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One JSON value at the beginning of a text (RFC 8259), read as Go's {@code encoding/json} reads
 * it: what follows the value is ignored, the names of fields are compared without case, and errors
 * have its words. Values are {@link Map}, {@link List}, {@link String}, {@link BigDecimal}, {@link
 * Boolean} or null.
 */
final class Json {
  private static final int MAX_DEPTH = 100;

  private final String text;
  private int at;
  private int depth;

  private Json(String text) {
    this.text = text;
  }

  static @Nullable Object read(String text) throws ApiError {
    Json json = new Json(text);
    json.skipSpace();
    if (json.at == text.length()) {
      throw ApiError.badBody("EOF");
    }
    return json.value();
  }

  /** As Go writes a string: also what HTML would take for its own is escaped. */
  static String quoted(String value) {
    StringBuilder out = new StringBuilder(value.length() + 2).append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"', '\\' -> out.append('\\').append(c);
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == '\u2028' || c == '\u2029') {
            out.append("\\u").append(String.format("%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return out.append('"').toString();
  }

  private @Nullable Object value() throws ApiError {
    skipSpace();
    char c = peek();
    return switch (c) {
      case '{' -> object();
      case '[' -> array();
      case '"' -> string();
      case 't' -> word("true", true);
      case 'f' -> word("false", false);
      case 'n' -> word("null", null);
      default -> {
        if (c == '-' || isDigit(c)) {
          yield number();
        }
        throw unexpected("looking for beginning of value");
      }
    };
  }

  private Map<String, @Nullable Object> object() throws ApiError {
    enter();
    Map<String, @Nullable Object> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    skipSpace();
    if (peek() == '}') {
      at++;
      depth--;
      return fields;
    }
    while (true) {
      skipSpace();
      if (peek() != '"') {
        throw unexpected("looking for beginning of object key string");
      }
      String name = string();
      skipSpace();
      if (peek() != ':') {
        throw unexpected("after object key");
      }
      at++;
      fields.put(name, value());
      skipSpace();
      char c = peek();
      if (c != ',' && c != '}') {
        throw unexpected("after object key:value pair");
      }
      at++;
      if (c == '}') {
        depth--;
        return fields;
      }
    }
  }

  private List<@Nullable Object> array() throws ApiError {
    enter();
    List<@Nullable Object> values = new ArrayList<>();
    skipSpace();
    if (peek() == ']') {
      at++;
      depth--;
      return values;
    }
    while (true) {
      values.add(value());
      skipSpace();
      char c = peek();
      if (c != ',' && c != ']') {
        throw unexpected("after array element");
      }
      at++;
      if (c == ']') {
        depth--;
        return values;
      }
    }
  }

  private void enter() throws ApiError {
    at++;
    if (++depth > MAX_DEPTH) {
      throw ApiError.badBody("exceeded max depth");
    }
  }

  private String string() throws ApiError {
    at++;
    StringBuilder out = new StringBuilder();
    while (true) {
      char c = peek();
      if (c < 0x20) {
        throw unexpected("in string literal");
      }
      at++;
      if (c == '"') {
        return out.toString();
      }
      out.append(c == '\\' ? escaped() : c);
    }
  }

  private char escaped() throws ApiError {
    char c = peek();
    char meant =
        switch (c) {
          case '"', '\\', '/' -> c;
          case 'b' -> '\b';
          case 'f' -> '\f';
          case 'n' -> '\n';
          case 'r' -> '\r';
          case 't' -> '\t';
          case 'u' -> 'u';
          default -> throw unexpected("in string escape code");
        };
    at++;
    if (c != 'u') {
      return meant;
    }
    int code = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(peek(), 16);
      if (digit < 0) {
        throw unexpected("in \\u hexadecimal character escape");
      }
      at++;
      code = code * 16 + digit;
    }
    return (char) code;
  }

  private @Nullable Object word(String word, @Nullable Object value) throws ApiError {
    for (int i = 0; i < word.length(); i++) {
      if (peek() != word.charAt(i)) {
        throw unexpected("in literal " + word + " (expecting '" + word.charAt(i) + "')");
      }
      at++;
    }
    return value;
  }

  private BigDecimal number() throws ApiError {
    int start = at;
    if (peek() == '-') {
      at++;
    }
    if (peek() == '0') {
      at++;
    } else {
      digits("in numeric literal");
    }
    if (at < text.length() && text.charAt(at) == '.') {
      at++;
      digits("after decimal point in numeric literal");
    }
    if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
      at++;
      if (peek() == '-' || peek() == '+') {
        at++;
      }
      digits("in exponent of numeric literal");
    }
    try {
      return new BigDecimal(text.substring(start, at));
    } catch (NumberFormatException e) {
      throw ApiError.badBody("a number that is out of all bounds");
    }
  }

  private void digits(String where) throws ApiError {
    if (!isDigit(peek())) {
      throw unexpected(where);
    }
    while (at < text.length() && isDigit(text.charAt(at))) {
      at++;
    }
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private void skipSpace() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private char peek() throws ApiError {
    if (at >= text.length()) {
      throw ApiError.badBody("unexpected EOF");
    }
    return text.charAt(at);
  }

  private ApiError unexpected(String where) throws ApiError {
    char c = peek();
    String shown = c == '\'' ? "'\\''" : c == '"' ? "'\"'" : "'" + c + "'";
    if (c < 0x20) {
      shown =
          switch (c) {
            case '\n' -> "'\\n'";
            case '\t' -> "'\\t'";
            case '\r' -> "'\\r'";
            default -> "'\\x%02x'".formatted((int) c);
          };
    }
    return ApiError.badBody("invalid character " + shown + " " + where);
  }
}
