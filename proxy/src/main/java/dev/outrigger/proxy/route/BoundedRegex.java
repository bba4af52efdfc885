package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.RegexPattern;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A regular expression that cannot hold a worker up. The JDK's engine backtracks, so a pattern and
 * an input together may cost exponential time; here every character that the engine reads is
 * counted, and after {@link #MAX_STEPS} of them, or for an input longer than {@link #MAX_LENGTH},
 * the match is given up. Giving up is not "no match": a later route, or an inverted condition,
 * could then let a request through that the author meant to catch. It is {@link Exhausted}, and the
 * request finds no route at all.
 */
final class BoundedRegex {
  /** Characters read in one match; about half a millisecond. */
  static final int MAX_STEPS = 100_000;

  /** Longest text that is compared. */
  static final int MAX_LENGTH = 16 * 1024;

  private final Pattern pattern;

  BoundedRegex(RegexPattern pattern) {
    this.pattern = Pattern.compile(pattern.text());
  }

  /**
   * Whether the whole of {@code text} between the bounds matches.
   *
   * @throws Exhausted when the bounds above are passed
   */
  boolean matches(String text, int start, int end) {
    if (end - start > MAX_LENGTH) {
      throw Exhausted.INSTANCE;
    }
    try {
      return pattern.matcher(new Counted(text, start, end, new int[] {MAX_STEPS})).matches();
    } catch (StackOverflowError _) {
      // The engine recurses once per repetition of a group; nothing of ours is on that stack.
      throw Exhausted.INSTANCE;
    }
  }

  /**
   * The text with each match replaced.
   *
   * @param replacement {@code \0} to {@code \9} are the match and its groups, two backslashes are
   *     one
   * @throws Exhausted when the bounds above are passed
   */
  String replaceAll(String text, String replacement) {
    if (text.length() > MAX_LENGTH) {
      throw Exhausted.INSTANCE;
    }
    try {
      Matcher matcher = pattern.matcher(new Counted(text, 0, text.length(), new int[] {MAX_STEPS}));
      StringBuilder result = new StringBuilder(text.length() + 32);
      int copied = 0;
      while (matcher.find()) {
        result.append(text, copied, matcher.start());
        expand(matcher, text, replacement, result);
        copied = matcher.end();
        if (result.length() > MAX_LENGTH) {
          throw Exhausted.INSTANCE;
        }
      }
      return result.append(text, copied, text.length()).toString();
    } catch (StackOverflowError _) {
      throw Exhausted.INSTANCE;
    }
  }

  private static void expand(
      Matcher matcher, String text, String replacement, StringBuilder result) {
    for (int i = 0; i < replacement.length(); i++) {
      char c = replacement.charAt(i);
      if (c != '\\' || i + 1 == replacement.length()) {
        result.append(c);
        continue;
      }
      char next = replacement.charAt(++i);
      if (next < '0' || next > '9') {
        result.append(next);
      } else if (matcher.start(next - '0') >= 0) {
        result.append(text, matcher.start(next - '0'), matcher.end(next - '0'));
      }
    }
  }

  /** The match was given up. */
  static final class Exhausted extends RuntimeException {
    @SuppressWarnings("StaticAssignmentOfThrowable") // it has no stack trace to be wrong about
    static final Exhausted INSTANCE = new Exhausted();

    private static final long serialVersionUID = 1L;

    private Exhausted() {
      super("a regular expression took too many steps", null, false, false);
    }
  }

  /** A text that counts how often it is read; its parts count together with it. */
  @SuppressWarnings("ArrayRecordComponent") // shared among its parts on purpose
  private record Counted(String text, int start, int end, int[] steps) implements CharSequence {
    @Override
    public int length() {
      return end - start;
    }

    @Override
    public char charAt(int index) {
      if (--steps[0] < 0) {
        throw Exhausted.INSTANCE;
      }
      return text.charAt(start + index);
    }

    @Override
    public CharSequence subSequence(int from, int to) {
      return new Counted(text, start + from, start + to, steps);
    }

    @Override
    public String toString() {
      return text.substring(start, end);
    }
  }
}
