package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.RegexPattern;

/** A regular expression and what each of its matches is replaced by. Immutable. */
final class Substitution {
  private final BoundedRegex regex;
  private final String replacement;

  Substitution(RegexPattern pattern, String replacement) {
    this.regex = new BoundedRegex(pattern);
    this.replacement = replacement;
  }

  /**
   * The text with each match replaced.
   *
   * @throws BoundedRegex.Exhausted when that takes too long or becomes too long
   */
  String in(String text) {
    return regex.replaceAll(text, replacement);
  }
}
