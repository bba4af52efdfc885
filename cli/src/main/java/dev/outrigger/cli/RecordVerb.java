package dev.outrigger.cli;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "record",
    description = "How long requests took, as a delay that an experiment can replay.",
    footer = {
      "",
      "Reads a histogram of Prometheus's text format: of a proxy's admin server, or of a file that was",
      "kept from an incident.",
      "",
      "Examples:",
      "  outrigger experiment record catalog.shop                  as the proxy here met it",
      "  outrigger experiment record catalog.shop --admin 127.0.0.1:15000",
      "  outrigger experiment record --from incident.txt --metric http_server_duration_seconds"
    })
final class RecordVerb implements Callable<Integer> {
  private static final String METRIC = "outrigger_request_duration_seconds";
  private static final Pattern LE = Pattern.compile("[{,]le=\"([^\"]+)\"");

  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final AdminOption admin = new AdminOption();

  @Option(
      names = "--from",
      paramLabel = "FILE",
      description = "Metrics in Prometheus's text format, in place of a proxy's.")
  private @Nullable Path from;

  @Option(
      names = "--metric",
      paramLabel = "NAME",
      defaultValue = METRIC,
      description = "The histogram, in seconds (default " + METRIC + ").")
  private String metric = METRIC;

  @Parameters(
      arity = "0..1",
      paramLabel = "SERVICE",
      description = "Of this destination only, such as catalog.shop; of all unless given.")
  private @Nullable String service;

  private final Terminal terminal;

  RecordVerb(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    String where = from == null ? admin.base(terminal) : from.toString();
    SequencedMap<String, Long> buckets = buckets(text(), where);
    long all = buckets.values().stream().mapToLong(Long::longValue).max().orElse(0);
    if (all == 0) {
      throw new CommandFailedException(
          "%s has recorded nothing%s at %s"
              .formatted(metric, service == null ? "" : " of " + service, where),
          "see which there are: curl %s/metrics | grep _bucket".formatted(admin.base(terminal)));
    }
    if (output.isJson()) {
      JsonObject histogram = new JsonObject();
      buckets.forEach(histogram::addProperty);
      JsonObject delay = new JsonObject();
      delay.add("histogram", histogram);
      JsonObject fault = new JsonObject();
      fault.add("delay", delay);
      terminal.out().println(fault);
    } else {
      List<String> pairs = new ArrayList<>();
      buckets.forEach((bound, count) -> pairs.add("\"%s\": %d".formatted(bound, count)));
      terminal
          .out()
          .println(
              "# %s%s at %s: %d recorded\ndelay:\n  histogram: {%s}"
                  .formatted(
                      metric,
                      service == null ? "" : " of " + service,
                      where,
                      all,
                      String.join(", ", pairs)));
    }
    return Main.OK;
  }

  private String text() throws CommandFailedException {
    if (from == null) {
      return admin.get(terminal, "/metrics");
    }
    try {
      return Files.readString(from);
    } catch (IOException e) {
      throw new CommandFailedException(from + " cannot be read: " + e.getMessage(), "", e);
    }
  }

  /** Cumulative counts by bound. Callers' series count where there are some, else receivers'. */
  private SequencedMap<String, Long> buckets(String text, String where)
      throws CommandFailedException {
    SequencedMap<String, Long> ofCallers = new TreeMap<>(BOUNDS);
    SequencedMap<String, Long> ofReceivers = new TreeMap<>(BOUNDS);
    for (String line : text.lines().toList()) {
      if (!line.startsWith(metric + "_bucket{")
          || service != null && !line.contains("destination_service=\"" + service + "\"")) {
        continue;
      }
      Matcher bound = LE.matcher(line);
      String[] behind = line.substring(line.lastIndexOf('}') + 1).strip().split(" ", -1);
      try {
        if (!bound.find()) {
          throw new NumberFormatException("no le");
        }
        String le = bound.group(1);
        String name =
            le.equals("+Inf") ? le : new BigDecimal(le).stripTrailingZeros().toPlainString();
        (line.contains("reporter=\"destination\"") ? ofReceivers : ofCallers)
            .merge(name, new BigDecimal(behind[0]).longValueExact(), Long::sum);
      } catch (NumberFormatException | ArithmeticException e) {
        throw new CommandFailedException(
            where + ": expected a bucket of a histogram: " + line, "", e);
      }
    }
    return ofCallers.isEmpty() ? ofReceivers : ofCallers;
  }

  private static final Comparator<String> BOUNDS =
      Comparator.comparing(
          bound ->
              bound.equals("+Inf") ? BigDecimal.valueOf(Long.MAX_VALUE) : new BigDecimal(bound));
}
