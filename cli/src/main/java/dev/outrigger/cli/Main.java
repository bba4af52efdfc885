package dev.outrigger.cli;

import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Where the launcher begins, for all verbs that it does not start itself. */
public final class Main {
  static final int OK = 0;
  static final int FAILED = 1;
  static final int USAGE = 2;
  static final int UNREACHABLE = 69;
  static final int FORBIDDEN = 77;

  private Main() {}

  /** Ends the process with 0 (done), 1 (failed, or something was found) or 2 (wrong usage). */
  public static void main(String[] args) {
    System.exit(run(Terminal.ofProcess(), args));
  }

  static int run(Terminal terminal, String... args) {
    try {
      return commandLine(terminal).execute(args);
    } finally {
      terminal.out().flush();
      terminal.err().flush();
    }
  }

  static CommandLine commandLine(Terminal terminal) {
    CommandLine root =
        new CommandLine(new Root())
            .addSubcommand(new DemoCommand(terminal, System::nanoTime))
            .addSubcommand(new StartedByLauncher.ControlPlaneVerb())
            .addSubcommand(new StartedByLauncher.ProxyVerb())
            .addSubcommand(new InitCommand(terminal))
            .addSubcommand(new InjectCommand(terminal, System.in))
            .addSubcommand(new DrainCommand(terminal))
            .addSubcommand(new InstallCommand(terminal))
            .addSubcommand(new CheckCommand(terminal))
            .addSubcommand(new AnalyzeCommand(terminal))
            .addSubcommand(new StatusCommand(terminal))
            .addSubcommand(new ExplainCommand(terminal))
            .addSubcommand(new DecisionsCommand(terminal))
            .addSubcommand(ExperimentCommand.withVerbs(terminal))
            .addSubcommand(new HaltCommand(terminal))
            .addSubcommand(new TokenCommand(terminal))
            .addSubcommand(AccessCommand.withVerbs(terminal))
            .addSubcommand(new VersionCommand(terminal))
            .addSubcommand(new CommandLine.HelpCommand());
    addHelp(root);
    root.setOut(terminal.out());
    root.setErr(terminal.err());
    root.setColorScheme(
        CommandLine.Help.defaultColorScheme(
            terminal.colour() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF));
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.setUsageHelpWidth(100);
    root.setParameterExceptionHandler(Main::wrongUsage);
    root.setExecutionExceptionHandler(
        (failure, command, parsed) -> {
          if (failure instanceof CommandFailedException known) {
            terminal.err().println("outrigger: " + known.getMessage());
            if (!known.hint().isEmpty()) {
              terminal.err().println("  = help: " + known.hint());
            }
            return known.exit();
          }
          throw failure;
        });
    return root;
  }

  private static void addHelp(CommandLine command) {
    if (command.getCommandSpec().findOption("--help") == null) {
      command
          .getCommandSpec()
          .addOption(
              OptionSpec.builder("-h", "--help")
                  .type(boolean.class)
                  .usageHelp(true)
                  .description("Show this.")
                  .build());
    }
    command.getSubcommands().values().forEach(Main::addHelp);
  }

  private static int wrongUsage(ParameterException failure, String[] args) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("outrigger: " + failure.getMessage());
    UnmatchedArgumentException.printSuggestions(failure, err);
    err.println("  = help: " + command.getCommandSpec().qualifiedName() + " --help");
    return USAGE;
  }

  /** Only holds the verbs. */
  @Command(
      name = "outrigger",
      description = "A sidecar service mesh with chaos engineering built in.",
      synopsisSubcommandLabel = "VERB",
      subcommandsRepeatable = false,
      mixinStandardHelpOptions = false,
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:done",
        "1:failed, or what was looked for is wrong",
        "2:the command line is wrong",
        "69:no control plane answers",
        "77:the token is missing, not good, or not for this"
      },
      footer = {
        "",
        "Start here:",
        "  outrigger demo                                           a whole mesh on this machine",
        "  outrigger proxy --listen 127.0.0.1:8080 --to 127.0.0.1:3000   a proxy in one line",
        "  outrigger help VERB                                      each verb with an example",
        "",
        "Tables go to people, -o json to programs; NO_COLOR turns colours off."
      })
  static final class Root implements Runnable {
    @CommandLine.Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
      throw new ParameterException(
          spec.commandLine(), "a verb is missing: " + String.join(", ", verbs()));
    }

    private List<String> verbs() {
      return List.copyOf(spec.subcommands().keySet());
    }
  }
}
