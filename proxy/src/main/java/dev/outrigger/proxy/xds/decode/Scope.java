package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UInt32Value;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.UnsupportedField;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A place inside a resource: knows its path, refuses in its name, and checks the values that stand
 * there. Immutable.
 */
final class Scope {
  /** Beyond it nanoseconds no longer fit a long with room to add to. */
  private static final long MAX_SECONDS = Duration.ofDays(100 * 365).toSeconds();

  private final String typeUrl;
  private final String resource;
  private final DecodeContext context;
  private final @Nullable Scope parent;
  private final String step;

  private Scope(
      String typeUrl, String resource, DecodeContext context, @Nullable Scope parent, String step) {
    this.typeUrl = typeUrl;
    this.resource = resource;
    this.context = context;
    this.parent = parent;
    this.step = step;
  }

  /** The resource as a whole. */
  static Scope of(String typeUrl, String resource, DecodeContext context) {
    return new Scope(typeUrl, resource, context, null, "");
  }

  /** A field of the message here. */
  Scope in(String field) {
    return child(field);
  }

  /** An item of a repeated field of the message here. */
  Scope in(String field, int index) {
    return child(field + "[" + index + "]");
  }

  /** An entry of a map field of the message here. */
  Scope in(String field, String key) {
    return child(field + "[" + key + "]");
  }

  private Scope child(String next) {
    return new Scope(typeUrl, resource, context, this, next);
  }

  /** Such as {@code filter_chains[0].filters[0]}; empty for the resource as a whole. */
  String path() {
    if (parent == null) {
      return step;
    }
    String before = parent.path();
    return before.isEmpty() ? step : before + "." + step;
  }

  /** What to throw for a value that is wrong here. */
  InvalidResourceException refuse(String reason) {
    return new InvalidResourceException(typeUrl, resource, path(), reason);
  }

  /** The field here is set and not supported; returns if the user asked to go on with a warning. */
  void unsupported(String hint) throws InvalidResourceException {
    context.unsupported(path(), hint);
  }

  void unsupported(List<UnsupportedField> fields) throws InvalidResourceException {
    context.unsupported(fields);
  }

  /** The message packed here, which must be of the given kind. */
  <T extends Message> T unpack(Any any, Class<T> kind) throws InvalidResourceException {
    try {
      return any.unpack(kind);
    } catch (InvalidProtocolBufferException e) {
      throw refuse("holds bytes that are no " + kind.getSimpleName());
    }
  }

  String required(String text) throws InvalidResourceException {
    if (text.isEmpty()) {
      throw refuse("is required and must not be empty");
    }
    return text;
  }

  /** A duration that is not negative. */
  Duration duration(com.google.protobuf.Duration value) throws InvalidResourceException {
    long seconds = value.getSeconds();
    int nanos = value.getNanos();
    if (seconds < 0 || nanos < 0) {
      throw refuse("must not be negative");
    }
    if (seconds > MAX_SECONDS || nanos > 999_999_999) {
      throw refuse("is not a duration of at most a hundred years");
    }
    return Duration.ofSeconds(seconds, nanos);
  }

  Duration positive(com.google.protobuf.Duration value) throws InvalidResourceException {
    Duration duration = duration(value);
    if (duration.isZero()) {
      throw refuse("must be more than zero");
    }
    return duration;
  }

  /** An unsigned number between the bounds, both included. */
  int number(int unsigned, int min, int max) throws InvalidResourceException {
    long value = Integer.toUnsignedLong(unsigned);
    if (value < min || value > max) {
      throw refuse("is " + value + ", expected " + min + " to " + max);
    }
    return (int) value;
  }

  int number(UInt32Value value, int min, int max) throws InvalidResourceException {
    return number(value.getValue(), min, max);
  }

  /** An unsigned number of at least the bound; what does not fit an int means "no bound". */
  int atLeast(UInt32Value value, int min) throws InvalidResourceException {
    long number = Integer.toUnsignedLong(value.getValue());
    if (number < min) {
      throw refuse("is " + number + ", expected at least " + min);
    }
    return (int) Math.min(number, Integer.MAX_VALUE);
  }
}
