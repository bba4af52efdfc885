package dev.outrigger.proxy.config;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which protocols a client may change to (xDS: {@code upgrade_configs}).
 *
 * @param choices by the protocol's name in lower case; {@link #CONNECT} is the method
 */
public record UpgradesConfig(Map<String, Choice> choices) {
  /** Stands for the method CONNECT, as in xDS. */
  public static final String CONNECT = "connect";

  /** The protocol of RFC 6455. */
  public static final String WEBSOCKET = "websocket";

  /**
   * HTTP/2 without TLS, which a connection goes on in; of a listener only, and never passed on (RFC
   * 7540, section 3.2).
   */
  public static final String H2C = "h2c";

  /** Says nothing of any protocol. */
  public static final UpgradesConfig NONE = new UpgradesConfig(Map.of());

  /** Lets WebSocket through and says nothing of the rest. */
  public static final UpgradesConfig WEBSOCKETS =
      new UpgradesConfig(Map.of(WEBSOCKET, Choice.PASSED));

  public UpgradesConfig {
    choices = Map.copyOf(choices);
  }

  /** What is done with a wish. */
  public enum Choice {
    /** Answered with 403. */
    REFUSED,
    /** Sent on as it came; {@link UpgradesConfig#H2C} is done by ourselves. */
    PASSED,
    /** Of CONNECT: ends here, and its bytes go to the endpoint as they are (connect_config). */
    TERMINATED
  }

  /** What is said of a protocol, in lower case; null where nothing is. */
  public @Nullable Choice of(String protocol) {
    return choices.get(protocol);
  }

  /** These, and what others say where these say nothing. */
  public UpgradesConfig over(UpgradesConfig others) {
    if (choices.isEmpty()) {
      return others;
    }
    if (others.choices.isEmpty()) {
      return this;
    }
    Map<String, Choice> both = new TreeMap<>(others.choices);
    both.putAll(choices);
    return new UpgradesConfig(both);
  }
}
