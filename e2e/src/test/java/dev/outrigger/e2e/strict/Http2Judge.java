package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Vector.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is wrong with a message by RFC 9113, section 8. */
final class Http2Judge {
  private static final Pattern NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9a-z-]+");
  private static final Pattern VALUE = Pattern.compile("([^\\x00-\\x08\\x0a-\\x1f\\x7f])*");
  private static final Set<String> OF_CONNECTIONS =
      Set.of("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade");

  private Http2Judge() {}

  static List<String> all(List<Field> fields, String name) {
    List<String> values = new ArrayList<>();
    for (Field field : fields) {
      if (field.name().equals(name)) {
        values.add(field.value());
      }
    }
    return values;
  }

  static @Nullable String requestFault(List<Field> fields) {
    String fault = fieldFault(fields, Set.of(":method", ":path", ":scheme", ":authority"));
    if (fault != null) {
      return fault;
    }
    for (String name : List.of(":method", ":path", ":scheme")) {
      if (all(fields, name).size() != 1) {
        return name + " is there " + all(fields, name).size() + " times";
      }
    }
    String path = all(fields, ":path").getFirst();
    if (!path.matches("/[\\x21-\\x7e]*|\\*") || path.contains("#")) {
      return ":path " + path;
    }
    List<String> hosts = all(fields, "host");
    List<String> authorities = all(fields, ":authority");
    if (hosts.size() > 1 || authorities.size() > 1 || hosts.size() + authorities.size() == 0) {
      return "hosts " + hosts + " " + authorities;
    }
    return hosts.isEmpty() || authorities.isEmpty() || hosts.equals(authorities)
        ? null
        : "host differs";
  }

  static @Nullable String answerFault(List<Field> fields) {
    String fault = fieldFault(fields, Set.of(":status"));
    if (fault != null) {
      return fault;
    }
    List<String> status = all(fields, ":status");
    return status.size() == 1 && status.getFirst().matches("[1-9][0-9][0-9]") ? null : "status";
  }

  static @Nullable String trailerFault(List<Field> fields) {
    return fieldFault(fields, Set.of());
  }

  private static @Nullable String fieldFault(List<Field> fields, Set<String> pseudo) {
    for (Field field : fields) {
      String name = field.name();
      boolean known = name.startsWith(":") ? pseudo.contains(name) : NAME.matcher(name).matches();
      if (!known || OF_CONNECTIONS.contains(name)) {
        return "the name " + name;
      }
      String value = field.value();
      if (!VALUE.matcher(value).matches() || !value.equals(value.strip())) {
        return "the value of " + name;
      }
      if (name.equals("te") && !value.equals("trailers")) {
        return "te";
      }
    }
    List<String> lengths = all(fields, "content-length");
    return lengths.size() > 1 || !lengths.stream().allMatch(one -> one.matches("[0-9]{1,18}"))
        ? "content-length " + lengths
        : null;
  }

  /** Whether a body is as long as its head says. */
  static boolean isLong(List<Field> head, int length) {
    List<String> lengths = all(head, "content-length");
    return lengths.isEmpty() || Long.parseLong(lengths.getFirst()) == length;
  }
}
