package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How names of headers were written in HTTP/1.1. Where a message of HTTP/1.1 travels between two
 * proxies of the mesh in HTTP/2, which has lower case only, one field takes this along, so that the
 * message arrives as it left.
 */
public final class WrittenNames {
  private static final HeaderName FIELD = HeaderName.of("x-outrigger-http1");
  private static final int MAX_LENGTH = 4096;
  private static final String NONE = "-";

  private WrittenNames() {}

  /** Adds the field, in place of one that somebody else may have put there. */
  public static void put(Headers headers) {
    headers.remove(FIELD);
    StringBuilder names = new StringBuilder(128);
    for (int i = 0; i < headers.size() && names.length() < MAX_LENGTH; i++) {
      if (hasUpperCase(headers, i) || isElsewhereInUpperCase(headers, i)) {
        if (!names.isEmpty()) {
          names.append(',');
        }
        names.append(headers.nameAt(i));
      }
    }
    boolean all = names.length() < MAX_LENGTH && !names.isEmpty();
    headers.add(FIELD, all ? names.toString() : NONE);
  }

  /** Whether another field of that name, most likely, is written otherwise. */
  private static boolean isElsewhereInUpperCase(Headers headers, int index) {
    for (int i = 0; i < headers.size(); i++) {
      if (headers.nameHash(i) == headers.nameHash(index) && hasUpperCase(headers, i)) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasUpperCase(Headers headers, int index) {
    byte[] bytes = headers.array();
    int at = headers.nameOffset(index);
    for (int end = at + headers.nameLength(index); at < end; at++) {
      if (bytes[at] >= 'A' && bytes[at] <= 'Z') {
        return true;
      }
    }
    return false;
  }

  /** Takes the field away, unread. */
  public static void drop(Headers headers) {
    headers.remove(FIELD);
  }

  /** The same for a request, which then is one of HTTP/1.1 again. */
  public static boolean take(RequestHead head) {
    boolean there = take(head.headers());
    if (there) {
      head.version(HttpVersion.HTTP_1_1);
    }
    return there;
  }

  /** Takes the field away and writes the names as it says; false if it was not there. */
  public static boolean take(Headers headers) {
    @Nullable String written = headers.get(FIELD);
    if (written == null) {
      return false;
    }
    headers.remove(FIELD);
    Map<String, Integer> next = new HashMap<>(); // where to look for the next of a name
    int begin = 0;
    while (begin < written.length()) {
      int comma = written.indexOf(',', begin);
      int end = comma < 0 ? written.length() : comma;
      String name = written.substring(begin, end);
      String key = name.toLowerCase(Locale.ROOT);
      int found = headers.nameAs(name, next.getOrDefault(key, 0));
      next.put(key, found < 0 ? headers.size() : found + 1);
      begin = end + 1;
    }
    return true;
  }
}
