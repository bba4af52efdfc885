package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RequestRules;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.RequestHead;

/** What configuration wants taken away from a request's host: its port, a dot behind its name. */
final class HostText {
  private static final int NO_PORT = -1;

  private HostText() {}

  /**
   * Changes the authority, and the {@code host} header where there is one.
   *
   * @param localPort the one that the client connected to
   */
  static void clean(RequestHead head, RequestRules rules, int localPort) {
    if (rules.hostPort() == RequestRules.HostPort.KEEP && !rules.withoutTrailingDot()) {
      return;
    }
    String authority = head.authority();
    int portMark = portMark(authority);
    String name = authority.substring(0, portMark);
    String port = authority.substring(portMark);
    if (rules.withoutTrailingDot() && name.length() > 1 && name.endsWith(".")) {
      name = name.substring(0, name.length() - 1);
    }
    boolean strips =
        switch (rules.hostPort()) {
          case KEEP -> false;
          case STRIP_MATCHING -> number(port) == localPort;
          case STRIP_ANY -> !head.method().equals("CONNECT"); // RFC 9110, 9.3.6: it needs one
        };
    String cleaned = strips ? name : name + port;
    if (cleaned.length() < authority.length()) {
      head.authority(cleaned);
      if (head.headers().contains(HeaderName.HOST)) {
        head.headers().set(HeaderName.HOST, cleaned);
      }
    }
  }

  /** The index of the colon before a port, or the length where there is none. */
  private static int portMark(String authority) {
    int colon = authority.lastIndexOf(':');
    boolean none =
        colon < 0 || authority.indexOf(']', colon) >= 0 || colon != firstBehind(authority);
    return none || number(authority.substring(colon)) == NO_PORT ? authority.length() : colon;
  }

  /** The first colon that is not part of an address in brackets. */
  private static int firstBehind(String authority) {
    return authority.indexOf(':', Math.max(0, authority.lastIndexOf(']')));
  }

  private static int number(String port) {
    int length = port.length();
    if (length < 2 || length > 6) {
      return NO_PORT;
    }
    int number = 0;
    for (int i = 1; i < length; i++) {
      char c = port.charAt(i);
      if (c < '0' || c > '9') {
        return NO_PORT;
      }
      number = number * 10 + c - '0';
    }
    return number;
  }
}
