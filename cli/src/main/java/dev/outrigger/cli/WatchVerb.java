package dev.outrigger.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "watch",
    description = "Shows an experiment live until its run is over.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:passed: all guards held and all probes passed",
      "1:it cannot be watched",
      "80:failed",
      "81:a guard or a probe ended it",
      "82:nothing can be said: no traffic, nothing judged, or it was ended early"
    },
    footer = {
      "",
      "At a terminal it is a screen; elsewhere a line for each event, with -o json as JSON.",
      "One that does not run yet is waited for; Ctrl-C ends the watching, not the experiment.",
      "",
      "Examples:",
      "  outrigger experiment watch shop/slow-catalog",
      "  outrigger experiment watch shop/slow-catalog -o json | jq .event"
    })
final class WatchVerb implements Callable<Integer> {
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final ApiOption api = new ApiOption();

  @Parameters(paramLabel = "NAME", description = "[NAMESPACE/]NAME")
  private String name = "";

  private final Terminal terminal;

  WatchVerb(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    try (MeshApi mesh = api.open(terminal.environment())) {
      return new WatchLoop(mesh, ExperimentCommand.key(name), terminal, output.isJson()).run();
    }
  }
}
