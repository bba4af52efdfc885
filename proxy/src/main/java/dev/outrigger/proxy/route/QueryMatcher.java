package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.QueryMatch;
import org.jspecify.annotations.Nullable;

/**
 * A compiled {@link QueryMatch}. As in Envoy, the first parameter of the name counts, as it was
 * sent: nothing is decoded.
 */
final class QueryMatcher {
  private final String name;
  private final ValueMatcher value;

  QueryMatcher(QueryMatch match) {
    this.name = match.name();
    this.value = ValueMatcher.of(match.value());
  }

  /**
   * Whether the parameter is as wanted.
   *
   * @param queryMark index of the question mark, or the length of the path
   */
  boolean matches(String path, int queryMark) {
    return value.matches(find(path, queryMark));
  }

  private @Nullable String find(String path, int queryMark) {
    int at = queryMark + 1;
    while (at < path.length()) {
      int end = path.indexOf('&', at);
      end = end < 0 ? path.length() : end;
      int nameEnd = at + name.length();
      if (nameEnd <= end && path.startsWith(name, at)) {
        if (nameEnd == end) {
          return "";
        }
        if (path.charAt(nameEnd) == '=') {
          return path.substring(nameEnd + 1, end);
        }
      }
      at = end + 1;
    }
    return null;
  }
}
