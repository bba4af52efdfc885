package dev.outrigger.proxy.route;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The choice of a virtual host by name (xDS: {@code VirtualHost.domains}): exact, then the longest
 * {@code *suffix}, then the longest {@code prefix*}, then {@code *}. Case does not count. A
 * wildcard stands for at least one character. At each step the host is compared with the port that
 * the client named first and then without it, so a domain without a port takes any port.
 *
 * @param <V> what is found
 */
final class VirtualHosts<V> {
  private final Map<String, V> exact = new HashMap<>();
  private final List<Wildcard<V>> suffixes = new ArrayList<>();
  private final List<Wildcard<V>> prefixes = new ArrayList<>();
  private @Nullable V any;

  private record Wildcard<V>(String text, V value) {}

  /** Filled once, before it is shared. */
  private VirtualHosts() {}

  /**
   * Hosts by domain.
   *
   * @throws IllegalArgumentException for a domain that is no domain, or that comes twice
   */
  static <V> VirtualHosts<V> of(List<Map.Entry<String, V>> domains) {
    VirtualHosts<V> hosts = new VirtualHosts<>();
    domains.forEach(entry -> hosts.put(entry.getKey(), entry.getValue()));
    Comparator<Wildcard<V>> longestFirst =
        Comparator.comparingInt((Wildcard<V> wildcard) -> wildcard.text().length()).reversed();
    hosts.suffixes.sort(longestFirst);
    hosts.prefixes.sort(longestFirst);
    return hosts;
  }

  private void put(String domain, V value) {
    String lower = domain.toLowerCase(Locale.ROOT);
    int star = lower.indexOf('*');
    boolean fresh;
    if (lower.equals("*")) {
      fresh = any == null;
      any = value;
    } else if (star < 0) {
      fresh = exact.putIfAbsent(lower, value) == null;
    } else if (star == 0 && lower.indexOf('*', 1) < 0) {
      fresh = add(suffixes, lower.substring(1), value);
    } else if (star == lower.length() - 1) {
      fresh = add(prefixes, lower.substring(0, star), value);
    } else {
      throw new IllegalArgumentException(
          "domain \"" + domain + "\" must have its wildcard at its start or its end");
    }
    if (!fresh) {
      throw new IllegalArgumentException("domain \"" + domain + "\" comes twice");
    }
  }

  private static <V> boolean add(List<Wildcard<V>> wildcards, String text, V value) {
    boolean fresh = wildcards.stream().noneMatch(wildcard -> wildcard.text().equals(text));
    wildcards.add(new Wildcard<>(text, value));
    return fresh;
  }

  /** What serves this host, or null. */
  @Nullable V find(String authority) {
    if (exact.isEmpty() && suffixes.isEmpty() && prefixes.isEmpty()) {
      return any;
    }
    int length = authority.length();
    int portMark = portMark(authority);
    V found = exact.get(authority);
    if (found != null) {
      return found;
    }
    // Clients nearly always write host names in lower case; then this makes no new string.
    String lower = authority.toLowerCase(Locale.ROOT);
    if (!lower.equals(authority)) {
      found = exact.get(lower);
    }
    if (found == null && portMark < length) {
      found = exact.get(lower.substring(0, portMark));
    }
    if (found == null) {
      found = wildcard(lower, portMark);
    }
    return found == null ? any : found;
  }

  private @Nullable V wildcard(String host, int portMark) {
    int length = host.length();
    for (int i = 0; i < suffixes.size(); i++) {
      Wildcard<V> suffix = suffixes.get(i);
      if (endsAt(host, length, suffix.text()) || endsAt(host, portMark, suffix.text())) {
        return suffix.value();
      }
    }
    for (int i = 0; i < prefixes.size(); i++) {
      Wildcard<V> prefix = prefixes.get(i);
      if (length > prefix.text().length() && host.startsWith(prefix.text())) {
        return prefix.value();
      }
    }
    return null;
  }

  private static boolean endsAt(String host, int end, String suffix) {
    return end > suffix.length() && host.startsWith(suffix, end - suffix.length());
  }

  /** The index of the colon before the port, or the length. */
  private static int portMark(String authority) {
    int colon = authority.lastIndexOf(':');
    if (colon < 0 || authority.indexOf(']', colon) >= 0) {
      return authority.length();
    }
    for (int i = colon + 1; i < authority.length(); i++) {
      if (authority.charAt(i) < '0' || authority.charAt(i) > '9') {
        return authority.length();
      }
    }
    return colon;
  }
}
