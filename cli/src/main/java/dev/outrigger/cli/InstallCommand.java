package dev.outrigger.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "install",
    description = {
      "Prints what installs Outrigger into a cluster: first the definitions of its kinds, then the",
      "control plane, exactly as the chart does without further values. Nothing is installed until",
      "it is applied; other values are the business of Helm."
    },
    footer = {
      "",
      "Examples:",
      "  outrigger install --crds | kubectl apply --server-side -f -",
      "  kubectl create namespace outrigger-system",
      "  outrigger install | kubectl apply -f -",
      "  outrigger install --ha | kubectl apply -f -       three replicas; pods wait for a sidecar"
    })
final class InstallCommand implements Callable<Integer> {
  /** Files of the chart, in its order. */
  static final List<String> DEFINITIONS =
      List.of(
          "authenticationpolicies.mesh.outrigger.dev.yaml",
          "experiments.chaos.outrigger.dev.yaml",
          "freezes.chaos.outrigger.dev.yaml",
          "meshconfigs.mesh.outrigger.dev.yaml",
          "trafficpolicies.mesh.outrigger.dev.yaml",
          "workloads.mesh.outrigger.dev.yaml");

  @Option(names = "--crds", description = "Only the definitions of our kinds, which come first.")
  private boolean crds;

  @Option(names = "--ha", description = "As the chart's values-ha.yaml.")
  private boolean ha;

  private final Terminal terminal;

  InstallCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    if (crds) {
      for (String definition : DEFINITIONS) {
        terminal.out().print("---\n" + text("crds/" + definition));
      }
      terminal.err().println("  = next: outrigger install | kubectl apply -f -");
    } else {
      terminal.out().print(text(ha ? "install/ha.yaml" : "install/default.yaml"));
      terminal
          .err()
          .println(
              "  = next: kubectl label namespace default outrigger.dev/inject=enabled, and start"
                  + " its pods anew");
    }
    return Main.OK;
  }

  private static String text(String name) throws IOException {
    try (InputStream in = InstallCommand.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException("this build has no " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
