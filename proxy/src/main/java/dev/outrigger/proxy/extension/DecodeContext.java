package dev.outrigger.proxy.extension;

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

  /** Refuses every unsupported field of the given resource. */
  static DecodeContext strict(String typeUrl, String name) {
    return (field, hint) -> {
      throw new InvalidResourceException(
          typeUrl, name, field, hint.isEmpty() ? "not supported" : "not supported: " + hint);
    };
  }
}
