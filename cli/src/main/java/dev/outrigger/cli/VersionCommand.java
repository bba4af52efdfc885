package dev.outrigger.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
    name = "version",
    description = "Says which version this is.",
    footer = {"", "Example:", "  outrigger version"})
final class VersionCommand implements Callable<Integer> {
  private static final String BUILD = "/META-INF/maven/dev.outrigger/outrigger-cli/pom.properties";

  private final Terminal terminal;

  VersionCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    terminal
        .out()
        .println("outrigger " + version() + " (Java " + Runtime.version() + ", " + system() + ")");
    return Main.OK;
  }

  private static String system() {
    return System.getProperty("os.name")
        + " "
        + System.getProperty("os.version")
        + " "
        + System.getProperty("os.arch");
  }

  private static String version() {
    try (@Nullable InputStream in = VersionCommand.class.getResourceAsStream(BUILD)) {
      if (in == null) {
        return "(built from sources, not packaged)";
      }
      Properties build = new Properties();
      build.load(in);
      return build.getProperty("version", "unknown");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
