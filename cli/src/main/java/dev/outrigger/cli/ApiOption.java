package dev.outrigger.cli;

import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the control plane's API is. */
final class ApiOption {
  static final String DEFAULT = "http://127.0.0.1:15080";

  @Option(
      names = "--api",
      paramLabel = "URL",
      description = "The control plane's API; OUTRIGGER_API or " + DEFAULT + " unless given.")
  private @Nullable String url;

  MeshApi open(Map<String, String> environment) throws CommandFailedException {
    String text = url == null ? environment.getOrDefault("OUTRIGGER_API", DEFAULT) : url;
    if (!text.contains("://")) {
      text = "http://" + text;
    }
    try {
      URI uri = URI.create(text);
      if (uri.getHost() != null && uri.getScheme().matches("https?")) {
        return new MeshApi(uri);
      }
    } catch (IllegalArgumentException e) {
      // Told below like a URL without a host.
    }
    throw new CommandFailedException("--api " + text + ": expected a URL such as " + DEFAULT, "");
  }
}
