package dev.outrigger.controlplane.schema;

import java.util.List;

/**
 * What a value may be. As strict as a Kubernetes structural schema can say it; the decoders check
 * the rest, such as references from one field to another.
 */
public sealed interface Schema {
  /** No text is longer, as in the decoders. */
  int MAX_TEXT = 4096;

  int MAX_NAME = 63;

  /**
   * Text.
   *
   * @param words if there are any, one of these
   * @param maxLength in characters
   * @param rules on {@code self}
   */
  record Text(List<String> words, int maxLength, List<Rule> rules) implements Schema {
    public Text {
      words = List.copyOf(words);
      rules = List.copyOf(rules);
    }

    Text withoutRules() {
      return new Text(words, maxLength, List.of());
    }
  }

  /** A whole number, both bounds included. */
  record Whole(long min, long max) implements Schema {}

  /** Any number. */
  record Decimal() implements Schema {}

  record Flag() implements Schema {}

  /** A whole number or text, such as an amount of bytes with or without a unit. */
  record WholeOrText(List<Rule> rules) implements Schema {
    public WholeOrText {
      rules = List.copyOf(rules);
    }
  }

  record ListOf(Schema element, int min, int max) implements Schema {}

  /** Keys are any text; they are no fields. */
  record MapOf(Schema value, int max, List<Rule> rules) implements Schema {
    public MapOf {
      rules = List.copyOf(rules);
    }
  }

  /** A mapping of known fields. */
  record Mapping(List<Field> fields, List<Rule> rules) implements Schema {
    public Mapping {
      fields = List.copyOf(fields);
      rules = List.copyOf(rules);
    }

    /** The same without rules of its own and of the texts that are its fields. */
    Mapping withoutRules() {
      return new Mapping(
          fields.stream()
              .map(
                  field ->
                      field.schema() instanceof Text text
                          ? new Field(
                              field.name(),
                              field.required(),
                              field.description(),
                              text.withoutRules())
                          : field)
              .toList(),
          List.of());
    }
  }

  /** A mapping that is too deep to be told: the control plane checks it. */
  record Deeper() implements Schema {}

  /**
   * A field of a mapping.
   *
   * @param description one or two sentences, with unit and default
   */
  record Field(String name, boolean required, String description, Schema schema) {}

  /**
   * What must hold.
   *
   * @param cel over {@code self}
   * @param message for whom it refuses
   */
  record Rule(String cel, String message) {}

  // ---- how the tables are written

  static Field must(String name, String description, Schema schema) {
    return new Field(name, true, description, schema);
  }

  static Field may(String name, String description, Schema schema) {
    return new Field(name, false, description, schema);
  }

  static Mapping mapping(Field... fields) {
    return new Mapping(List.of(fields), List.of());
  }

  static Mapping mapping(List<Rule> rules, Field... fields) {
    return new Mapping(List.of(fields), rules);
  }

  static Rule rule(String cel, String message) {
    return new Rule(cel, message);
  }

  static Text text() {
    return new Text(List.of(), MAX_TEXT, List.of());
  }

  /** Text that may not be empty. */
  static Text words(int maxLength) {
    return new Text(List.of(), maxLength, List.of(rule("size(self) > 0", "may not be empty")));
  }

  static Text choice(String... words) {
    return new Text(List.of(words), MAX_TEXT, List.of());
  }

  static Text matching(int maxLength, String pattern, String message) {
    return new Text(
        List.of(), maxLength, List.of(rule("self.matches(r'" + pattern + "')", message)));
  }

  static Text label() {
    return matching(
        MAX_NAME,
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        "expected lower case letters, digits and dashes, such as catalog-v2");
  }

  /** {@code catalog} or {@code catalog.shop}. */
  static Text service() {
    return matching(
        127,
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)?$",
        "expected the name of a service, such as catalog or catalog.shop");
  }

  static Text duration() {
    return matching(
        40,
        "^([0-9]{1,9}(h|ms|us|m|s))+$",
        "expected a duration such as 300ms, 5s or 1m30s; the units are h, m, s, ms and us");
  }

  /** A duration that may not be zero. */
  static Text positive() {
    return matching(
        40,
        "^([0-9]{1,9}(h|ms|us|m|s))*[0-9]*[1-9][0-9]*(h|ms|us|m|s)([0-9]{1,9}(h|ms|us|m|s))*$",
        "expected a duration above zero, such as 300ms, 5s or 1m30s");
  }

  static Text percent() {
    return matching(
        8,
        "^(100(\\.0{1,4})?|[0-9]{1,2}(\\.[0-9]{1,4})?)%$",
        "expected a percentage from 0% to 100%, such as 20% or 0.5%");
  }

  static Text address() {
    return matching(
        45, "^[0-9a-fA-F:.]+$", "expected an IPv4 or IPv6 address; a name cannot stand here");
  }

  static Text hostPort() {
    return matching(
        53,
        "^([0-9.]+|\\[[0-9a-fA-F:.]+\\]):[0-9]{1,5}$",
        "expected an address and a port, such as 127.0.0.1:15001 or [::1]:15001");
  }

  static WholeOrText bytes() {
    return new WholeOrText(
        List.of(
            rule(
                "type(self) == int ? self >= 0 : self.matches(r'^[0-9]{1,12}(Ki|Mi|Gi|k|M|G)?$')",
                "expected an amount of bytes such as 1000, 64Ki or 1M")));
  }

  static Whole port() {
    return new Whole(1, 65535);
  }

  static ListOf list(Schema element, int max) {
    return new ListOf(element, 0, max);
  }

  static ListOf some(Schema element, int max) {
    return new ListOf(element, 1, max);
  }

  static MapOf labels() {
    return new MapOf(new Text(List.of(), 256, List.of()), 64, List.of());
  }

  /** Exactly one of these fields is there. */
  static Rule oneOf(String... names) {
    StringBuilder cel = new StringBuilder("[");
    for (String name : names) {
      cel.append(cel.length() > 1 ? ", " : "").append("has(self.").append(name).append(")");
    }
    return rule(
        cel.append("].filter(x, x).size() == 1").toString(),
        "expected exactly one of " + String.join(", ", names));
  }
}
