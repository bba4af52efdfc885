package dev.outrigger.proxy.admin;

import dev.outrigger.tls.WorkloadIdentity;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.security.Key;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Values and records as JSON for people. A record becomes an object of its components; where it is
 * one of several kinds, {@code kind} says which. Private keys are never shown.
 */
final class JsonText {
  private static final int MAX_DEPTH = 40;

  private final StringBuilder out = new StringBuilder(4096);
  private int depth;

  private JsonText() {}

  static String of(Object value) {
    JsonText text = new JsonText();
    text.write(value);
    return text.out.append('\n').toString();
  }

  private void write(@Nullable Object value) {
    if (depth > MAX_DEPTH) {
      string("...");
      return;
    }
    switch (value) {
      case null -> out.append("null");
      case String text -> string(text);
      case Double number ->
          out.append(Double.isFinite(number) ? number.toString() : "\"" + number + "\"");
      case Number number -> out.append(number);
      case Boolean truth -> out.append(truth.booleanValue());
      case Enum<?> constant -> string(constant.name());
      case Duration duration -> string(duration.toString());
      case Optional<?> maybe -> write(maybe.orElse(null));
      case OptionalInt maybe -> write(maybe.isPresent() ? maybe.getAsInt() : null);
      case OptionalLong maybe -> write(maybe.isPresent() ? maybe.getAsLong() : null);
      case Key _ -> string("[redacted]");
      case X509Certificate certificate -> certificate(certificate);
      case WorkloadIdentity identity -> identity(identity);
      case Map<?, ?> map -> map(map);
      case Collection<?> many -> list(many);
      case Record record -> record(record);
      case Object other -> string(other.toString());
    }
  }

  private void identity(WorkloadIdentity identity) {
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("chain", identity.chain());
    shown.put("key", "[redacted]");
    map(shown);
  }

  private void certificate(X509Certificate certificate) {
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("subject", certificate.getSubjectX500Principal().getName());
    shown.put("serial", certificate.getSerialNumber().toString(16));
    shown.put("notBefore", certificate.getNotBefore().toInstant().toString());
    shown.put("notAfter", certificate.getNotAfter().toInstant().toString());
    map(shown);
  }

  private void record(Record record) {
    Map<String, @Nullable Object> shown = new LinkedHashMap<>();
    for (Class<?> kind : record.getClass().getInterfaces()) {
      if (kind.isSealed()) {
        shown.put("kind", record.getClass().getSimpleName());
        break;
      }
    }
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      shown.put(component.getName(), valueOf(component.getAccessor(), record));
    }
    map(shown);
  }

  private static @Nullable Object valueOf(Method accessor, Record record) {
    try {
      return accessor.trySetAccessible() ? accessor.invoke(record) : "[not accessible]";
    } catch (IllegalAccessException | InvocationTargetException e) {
      return "[not readable: " + e.getMessage() + "]";
    }
  }

  private void map(Map<?, ? extends @Nullable Object> map) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    out.append('{');
    depth++;
    String separator = "";
    for (Map.Entry<?, ? extends @Nullable Object> entry : map.entrySet()) {
      out.append(separator);
      line();
      string(String.valueOf(entry.getKey()));
      out.append(": ");
      write(entry.getValue());
      separator = ",";
    }
    depth--;
    line();
    out.append('}');
  }

  private void list(Collection<?> many) {
    if (many.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    depth++;
    String separator = "";
    for (Object one : many) {
      out.append(separator);
      line();
      write(one);
      separator = ",";
    }
    depth--;
    line();
    out.append(']');
  }

  private void line() {
    out.append('\n').repeat("  ", depth);
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> out.append('\\').append(c);
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20) {
            out.append("\\u00").append(Character.forDigit(c >> 4, 16));
            out.append(Character.forDigit(c & 15, 16));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
