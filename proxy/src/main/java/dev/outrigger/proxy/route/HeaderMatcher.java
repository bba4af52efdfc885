package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderMatch;
import dev.outrigger.proxy.config.RouteTableConfig.ValueMatch;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A compiled {@link HeaderMatch}. Fields of one name are compared as one value joined by commas
 * (RFC 9110, section 5.3). As in Envoy and gRPC, a condition on a value is never true of a field
 * that is not there, inverted or not, unless a missing one counts as empty; only presence can be
 * inverted then. {@code :method}, {@code :path}, {@code :authority} (also {@code host}) and {@code
 * :scheme} are the parts of the head.
 */
public final class HeaderMatcher {
  private enum Source {
    FIELD,
    METHOD,
    PATH,
    AUTHORITY,
    SCHEME
  }

  private final Source source;
  private final HeaderName name;
  private final ValueMatcher value;
  private final boolean aboutPresence;
  private final boolean invert;
  private final boolean missingIsEmpty;

  public HeaderMatcher(HeaderMatch match) {
    this.source =
        switch (match.name().toLowerCase(Locale.ROOT)) {
          case ":method" -> Source.METHOD;
          case ":path" -> Source.PATH;
          case ":authority", "host" -> Source.AUTHORITY;
          case ":scheme" -> Source.SCHEME;
          default -> Source.FIELD;
        };
    this.name = HeaderName.of(match.name());
    this.value = ValueMatcher.of(match.value());
    this.aboutPresence =
        match.value() instanceof ValueMatch.Present || match.value() instanceof ValueMatch.Absent;
    this.invert = match.invert();
    this.missingIsEmpty = match.missingIsEmpty();
  }

  public boolean matches(RequestHead head) {
    String found = valueIn(head);
    if (found == null && missingIsEmpty) {
      found = "";
    }
    if (found == null && !aboutPresence) {
      return false;
    }
    return value.matches(found) != invert;
  }

  /** The same for an answer, which has fields only. */
  boolean matches(Headers answer) {
    String found =
        source != Source.FIELD
            ? null
            : answer.count(name) > 1 ? String.join(",", answer.all(name)) : answer.get(name);
    if (found == null && missingIsEmpty) {
      found = "";
    }
    return (found != null || aboutPresence) && value.matches(found) != invert;
  }

  private @Nullable String valueIn(RequestHead head) {
    return switch (source) {
      case METHOD -> head.method();
      case PATH -> head.path();
      case AUTHORITY -> head.authority().isEmpty() ? null : head.authority();
      case SCHEME -> head.scheme();
      case FIELD ->
          head.headers().count(name) > 1
              ? String.join(",", head.headers().all(name))
              : head.headers().get(name);
    };
  }
}
