package dev.outrigger.cli;

import com.google.gson.JsonObject;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Who asks for a change and why; both are kept in the ledger. */
final class Asked {
  @Option(names = "--why", paramLabel = "TEXT", description = "The reason, for the ledger.")
  private @Nullable String why;

  JsonObject body(Map<String, String> environment) {
    JsonObject body = new JsonObject();
    body.addProperty("who", environment.getOrDefault("USER", System.getProperty("user.name")));
    if (why != null) {
      body.addProperty("why", why);
    }
    return body;
  }
}
