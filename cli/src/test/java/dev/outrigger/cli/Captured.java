package dev.outrigger.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;

/** What a verb said, and how it ended. */
record Captured(int exit, String out, String err) {

  static Captured run(String... args) {
    return run(Map.of(), args);
  }

  static Captured run(Map<String, String> environment, String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Terminal terminal =
        new Terminal(
            new PrintWriter(out),
            new PrintWriter(err),
            false,
            false,
            environment,
            InstantSource.fixed(Instant.EPOCH));
    int exit = Main.run(terminal, args);
    return new Captured(exit, out.toString(), err.toString());
  }
}
