package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.HeaderTemplate;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.message.HeaderName;
import java.util.List;

/**
 * The changes of one level to the headers of one message, ready to be applied: removals, then
 * values, of which those that overwrite come before those that add (as Envoy does it). Immutable.
 */
public final class CompiledChanges {
  private static final List<HeaderName> FRAMING =
      List.of(
          HeaderName.CONTENT_LENGTH,
          HeaderName.TRANSFER_ENCODING,
          HeaderName.CONNECTION,
          HeaderName.HOST);

  /** One value. */
  public record Value(HeaderName name, HeaderTemplate template, Append append, boolean keepEmpty) {}

  private final HeaderName[] removed;
  private final Value[] values;

  private CompiledChanges(HeaderName[] removed, Value[] values) {
    this.removed = removed;
    this.values = values;
  }

  /** What is about framing is left out. */
  static CompiledChanges of(List<String> remove, List<HeaderValue> add) {
    return new CompiledChanges(
        remove.stream()
            .map(HeaderName::of)
            .filter(name -> !FRAMING.contains(name))
            .toArray(HeaderName[]::new),
        add.stream()
            .map(
                value ->
                    new Value(
                        HeaderName.of(value.name()),
                        value.value(),
                        value.append(),
                        value.keepEmpty()))
            .filter(value -> !FRAMING.contains(value.name()))
            .toArray(Value[]::new));
  }

  boolean isEmpty() {
    return removed.length == 0 && values.length == 0;
  }

  public int removals() {
    return removed.length;
  }

  public HeaderName removal(int index) {
    return removed[index];
  }

  public int values() {
    return values.length;
  }

  public Value value(int index) {
    return values[index];
  }
}
