package dev.outrigger.cli;

import picocli.CommandLine.Option;

/** How results are written. */
final class OutputOption {
  enum Format {
    TABLE,
    JSON
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "table (default) for people, json for programs.")
  private Format format = Format.TABLE;

  boolean isJson() {
    return format == Format.JSON;
  }
}
