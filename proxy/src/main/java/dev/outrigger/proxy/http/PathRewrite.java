package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;

/** Replaces the part of a path that a route matched (xDS: {@code prefix_rewrite}). */
public final class PathRewrite {
  private PathRewrite() {}

  /**
   * The path with its query, the matched prefix replaced; a regular expression replaces nothing.
   */
  public static String replacePrefix(String path, PathMatch match, String replacement) {
    int query = path.indexOf('?');
    int pathEnd = query < 0 ? path.length() : query;
    int matched =
        switch (match) {
          case PathMatch.Exact _ -> pathEnd;
          case PathMatch.Prefix prefix -> prefix.prefix().length();
          case PathMatch.SegmentPrefix prefix -> prefix.prefix().length();
          case PathMatch.Regex _ -> -1;
        };
    if (matched < 0 || matched > pathEnd) {
      return path;
    }
    String rest = path.substring(matched);
    String joined = replacement + rest;
    return joined.startsWith("/") ? joined : "/" + joined;
  }
}
