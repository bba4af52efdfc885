package dev.outrigger.cli;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "token",
    description = {
      "Mints a join token, with which a proxy gets its certificate. The token goes to standard",
      "output and nowhere else."
    },
    footer = {
      "",
      "Examples:",
      "  outrigger token spiffe://cluster.local/ns/shop/sa/catalog > catalog.token",
      "  outrigger token --uses 10 --ttl 86400 --root-ca root.pem spiffe://cluster.local/ns/shop/sa/web"
    })
final class TokenCommand implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final ApiOption api = new ApiOption();

  @Option(
      names = "--ttl",
      paramLabel = "SECONDS",
      description = "How long it may be used; 3600, an hour, unless given.")
  private long ttlSeconds = 3_600;

  @Option(
      names = "--uses",
      paramLabel = "N",
      description =
          "How often it may be used; 1 unless given, -1 is without limit. A proxy that starts again"
              + " needs it again.")
  private int uses = 1;

  @Option(
      names = "--root-ca",
      paramLabel = "FILE",
      description = "Also write the roots there, for the proxy's --root-ca.")
  private @Nullable Path rootFile;

  @Parameters(paramLabel = "SPIFFE_ID", description = "Who the proxy will be.")
  private String identity = "";

  private final Terminal terminal;

  TokenCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    JsonObject minted;
    try (MeshApi mesh = api.open(terminal.environment())) {
      minted = mesh.mint(identity, ttlSeconds, uses);
      if (rootFile != null) {
        write(rootFile, mesh.root());
      }
    }
    if (output.isJson()) {
      terminal.out().println(minted);
    } else {
      terminal.out().println(minted.get("token").getAsString());
      terminal
          .err()
          .println(
              "for "
                  + minted.get("identity").getAsString()
                  + " until "
                  + minted.get("expires").getAsString());
    }
    return Main.OK;
  }

  private static void write(Path file, String text) throws CommandFailedException {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new CommandFailedException(file + " cannot be written: " + e.getMessage(), "", e);
    }
  }

  /** Writes what others must not read. */
  static void writeSecret(Path file, String text) throws IOException {
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(file, text);
  }
}
