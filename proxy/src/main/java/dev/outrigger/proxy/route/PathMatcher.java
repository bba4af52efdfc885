package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;

/** A compiled {@link PathMatch}; it looks at the path in place and allocates nothing but regex. */
sealed interface PathMatcher {

  /**
   * How many leading characters a prefix rewrite replaces, or -1 if the path does not match.
   *
   * @param path with its query
   * @param end where the query begins, or the length
   */
  int match(String path, int end);

  static PathMatcher of(PathMatch match) {
    return switch (match) {
      case PathMatch.Connect _ -> new Connect();
      case PathMatch.Exact exact -> new Exact(exact.path(), !exact.caseSensitive());
      case PathMatch.Prefix prefix -> new Prefix(prefix.prefix(), !prefix.caseSensitive());
      case PathMatch.SegmentPrefix segments ->
          new Segments(segments.prefix(), !segments.caseSensitive());
      case PathMatch.Regex regex -> new Regex(new BoundedRegex(regex.pattern()));
    };
  }

  /** Of requests without a path; nothing else is asked about those. */
  record Connect() implements PathMatcher {
    @Override
    public int match(String path, int end) {
      return 0;
    }
  }

  record Exact(String wanted, boolean ignoreCase) implements PathMatcher {
    @Override
    public int match(String path, int end) {
      return end == wanted.length() && path.regionMatches(ignoreCase, 0, wanted, 0, end) ? end : -1;
    }
  }

  record Prefix(String wanted, boolean ignoreCase) implements PathMatcher {
    @Override
    public int match(String path, int end) {
      int length = wanted.length();
      return length <= end && path.regionMatches(ignoreCase, 0, wanted, 0, length) ? length : -1;
    }
  }

  record Segments(String wanted, boolean ignoreCase) implements PathMatcher {
    public Segments {
      // "/a/" and "/a" say the same here; the root holds everything.
      while (wanted.endsWith("/")) {
        wanted = wanted.substring(0, wanted.length() - 1);
      }
    }

    @Override
    public int match(String path, int end) {
      int length = wanted.length();
      return length <= end
              && path.regionMatches(ignoreCase, 0, wanted, 0, length)
              && (length == end || path.charAt(length) == '/')
          ? length
          : -1;
    }
  }

  record Regex(BoundedRegex regex) implements PathMatcher {
    @Override
    public int match(String path, int end) {
      return regex.matches(path, 0, end) ? end : -1;
    }
  }
}
