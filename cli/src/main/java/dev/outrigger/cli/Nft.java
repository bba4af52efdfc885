package dev.outrigger.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The program {@code nft}, in this network namespace. */
final class Nft {
  private static final int TIMEOUT_SECONDS = 20;

  /**
   * How it ended.
   *
   * @param text its standard output, or its complaint where it failed
   */
  record Result(int exit, String text) {}

  private Nft() {}

  /** Runs it with a script on its standard input. */
  static Result run(String script, String... arguments) throws CommandFailedException {
    List<String> command = new ArrayList<>(List.of("nft"));
    command.addAll(Arrays.asList(arguments));
    Process process;
    try {
      process = new ProcessBuilder(command).start();
    } catch (IOException e) {
      throw new CommandFailedException(
          "the program `nft` cannot be started: " + e.getMessage(),
          "install it, for example: apt-get install nftables",
          e);
    }
    try {
      CompletableFuture<String> out = CompletableFuture.supplyAsync(() -> all(process, true));
      CompletableFuture<String> err = CompletableFuture.supplyAsync(() -> all(process, false));
      try (var in = process.getOutputStream()) {
        in.write(script.getBytes(StandardCharsets.UTF_8));
      } catch (IOException e) {
        // It ended before it read all; its own words say why.
      }
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        throw new CommandFailedException("`nft` did not end", "");
      }
      return process.exitValue() == 0
          ? new Result(0, out.join())
          : new Result(process.exitValue(), err.join().strip());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailedException("interrupted", "", e);
    } finally {
      process.destroyForcibly();
    }
  }

  private static String all(Process process, boolean output) {
    try {
      return new String(
          (output ? process.getInputStream() : process.getErrorStream()).readAllBytes(),
          StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
