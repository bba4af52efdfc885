package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.outrigger.controlplane.source.Durations;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "access",
    description = "Who may do what over the control plane's API, and who did.",
    synopsisSubcommandLabel = "VERB",
    footer = {
      "",
      "Roles: a viewer looks; an operator runs experiments, of the namespaces of its token if it",
      "names some, and halts everything; an admin does the rest. They count where the control",
      "plane was started with --api-tokens yes.",
      "",
      "Examples:",
      "  outrigger access create olaf --role operator --namespace shop > olaf.token",
      "  outrigger access list",
      "  outrigger access whoami --token-file olaf.token",
      "  outrigger access log                     who changed what, the latest first"
    })
final class AccessCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  static CommandLine withVerbs(Terminal terminal) {
    return new CommandLine(new AccessCommand())
        .addSubcommand(new Create(terminal))
        .addSubcommand(new ListVerb(terminal))
        .addSubcommand(new Revoke(terminal))
        .addSubcommand(new Whoami(terminal))
        .addSubcommand(new Log(terminal));
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a verb is missing: " + String.join(", ", spec.subcommands().keySet()));
  }

  private static String text(JsonObject object, String member) {
    return ExperimentCommand.text(object, member);
  }

  private static String namespaces(JsonObject grant) {
    List<String> names = new ArrayList<>();
    grant.getAsJsonArray("namespaces").forEach(one -> names.add(one.getAsString()));
    return names.isEmpty() ? "all" : String.join(", ", names);
  }

  private enum RoleName {
    VIEWER,
    OPERATOR,
    ADMIN
  }

  @Command(
      name = "create",
      description = "Makes a token, in place of an earlier one of that name, and prints it.",
      footer = {
        "",
        "Example:",
        "  outrigger access create ci-shop --role operator --namespace shop --ttl 24h > ci.token"
      })
  private static final class Create implements Callable<Integer> {
    @Mixin private final OutputOption output = new OutputOption();
    @Mixin private final ApiOption api = new ApiOption();
    @Mixin private final Asked asked = new Asked();

    @Option(names = "--role", required = true, description = "viewer, operator or admin.")
    private RoleName role = RoleName.VIEWER;

    @Option(
        names = {"-n", "--namespace"},
        paramLabel = "NAMESPACE",
        description = "Only for experiments of it; may be given again. All unless given.")
    private List<String> namespaces = List.of();

    @Option(
        names = "--ttl",
        paramLabel = "TIME",
        description = "How long it is good, such as 24h; 720h, 30 days, unless given.")
    private String ttl = "720h";

    @Parameters(paramLabel = "NAME", description = "Who bears it; it is told in the audit log.")
    private String name = "";

    private final Terminal terminal;

    Create(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      @Nullable Duration lifetime = Durations.parse(ttl);
      if (lifetime == null) {
        throw new CommandFailedException("--ttl " + ttl + ": expected a time such as 24h", "");
      }
      JsonObject body = asked.body(terminal.environment());
      body.addProperty("name", name);
      body.addProperty("role", role.name().toLowerCase(Locale.ROOT));
      body.addProperty("ttlSeconds", lifetime.toSeconds());
      JsonArray list = new JsonArray();
      namespaces.forEach(list::add);
      body.add("namespaces", list);
      JsonObject made;
      try (MeshApi mesh = api.open(terminal.environment())) {
        made = mesh.grant(body);
      }
      if (output.isJson()) {
        terminal.out().println(made);
      } else {
        terminal.out().println(text(made, "token"));
        terminal
            .err()
            .println(
                "%s is %s for %s until %s; the token is shown only this once"
                    .formatted(
                        text(made, "name"),
                        text(made, "role"),
                        namespaces(made).equals("all") ? "all namespaces" : namespaces(made),
                        text(made, "expires")));
      }
      return Main.OK;
    }
  }

  /** Shows what a path of the API has. */
  private abstract static class Look implements Callable<Integer> {
    @Mixin private final OutputOption output = new OutputOption();
    @Mixin private final ApiOption api = new ApiOption();
    final Terminal terminal;
    private final String path;

    Look(Terminal terminal, String path) {
      this.terminal = terminal;
      this.path = path;
    }

    abstract String render(JsonElement found);

    @Override
    public final Integer call() throws CommandFailedException {
      try (MeshApi mesh = api.open(terminal.environment())) {
        JsonElement found = mesh.access(path);
        terminal.out().print(output.isJson() ? found + "\n" : render(found));
      }
      return Main.OK;
    }
  }

  @Command(
      name = "list",
      description = "The tokens that are good now; not their secrets.",
      footer = {"", "Example:", "  outrigger access list"})
  private static final class ListVerb extends Look {
    ListVerb(Terminal terminal) {
      super(terminal, "access/tokens");
    }

    @Override
    String render(JsonElement found) {
      Table table = new Table("NAME", "ROLE", "NAMESPACES", "EXPIRES");
      for (JsonElement element : found.getAsJsonArray()) {
        JsonObject one = element.getAsJsonObject();
        table.row(text(one, "name"), text(one, "role"), namespaces(one), text(one, "expires"));
      }
      return table.isEmpty() ? "There are no tokens.\n" : table.render();
    }
  }

  @Command(
      name = "whoami",
      description = "Whose token this is, and what it is good for.",
      footer = {"", "Example:", "  outrigger access whoami --token-file olaf.token"})
  private static final class Whoami extends Look {
    Whoami(Terminal terminal) {
      super(terminal, "access/me");
    }

    @Override
    String render(JsonElement found) {
      JsonObject me = found.getAsJsonObject();
      return text(me, "name").isEmpty()
          ? "the control plane asks for no tokens: who is on its machine may do everything\n"
          : "%s, %s, namespaces: %s%n"
              .formatted(text(me, "name"), text(me, "role"), namespaces(me));
    }
  }

  @Command(
      name = "log",
      description = "Who asked for which change, when, why, from where, and what came of it.",
      footer = {"", "Example:", "  outrigger access log -o json"})
  private static final class Log extends Look {
    Log(Terminal terminal) {
      super(terminal, "audit");
    }

    @Override
    String render(JsonElement found) {
      Table table = new Table("TIME", "WHO", "ROLE", "FROM", "VERB", "STATUS", "WHY");
      for (JsonElement element : found.getAsJsonArray()) {
        JsonObject one = element.getAsJsonObject();
        String status = text(one, "status") + (one.has("code") ? " " + text(one, "code") : "");
        table.row(
            ExperimentCommand.time(one, "at"),
            text(one, "who"),
            text(one, "role"),
            text(one, "from"),
            text(one, "verb"),
            one.get("status").getAsInt() < 400 ? status : terminal.bad(status),
            text(one, "why"));
      }
      return table.isEmpty() ? "Nothing was asked for yet.\n" : table.render();
    }
  }

  @Command(
      name = "revoke",
      description = "Ends a token at once.",
      footer = {"", "Example:", "  outrigger access revoke olaf --why 'left the team'"})
  private static final class Revoke implements Callable<Integer> {
    @Mixin private final ApiOption api = new ApiOption();
    @Mixin private final Asked asked = new Asked();

    @Parameters(paramLabel = "NAME", description = "Who bears it.")
    private String name = "";

    private final Terminal terminal;

    Revoke(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() throws CommandFailedException {
      try (MeshApi mesh = api.open(terminal.environment())) {
        mesh.revoke(name, asked.body(terminal.environment()));
      }
      terminal.out().println("revoked the token of " + name);
      return Main.OK;
    }
  }
}
