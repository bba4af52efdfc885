package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.cli.CodePages.Page;
import dev.outrigger.controlplane.chaos.ReportPage;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "explain",
    description = "What a code of x-outrigger-error, an access log or `analyze` means.",
    footer = {
      "",
      "Examples:",
      "  outrigger explain                        lists all codes",
      "  outrigger explain no_healthy_endpoint",
      "  outrigger explain UH                     by the flag in the access log",
      "  outrigger explain flags                  lists all flags",
      "  outrigger explain OR1003",
      "  outrigger explain score                  how a report's resilience score is made"
    })
final class ExplainCommand implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();

  @Parameters(arity = "0..1", paramLabel = "CODE", description = "The code, or an access log flag.")
  private @Nullable String code;

  private final Terminal terminal;

  ExplainCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    String flag = code == null ? "" : code.strip().toUpperCase(Locale.ROOT);
    if (!output.isJson() && flag.equals("FLAGS")) {
      terminal.out().print(flagTable());
      return Main.OK;
    }
    if (!output.isJson() && flag.equals("SCORE")) {
      terminal.out().println(ReportPage.scoreFormula().replace(". ", ".\n"));
      return Main.OK;
    }
    SequencedMap<String, Page> pages = CodePages.all();
    List<Page> chosen =
        code == null
            ? List.copyOf(pages.values())
            : found(pages, code.strip().split("[\\s;:]", 2)[0]);
    if (output.isJson()) {
      JsonArray list = new JsonArray();
      chosen.forEach(page -> list.add(json(page)));
      terminal.out().println(list);
    } else if (code != null && chosen.size() == 1 && !CodePages.flags().containsKey(flag)) {
      terminal.out().print(render(chosen.getFirst()));
    } else {
      String about = CodePages.flags().get(flag);
      if (about != null) {
        terminal.out().println(terminal.bold(flag) + ": " + about + "\n");
      }
      if (chosen.isEmpty()) {
        return Main.OK;
      }
      Table table = new Table("CODE", "SEEN AS", "MEANING");
      chosen.forEach(page -> table.row(page.code(), page.seen(), page.title()));
      terminal.out().print(table.render());
    }
    return Main.OK;
  }

  private static List<Page> found(SequencedMap<String, Page> pages, String code)
      throws CommandFailedException {
    for (Page page : pages.values()) {
      if (page.code().equalsIgnoreCase(code)) {
        return List.of(page);
      }
    }
    List<Page> byFlag =
        pages.values().stream()
            .filter(page -> List.of(page.seen().split(" ")).contains(code.toUpperCase(Locale.ROOT)))
            .toList();
    if (!byFlag.isEmpty() || CodePages.flags().containsKey(code.toUpperCase(Locale.ROOT))) {
      return byFlag;
    }
    String nearest =
        pages.keySet().stream()
            .min(Comparator.comparingInt(known -> distance(known, code.toLowerCase(Locale.ROOT))))
            .orElseThrow();
    throw new CommandFailedException(
        "there is no code `" + code + "`, did you mean `" + nearest + "`?",
        "`outrigger explain` lists all");
  }

  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
        diagonal = above;
      }
    }
    return row[b.length()];
  }

  private static String flagTable() {
    SequencedMap<String, Page> pages = CodePages.all();
    Table table = new Table("FLAG", "CODES", "MEANING");
    CodePages.flags()
        .forEach(
            (flag, meaning) ->
                table.row(
                    flag,
                    pages.values().stream()
                        .filter(page -> page.seen().endsWith(" " + flag) && !flag.equals("-"))
                        .map(Page::code)
                        .collect(Collectors.joining(" ")),
                    meaning));
    return table.render();
  }

  private String render(Page page) {
    StringBuilder text = new StringBuilder();
    text.append(terminal.bold(page.code())).append(" (").append(page.seen()).append("): ");
    text.append(page.title()).append("\n\n").append(page.meaning()).append("\n\nLikely causes:\n");
    page.causes().forEach(cause -> text.append("  - ").append(cause).append('\n'));
    text.append("\nLook at:\n");
    page.look().forEach(look -> text.append("  - ").append(look).append('\n'));
    if (!page.who().isEmpty()) {
      text.insert(text.indexOf("\n\nLikely causes"), "\n\nWho says it:\n  " + page.who());
    }
    if (!page.remedies().isEmpty()) {
      text.append("\nWhat to do:\n");
      page.remedies().forEach(remedy -> text.append("  - ").append(remedy).append('\n'));
    }
    if (!page.example().isEmpty()) {
      text.append("\nExample:\n");
      page.example().forEach(line -> text.append("  ").append(line).append('\n'));
    }
    return text.toString();
  }

  private static JsonObject json(Page page) {
    JsonObject json = new JsonObject();
    json.addProperty("code", page.code());
    json.addProperty("seen", page.seen());
    json.addProperty("title", page.title());
    json.addProperty("meaning", page.meaning());
    JsonArray causes = new JsonArray();
    page.causes().forEach(causes::add);
    json.add("causes", causes);
    JsonArray look = new JsonArray();
    page.look().forEach(look::add);
    json.add("look", look);
    json.addProperty("who", page.who());
    JsonArray remedies = new JsonArray();
    page.remedies().forEach(remedies::add);
    json.add("remedies", remedies);
    JsonArray example = new JsonArray();
    page.example().forEach(example::add);
    json.add("example", example);
    return json;
  }
}
