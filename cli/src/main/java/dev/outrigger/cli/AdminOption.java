package dev.outrigger.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a proxy's admin server is, and what it answers. */
final class AdminOption {
  static final String DEFAULT = "http://127.0.0.1:15000";
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  @Option(
      names = "--admin",
      paramLabel = "URL",
      description =
          "The proxy's admin server; OUTRIGGER_ADMIN_URL or " + DEFAULT + " unless given.")
  private @Nullable String url;

  /** Its URL without a path. */
  String base(Terminal terminal) {
    String given =
        url == null ? terminal.environment().getOrDefault("OUTRIGGER_ADMIN_URL", DEFAULT) : url;
    return given.contains("://") ? given : "http://" + given;
  }

  String get(Terminal terminal, String path) throws CommandFailedException {
    return ask(terminal, path, false);
  }

  /**
   * Asks it.
   *
   * @param post without a body, instead of GET
   * @throws CommandFailedException if none is there, or it refuses
   */
  String ask(Terminal terminal, String path, boolean post) throws CommandFailedException {
    String base = base(terminal);
    URI uri;
    try {
      uri = URI.create(base + path);
    } catch (IllegalArgumentException e) {
      throw new CommandFailedException(
          "--admin " + base + ": expected a URL such as " + DEFAULT, "", e);
    }
    try (HttpClient client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(TIMEOUT)
            .build()) {
      HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(TIMEOUT);
      if (post) {
        request.POST(HttpRequest.BodyPublishers.noBody());
      }
      HttpResponse<String> answer =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        throw new CommandFailedException(
            "the proxy refused with " + answer.statusCode() + ": " + answer.body().strip(), "");
      }
      return answer.body();
    } catch (IOException | IllegalArgumentException e) {
      throw new CommandFailedException(
          "no proxy answers at " + base,
          "give its admin address with --admin URL or OUTRIGGER_ADMIN_URL",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailedException("interrupted", "", e);
    }
  }
}
