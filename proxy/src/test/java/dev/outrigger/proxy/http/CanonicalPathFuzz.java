package dev.outrigger.proxy.http;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.latin1;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.config.RequestRules.EscapedSlashes;
import dev.outrigger.proxy.config.RequestRules.Underscores;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;

/** Paths: what is canonical stays, nothing leads above the root, and the query is left alone. */
public final class CanonicalPathFuzz {
  private CanonicalPathFuzz() {}

  /** The first byte chooses the rules; what follows is the path. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 2) {
      return;
    }
    EscapedSlashes[] slashes = EscapedSlashes.values();
    RequestRules rules =
        new RequestRules(
            (input[0] & 1) != 0,
            (input[0] & 2) != 0,
            slashes[(input[0] >> 2 & 3) % slashes.length],
            Underscores.ALLOW);
    String path = "/" + latin1(input).substring(1);
    CanonicalPath.Result result = CanonicalPath.of(path, rules);
    if (result != null && result.refusal() != null) {
      return;
    }
    String out = result == null ? path : result.path();
    check(out.startsWith("/"), "a path does not begin at the root: " + out);
    check(out.length() <= path.length(), "a path grows: " + out);
    same(query(path), query(out), "a query changes");
    CanonicalPath.Result again = CanonicalPath.of(out, rules);
    same(null, again, "a path that was made canonical is not");
    String only = out.substring(0, out.length() - query(out).length());
    if (rules.normalizePath()) {
      sound(only);
      if (only.indexOf('%') < 0 && path.indexOf('%') < 0 && !rules.mergeSlashes()) {
        String before = path.substring(0, path.length() - query(path).length());
        same(plainly(before.replace('\\', '/')), only, "a second reader finds another path");
      }
    }
    if (rules.mergeSlashes()) {
      check(!only.contains("//"), "two slashes are left: " + only);
    }
    if (rules.escapedSlashes() != EscapedSlashes.KEEP) {
      String lower = only.toLowerCase(Locale.ROOT);
      check(!lower.contains("%2f") && !lower.contains("%5c"), "an escaped slash is left: " + only);
    }
  }

  private static String query(String path) {
    int at = path.indexOf('?');
    return at < 0 ? "" : path.substring(at);
  }

  private static void sound(String path) {
    check(path.indexOf('\\') < 0, "a backslash is left: " + path);
    check(!path.contains("%00"), "an escaped NUL is left: " + path);
    for (String segment : path.split("/", -1)) {
      String decoded = segment.replaceAll("(?i)%2e", ".");
      check(!decoded.equals(".") && !decoded.equals(".."), "a dot segment is left: " + path);
    }
  }

  /** RFC 3986, section 5.2.4, with a stack. */
  private static String plainly(String path) {
    Deque<String> kept = new ArrayDeque<>();
    String[] segments = path.substring(1).split("/", -1);
    for (int i = 0; i < segments.length; i++) {
      boolean dots = segments[i].equals(".") || segments[i].equals("..");
      if (segments[i].equals("..")) {
        kept.pollLast();
      }
      if (!dots) {
        kept.addLast(segments[i]);
      } else if (i == segments.length - 1) {
        kept.addLast("");
      }
    }
    return "/" + String.join("/", kept);
  }
}
