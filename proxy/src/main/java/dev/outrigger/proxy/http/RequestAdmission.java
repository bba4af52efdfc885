package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Applies {@link RequestRules} to a head, before anything else looks at it. */
final class RequestAdmission {
  private static final int TEMPORARY_REDIRECT = 307;

  /** What many applications read {@code x_y} as {@code x-y} would make dangerous. */
  private static final Set<String> TRUSTED =
      Set.of(
          "connection",
          "content-length",
          "transfer-encoding",
          "x-forwarded-client-cert",
          "x-forwarded-for",
          "x-forwarded-host",
          "x-forwarded-proto",
          "x-real-ip",
          "x-request-id");

  private RequestAdmission() {}

  /** Changes the head as the rules say; returns the answer where the request does not go on. */
  static @Nullable LocalReply check(RequestHead head, RequestRules rules) {
    if (!underscores(head.headers(), rules.underscores())) {
      return violation("a header's name holds an underscore");
    }
    CanonicalPath.Result path = CanonicalPath.of(head.path(), rules);
    if (path == null) {
      return null;
    }
    if (path.refusal() != null) {
      return violation(path.refusal());
    }
    if (path.unescaped()) {
      return new LocalReply.Answer(
          TEMPORARY_REDIRECT,
          "",
          List.of(
              new HeaderValue("location", local(path.path()), Append.OVERWRITE_IF_EXISTS_OR_ADD)));
    }
    head.path(path.path());
    return null;
  }

  /** What begins with two slashes would name another host. */
  private static String local(String path) {
    int slashes = 1;
    while (slashes < path.length() && path.charAt(slashes) == '/') {
      slashes++;
    }
    return path.substring(slashes - 1);
  }

  private static LocalReply violation(String what) {
    return new LocalReply.Failure(new ProxyError.ProtocolViolation(Origin.DOWNSTREAM, what));
  }

  /** Whether the headers may pass, without those that are dropped. */
  private static boolean underscores(Headers headers, RequestRules.Underscores rule) {
    for (int i = headers.size() - 1; i >= 0; i--) {
      if (!hasUnderscore(headers, i)) {
        continue;
      }
      switch (rule) {
        case REJECT -> {
          return false;
        }
        case DROP -> headers.removeAt(i);
        case ALLOW -> {
          String meant = headers.nameAt(i).toLowerCase(Locale.ROOT).replace('_', '-');
          if (TRUSTED.contains(meant) || meant.startsWith("x-outrigger-")) {
            headers.removeAt(i);
          }
        }
      }
    }
    return true;
  }

  private static boolean hasUnderscore(Headers headers, int index) {
    byte[] array = headers.array();
    int at = headers.nameOffset(index);
    for (int i = at, end = at + headers.nameLength(index); i < end; i++) {
      if (array[i] == '_') {
        return true;
      }
    }
    return false;
  }
}
