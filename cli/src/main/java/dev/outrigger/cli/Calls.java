package dev.outrigger.cli;

import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Lets proxies see for a while who calls whom. */
final class Calls {
  private static final long POLL_MILLIS = 200;
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private Calls() {}

  /**
   * The coverage by then.
   *
   * @param length zero goes by what was seen earlier
   */
  static JsonObject seen(MeshApi mesh, JsonObject body, Duration length, Terminal terminal)
      throws CommandFailedException {
    if (!length.isPositive()) {
      return mesh.coverage();
    }
    JsonObject asked = body.deepCopy();
    asked.addProperty("seconds", length.toMillis() / 1000.0);
    mesh.look(asked);
    terminal
        .err()
        .println("looking for " + length.toSeconds() + " s at who calls whom, touching nothing");
    terminal.err().flush();
    CountDownLatch never = new CountDownLatch(1);
    long left = length.plus(PATIENCE).toMillis() / POLL_MILLIS;
    while (true) {
      JsonObject coverage = mesh.coverage();
      if (coverage.get("complete").getAsBoolean() || left-- <= 0) {
        return coverage;
      }
      try {
        if (never.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
          throw new IllegalStateException();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandFailedException("interrupted", "", e);
      }
    }
  }

  /** The number, in words. */
  static String coverage(JsonObject coverage) {
    return "coverage "
        + ExperimentCommand.text(coverage, "percent")
        + "%: "
        + ExperimentCommand.text(coverage, "tested")
        + " of "
        + ExperimentCommand.text(coverage, "edges")
        + " edges were tested";
  }
}
