package dev.outrigger.cli;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** For how long live traffic is looked at before anything is touched. */
final class PreviewLength {
  private static final Duration LONGEST = Duration.ofMinutes(10);
  private static final Pattern TEXT = Pattern.compile("([0-9]{1,6})(ms|s|m)");

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  @Option(
      names = {"--for", "--preview"},
      paramLabel = "TIME",
      defaultValue = "10s",
      description =
          "How long proxies count live traffic, such as 30s; 0s for not at all"
              + " (default 10s, at most 10m).")
  private String text = "10s";

  /**
   * @throws ParameterException if it is no time within its bounds
   */
  Duration parsed() {
    Matcher matcher = TEXT.matcher(text);
    if (matcher.matches()) {
      long count = Long.parseLong(matcher.group(1));
      Duration length =
          switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            default -> Duration.ofMinutes(count);
          };
      if (length.compareTo(LONGEST) <= 0) {
        return length;
      }
    }
    throw new ParameterException(
        spec.commandLine(), "'" + text + "': expected a time from 0s to 10m, such as 30s");
  }
}
