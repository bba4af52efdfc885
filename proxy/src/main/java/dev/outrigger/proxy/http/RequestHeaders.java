package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.ForwardedPolicy;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;

/** What is taken from and put on each request's head before anything looks at it. */
final class RequestHeaders {
  private static final byte[] OURS = {'x', '-', 'o', 'u', 't', 'r', 'i', 'g', 'g', 'e', 'r', '-'};

  private RequestHeaders() {}

  /** Takes away our own control headers where they come from outside the mesh. */
  static void clean(Headers headers, ConnectionFacts facts) {
    if (facts.peer() != null || !facts.inbound()) {
      return;
    }
    for (int i = headers.size() - 1; i >= 0; i--) {
      if (isOurs(headers, i)) {
        headers.removeAt(i);
      }
    }
  }

  private static boolean isOurs(Headers headers, int index) {
    if (headers.nameLength(index) <= OURS.length) {
      return false;
    }
    byte[] array = headers.array();
    int at = headers.nameOffset(index);
    for (int i = 0; i < OURS.length; i++) {
      byte b = array[at + i];
      if ((b >= 'A' && b <= 'Z' ? b | 0x20 : b) != OURS[i]) {
        return false;
      }
    }
    return true;
  }

  /** Says who the client is. */
  static void identify(
      RequestHead head, ClientIdentity client, ConnectionFacts facts, Forwarding forwarding) {
    Headers headers = head.headers();
    boolean believed = !forwarding.useRemoteAddress() || forwarding.trustedHops() > 0;
    if (forwarding.useRemoteAddress() && !forwarding.skipAppend()) {
      append(headers, HeaderName.X_FORWARDED_FOR, client.address(), ",");
    }
    if (!believed || !headers.contains(HeaderName.X_FORWARDED_PROTO)) {
      headers.set(HeaderName.X_FORWARDED_PROTO, facts.tls() ? "https" : "http");
    } else if (head.version() != HttpVersion.HTTP_2) {
      scheme(head); // HTTP/2 says it itself
    }
    if (forwarding.appendPort() && (!believed || !headers.contains(HeaderName.X_FORWARDED_PORT))) {
      headers.set(HeaderName.X_FORWARDED_PORT, Integer.toString(facts.destination().getPort()));
    }
    switch (forwarding.forwarded().sent()) {
      case AS_IT_CAME -> {}
      case NOT_AT_ALL -> headers.remove(HeaderName.FORWARDED);
      case APPENDED -> forwarded(head, client, facts, forwarding.forwarded(), believed);
    }
    clientCert(headers, client, forwarding);
    if (!forwarding.via().isEmpty()) {
      append(headers, HeaderName.VIA, forwarding.via(), ", ");
    }
  }

  /** Puts an element of ours behind what came, where that is believed and can be read at all. */
  private static void forwarded(
      RequestHead head,
      ClientIdentity client,
      ConnectionFacts facts,
      ForwardedPolicy policy,
      boolean believed) {
    Headers headers = head.headers();
    if (headers.contains(HeaderName.FORWARDED)
        && (!believed || ForwardedList.nodes(headers.all(HeaderName.FORWARDED)) == null)) {
      headers.remove(HeaderName.FORWARDED);
    }
    String host = policy.host() && !head.authority().isEmpty() ? head.authority() : null;
    append(
        headers,
        HeaderName.FORWARDED,
        ForwardedList.element(client.address(), facts.tls(), policy.by(), host),
        ", ");
  }

  private static void scheme(RequestHead head) {
    if (head.headers().valueEqualsIgnoreCase(HeaderName.X_FORWARDED_PROTO, "https")) {
      head.scheme("https");
    } else if (head.headers().valueEqualsIgnoreCase(HeaderName.X_FORWARDED_PROTO, "http")) {
      head.scheme("http");
    }
  }

  private static void clientCert(Headers headers, ClientIdentity client, Forwarding forwarding) {
    HeaderName name = HeaderName.X_FORWARDED_CLIENT_CERT;
    switch (forwarding.clientCert()) {
      case SANITIZE -> headers.remove(name);
      case FORWARD_ONLY -> {
        if (!client.authenticated()) {
          headers.remove(name);
        }
      }
      case APPEND_FORWARD -> {
        String element = client.clientCert(forwarding.certDetails());
        if (element == null) {
          headers.remove(name);
        } else {
          append(headers, name, element, ",");
        }
      }
      case SANITIZE_SET -> {
        String element = client.clientCert(forwarding.certDetails());
        if (element == null) {
          headers.remove(name);
        } else {
          headers.set(name, element);
        }
      }
      case ALWAYS_FORWARD_ONLY -> {}
    }
  }

  /** Makes one field of all there are, with an element behind. */
  static void append(Headers headers, HeaderName name, String element, String separator) {
    if (headers.contains(name)) {
      headers.set(name, String.join(separator, headers.all(name)) + separator + element);
    } else {
      headers.add(name, element);
    }
  }
}
