package dev.outrigger.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "drain",
    description = {
      "Tells the proxy beside this to drain: it is not ready any more, callers are told to go",
      "elsewhere, and what is outbound goes on. Kubernetes runs this before a pod ends."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:it drains", "69:no proxy answers"},
    footer = {"", "Example:", "  outrigger drain --admin 127.0.0.1:15000"})
final class DrainCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  @Option(
      names = "--admin",
      paramLabel = "ADDR",
      description = "The proxy's admin address; 127.0.0.1:15000 unless given.")
  private String admin = "127.0.0.1:15000";

  private final Terminal terminal;

  DrainCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException, InterruptedException {
    try (HttpClient client = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(URI.create("http://" + admin + "/drain"))
                  .timeout(PATIENCE)
                  .POST(HttpRequest.BodyPublishers.noBody())
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new CommandFailedException(
            "the proxy answered " + response.statusCode() + ": " + response.body().strip(), "");
      }
      terminal.out().print(response.body());
      return Main.OK;
    } catch (IOException | IllegalArgumentException e) {
      throw new CommandFailedException(
              "no proxy answers at " + admin + ": " + e.getMessage(),
              "name its admin address with --admin",
              e)
          .exits(Main.UNREACHABLE);
    }
  }
}
