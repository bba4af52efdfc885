package dev.outrigger.fault;

import java.util.Locale;

/**
 * What goes wrong with TLS handshakes of connections that begin. At the place {@link
 * Place#CONNECTION} it is the caller that does wrong, at {@link Place#INBOUND} the receiver.
 */
public sealed interface HandshakeFault extends Fault {

  /**
   * A certificate is shown that was made for the purpose, with a key of its own.
   *
   * @param shown {@link Credential#NONE} where it is only written what is wrong with it
   */
  record Certificate(Flaw flaw, Credential shown) implements HandshakeFault {}

  /** What is wrong with a certificate. All else about it is right. */
  enum Flaw {
    EXPIRED,
    NOT_YET_VALID,
    /** Another workload's, of the same trust domain. */
    WRONG_NAME,
    WRONG_TRUST_DOMAIN,
    /** It was issued by an intermediate authority that is not shown. */
    MISSING_INTERMEDIATE,
    /** It was issued by an authority that nobody knows. */
    UNTRUSTED;

    /** As people write it, such as {@code wrongTrustDomain}. */
    public String text() {
      StringBuilder text = new StringBuilder();
      for (String word : name().split("_", -1)) {
        String lower = word.toLowerCase(Locale.ROOT);
        text.append(
            text.isEmpty() ? lower : Character.toUpperCase(lower.charAt(0)) + lower.substring(1));
      }
      return text.toString();
    }
  }

  /**
   * A chain and its key, in PEM.
   *
   * @param key never printed
   */
  record Credential(String chain, String key) {
    /** None was made. */
    public static final Credential NONE = new Credential("", "");

    @Override
    public String toString() {
      return key.isEmpty() ? "Credential[none]" : "Credential[made for it]";
    }
  }

  /**
   * The handshake is held up, and then goes on or ends.
   *
   * @param delay of the first message
   * @param then what comes after the delay
   */
  record Upset(Spread delay, Then then) implements HandshakeFault {
    public Upset {
      if (then == Then.GO_ON && delay.equals(Spread.NONE)) {
        throw new IllegalArgumentException(
            "a handshake that is neither late nor ends is not upset");
      }
    }
  }

  /** What becomes of a handshake. */
  enum Then {
    GO_ON,
    /** Nothing more is said, until the other side gives up. */
    SILENCE,
    /** The connection is reset (RST). */
    RESET,
    /** The fatal alert {@code handshake_failure} (RFC 8446, section 6.2). */
    ALERT
  }
}
