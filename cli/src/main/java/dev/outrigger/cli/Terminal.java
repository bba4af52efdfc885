package dev.outrigger.cli;

import java.io.Console;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whom a verb talks to, and what it may ask about where it runs.
 *
 * @param out for data
 * @param err for advice and complaints
 * @param colour whether escapes for colour are welcome
 * @param interactive whether a person sees it, so that a screen may be drawn over
 * @param environment of the process
 * @param clock for what is shown to people
 */
record Terminal(
    PrintWriter out,
    PrintWriter err,
    boolean colour,
    boolean interactive,
    Map<String, String> environment,
    InstantSource clock) {
  Terminal {
    environment = Map.copyOf(environment);
  }

  // Some JDKs give no console when nobody is there, others one that is no terminal.
  @SuppressWarnings("SystemConsoleNull")
  static Terminal ofProcess() {
    Map<String, String> environment = System.getenv();
    @Nullable Console console = System.console();
    boolean interactive =
        console != null && console.isTerminal() && !"dumb".equals(environment.get("TERM"));
    return new Terminal(
        new PrintWriter(System.out, true, StandardCharsets.UTF_8),
        new PrintWriter(System.err, true, StandardCharsets.UTF_8),
        interactive && environment.getOrDefault("NO_COLOR", "").isEmpty(),
        interactive,
        environment,
        InstantSource.system());
  }

  String good(String text) {
    return paint("32", text);
  }

  String bad(String text) {
    return paint("31", text);
  }

  String warn(String text) {
    return paint("33", text);
  }

  String bold(String text) {
    return paint("1", text);
  }

  private String paint(String code, String text) {
    return colour ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
  }
}
