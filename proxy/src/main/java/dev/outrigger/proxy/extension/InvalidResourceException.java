package dev.outrigger.proxy.extension;

/** A resource that this proxy refuses. The message tells the field and the reason in one line. */
public final class InvalidResourceException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String typeUrl;
  private final String name;
  private final String field;
  private final String reason;

  /**
   * @param typeUrl the resource's type
   * @param name the resource's name; empty if it has none
   * @param field path of the field inside the resource; empty for the resource as a whole
   * @param reason what is wrong and what was expected
   */
  public InvalidResourceException(String typeUrl, String name, String field, String reason) {
    super(
        typeUrl.substring(typeUrl.lastIndexOf('.') + 1)
            + " '"
            + name
            + "': "
            + (field.isEmpty() ? "" : field + ": ")
            + reason);
    this.typeUrl = typeUrl;
    this.name = name;
    this.field = field;
    this.reason = reason;
  }

  public String typeUrl() {
    return typeUrl;
  }

  public String name() {
    return name;
  }

  public String field() {
    return field;
  }

  public String reason() {
    return reason;
  }
}
