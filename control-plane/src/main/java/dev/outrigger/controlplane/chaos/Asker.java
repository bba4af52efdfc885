package dev.outrigger.controlplane.chaos;

/**
 * Who asked for something.
 *
 * @param who a person, or {@link #ITSELF}
 * @param why in words
 * @param from where the request came from, such as {@code 127.0.0.1}; empty where nobody asked
 */
public record Asker(String who, String why, String from) {
  private static final int MAX_TEXT = 500;

  /** Who it is that acts when no person does. */
  static final String ITSELF = "outrigger";

  public Asker {
    who = bounded(who);
    why = bounded(why);
    from = bounded(from);
  }

  static Asker itself(String why) {
    return new Asker(ITSELF, why, "");
  }

  static Asker schedule(String why) {
    return new Asker("schedule", why, "");
  }

  /** The ledger keeps it, so nobody may fill the disk with it. */
  private static String bounded(String text) {
    return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "…";
  }
}
