package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.ForwardedPolicy;
import io.netty.util.NetUtil;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The header {@code forwarded} of RFC 7239, read strictly, and an element of ours put in words. */
final class ForwardedList {
  /** Longest list that is looked through, in characters. */
  private static final int MAX_LENGTH = 16 * 1024;

  private static final int MAX_ELEMENTS = 100;
  private static final String TOKEN_MARKS = "!#$%&'*+-.^_`|~";

  private final String text;
  private int at;

  private ForwardedList(String text) {
    this.text = text;
  }

  /**
   * The node that each element is for, as it was written there, unquoted, and empty where an
   * element says none; null if the list as a whole is malformed or too long.
   *
   * @param lines all fields of that name, in order
   */
  static @Nullable List<String> nodes(List<String> lines) {
    String all = lines.size() == 1 ? lines.getFirst() : String.join(",", lines);
    return all.length() > MAX_LENGTH ? null : new ForwardedList(all).read();
  }

  /** The IP address that a node stands for; null where it is hidden, unknown or no node. */
  static @Nullable String address(String node) {
    if (node.startsWith("[")) {
      int end = node.indexOf(']');
      if (end < 0 || !isPort(node, end + 1)) {
        return null;
      }
      String address = node.substring(1, end);
      return NetUtil.isValidIpV6Address(address) && address.indexOf('%') < 0 ? address : null;
    }
    int colon = node.indexOf(':');
    int end = colon < 0 ? node.length() : colon;
    String address = node.substring(0, end);
    return NetUtil.isValidIpV4Address(address) && isPort(node, end) ? address : null;
  }

  /** Nothing, or a colon before one to five digits or a hidden port. */
  private static boolean isPort(String node, int from) {
    if (from == node.length()) {
      return true;
    }
    String port = node.substring(from + 1);
    return node.charAt(from) == ':'
        && (ForwardedPolicy.isObfuscated(port)
            || (!port.isEmpty()
                && port.length() <= 5
                && port.chars().allMatch(c -> c >= '0' && c <= '9')));
  }

  /**
   * An element of ours.
   *
   * @param client the address that the connection comes from
   * @param host which was asked for; null says none
   */
  static String element(String client, boolean tls, String by, @Nullable String host) {
    StringBuilder element = new StringBuilder(64);
    if (client.indexOf(':') >= 0) {
      element.append("for=\"[").append(client).append("]\"");
    } else {
      element.append("for=").append(client);
    }
    if (host != null) {
      element.append(";host=");
      value(element, host);
    }
    element.append(";proto=").append(tls ? "https" : "http");
    if (!by.isEmpty()) {
      element.append(";by=").append(by);
    }
    return element.toString();
  }

  private static void value(StringBuilder into, String value) {
    if (!value.isEmpty() && value.chars().allMatch(ForwardedList::isToken)) {
      into.append(value);
      return;
    }
    into.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        into.append('\\');
      }
      into.append(c);
    }
    into.append('"');
  }

  private @Nullable List<String> read() {
    List<String> nodes = new ArrayList<>();
    skipSpace();
    while (at < text.length()) {
      if (text.charAt(at) == ',') { // RFC 9110, section 5.6.1: an element may be empty
        at++;
        skipSpace();
        continue;
      }
      String node = element();
      if (node == null || nodes.size() == MAX_ELEMENTS) {
        return null;
      }
      nodes.add(node);
      skipSpace();
      if (at < text.length() && text.charAt(at) != ',') {
        return null;
      }
    }
    return nodes;
  }

  /** Pairs with semicolons between; null if they are malformed or one comes twice. */
  private @Nullable String element() {
    String node = "";
    List<String> seen = new ArrayList<>(4);
    while (true) {
      String name = token();
      if (name.isEmpty() || at == text.length() || text.charAt(at) != '=') {
        return null;
      }
      at++;
      String value = at < text.length() && text.charAt(at) == '"' ? quoted() : token();
      String key = name.toLowerCase(Locale.ROOT);
      if (value == null || value.isEmpty() || seen.contains(key)) {
        return null;
      }
      seen.add(key);
      if (key.equals("for")) {
        node = value;
      }
      if (at == text.length() || text.charAt(at) != ';') {
        return node;
      }
      at++;
    }
  }

  private String token() {
    int from = at;
    while (at < text.length() && isToken(text.charAt(at))) {
      at++;
    }
    return text.substring(from, at);
  }

  private @Nullable String quoted() {
    StringBuilder value = new StringBuilder();
    for (at++; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == '"') {
        at++;
        return value.toString();
      }
      if (c == '\\' && ++at == text.length()) {
        return null;
      }
      value.append(text.charAt(at));
    }
    return null;
  }

  private void skipSpace() {
    while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
      at++;
    }
  }

  private static boolean isToken(int c) {
    return c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c >= '0' && c <= '9'
        || TOKEN_MARKS.indexOf(c) >= 0;
  }
}
