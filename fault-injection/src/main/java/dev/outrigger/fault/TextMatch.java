package dev.outrigger.fault;

import java.util.regex.Pattern;

/** A comparison of text. */
public sealed interface TextMatch {

  boolean matches(String text);

  /** The whole text. */
  record Exact(String value) implements TextMatch {
    @Override
    public boolean matches(String text) {
      return text.equals(value);
    }
  }

  /** Its beginning. */
  record Prefix(String value) implements TextMatch {
    @Override
    public boolean matches(String text) {
      return text.startsWith(value);
    }
  }

  /** The whole text by a regular expression; equal by its source. */
  final class Regex implements TextMatch {
    private final Pattern pattern;

    /**
     * @throws java.util.regex.PatternSyntaxException if it is none
     */
    public Regex(String source) {
      pattern = Pattern.compile(source);
    }

    @Override
    public boolean matches(String text) {
      return pattern.matcher(text).matches();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Regex that && that.pattern.pattern().equals(pattern.pattern());
    }

    @Override
    public int hashCode() {
      return pattern.pattern().hashCode();
    }

    @Override
    public String toString() {
      return "Regex[" + pattern.pattern() + "]";
    }
  }
}
