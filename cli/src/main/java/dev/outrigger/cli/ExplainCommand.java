package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.cli.CodePages.Page;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
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
      "  outrigger explain OR1003"
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
    SequencedMap<String, Page> pages = CodePages.all();
    List<Page> chosen =
        code == null
            ? List.copyOf(pages.values())
            : found(pages, code.strip().split("[\\s;:]", 2)[0]);
    if (output.isJson()) {
      JsonArray list = new JsonArray();
      chosen.forEach(page -> list.add(json(page)));
      terminal.out().println(list);
    } else if (code != null && chosen.size() == 1) {
      terminal.out().print(render(chosen.getFirst()));
    } else {
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
    if (!byFlag.isEmpty()) {
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

  private String render(Page page) {
    StringBuilder text = new StringBuilder();
    text.append(terminal.bold(page.code())).append(" (").append(page.seen()).append("): ");
    text.append(page.title()).append("\n\n").append(page.meaning()).append("\n\nLikely causes:\n");
    page.causes().forEach(cause -> text.append("  - ").append(cause).append('\n'));
    text.append("\nLook at:\n");
    page.look().forEach(look -> text.append("  - ").append(look).append('\n'));
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
    return json;
  }
}
