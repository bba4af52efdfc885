package dev.outrigger.proxy.extension;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a decoder is given beside the message. */
public interface DecodeContext {

  /**
   * Tells of a field that is set and that this proxy does not support: a refusal, unless the user
   * asked to go on with a warning, in which case it is listed and this returns.
   *
   * @param field the field's path inside the resource, such as {@code
   *     filter_chains[0].transport_socket_connect_timeout}
   * @param hint what to do instead; may be empty
   * @throws InvalidResourceException unless unsupported fields are only warned about
   */
  void unsupported(String field, String hint) throws InvalidResourceException;

  /**
   * Tells of several such fields, so that a refusal names them all.
   *
   * @param fields in the order in which they stand in the resource
   * @throws InvalidResourceException unless unsupported fields are only warned about
   */
  default void unsupported(List<UnsupportedField> fields) throws InvalidResourceException {
    @Nullable InvalidResourceException first = null;
    StringBuilder others = new StringBuilder();
    for (UnsupportedField field : fields) {
      try {
        unsupported(field.path(), field.hint());
      } catch (InvalidResourceException e) {
        if (first == null) {
          first = e;
        } else {
          others.append(others.isEmpty() ? "; nor are: " : ", ").append(field.path());
        }
      }
    }
    if (first != null) {
      throw others.isEmpty()
          ? first
          : new InvalidResourceException(
              first.typeUrl(), first.name(), first.field(), first.reason() + others);
    }
  }

  /** Refuses every unsupported field of the given resource. */
  static DecodeContext strict(String typeUrl, String name) {
    return (field, hint) -> {
      throw new InvalidResourceException(
          typeUrl, name, field, hint.isEmpty() ? "not supported" : "not supported: " + hint);
    };
  }
}
