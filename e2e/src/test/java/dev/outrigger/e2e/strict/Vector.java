package dev.outrigger.e2e.strict;

import java.util.List;
import java.util.Set;

/**
 * One message, or a few on one connection, and what a proxy must do with it.
 *
 * @param name unique in its file
 * @param verdict what the rule says
 * @param messages how many whole messages are there to be passed on
 * @param options what else client and origin do: see the head of each file
 * @param source the rule, or where such an attack was published
 * @param steps what is sent, in order
 */
record Vector(
    String name,
    Verdict verdict,
    int messages,
    Set<String> options,
    String source,
    List<Step> steps) {
  Vector {
    options = Set.copyOf(options);
    steps = List.copyOf(steps);
  }

  boolean is(String option) {
    return options.contains(option);
  }

  /** What the rule says. */
  enum Verdict {
    /** It must not be passed on. */
    REFUSE,
    /** It must be passed on. */
    VALID,
    /** Passed on in good form, or refused: both are right, but nobody may be stricter than we. */
    EITHER
  }

  /** One thing that is sent. */
  sealed interface Step {
    /** Bytes of HTTP/1. */
    record Bytes(byte[] bytes) implements Step {}

    /** An answer is waited for, or a short time. */
    record Wait() implements Step {}

    /** A frame HEADERS of HTTP/2. */
    record Head(int stream, boolean end, List<Field> fields) implements Step {
      public Head {
        fields = List.copyOf(fields);
      }
    }

    /** A frame DATA of HTTP/2. */
    record Body(int stream, boolean end, byte[] bytes) implements Step {}

    /** A frame RST_STREAM of HTTP/2. */
    record Reset(int stream) implements Step {}
  }

  /** Any bytes, as Latin-1. */
  record Field(String name, String value) {}
}
