package dev.outrigger.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
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

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description =
          "Has the token of the API, where it asks for one; OUTRIGGER_API_TOKEN_FILE, or the token"
              + " itself in OUTRIGGER_API_TOKEN, unless given.")
  private @Nullable Path tokenFile;

  MeshApi open(Map<String, String> environment) throws CommandFailedException {
    String text = url == null ? environment.getOrDefault("OUTRIGGER_API", DEFAULT) : url;
    if (!text.contains("://")) {
      text = "http://" + text;
    }
    try {
      URI uri = URI.create(text);
      if (uri.getHost() != null && uri.getScheme().matches("https?")) {
        return new MeshApi(uri, token(environment));
      }
    } catch (IllegalArgumentException e) {
      // Told below like a URL without a host.
    }
    throw new CommandFailedException("--api " + text + ": expected a URL such as " + DEFAULT, "");
  }

  private @Nullable String token(Map<String, String> environment) throws CommandFailedException {
    @Nullable String named = environment.get("OUTRIGGER_API_TOKEN_FILE");
    @Nullable String token = environment.get("OUTRIGGER_API_TOKEN");
    @Nullable Path file =
        tokenFile != null
            ? tokenFile
            : token == null && named != null && !named.isEmpty() ? Path.of(named) : null;
    if (file == null) {
      return token == null || token.isBlank() ? null : token.strip();
    }
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new CommandFailedException(
          "the token's file " + file + " cannot be read: " + e.getMessage(), "", e);
    }
  }
}
