package dev.outrigger.proxy.config;

/**
 * What is done with the header {@code forwarded} (RFC 7239).
 *
 * @param sent what of it goes on
 * @param clientAddress whether it says who the client is, in place of {@code x-forwarded-for}
 * @param by how an element of ours names this proxy; empty does not
 * @param host whether an element of ours says which host was asked for
 */
public record ForwardedPolicy(Sent sent, boolean clientAddress, String by, boolean host) {
  /** It is not looked at. */
  public static final ForwardedPolicy NONE = new ForwardedPolicy(Sent.AS_IT_CAME, false, "", false);

  /** What goes on. */
  public enum Sent {
    AS_IT_CAME,
    NOT_AT_ALL,
    /** With an element of ours behind; what came only where it is believed and well formed. */
    APPENDED
  }

  /** Whether it is a name that hides what it stands for (section 6.3): {@code _hidden}. */
  public static boolean isObfuscated(String node) {
    if (node.length() < 2 || node.charAt(0) != '_') {
      return false;
    }
    for (int i = 1; i < node.length(); i++) {
      char c = node.charAt(i);
      boolean word = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
      if (!word && c != '.' && c != '_' && c != '-') {
        return false;
      }
    }
    return true;
  }
}
