package dev.outrigger.cli;

import dev.outrigger.proxy.bootstrap.ProxyOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Verbs with a process of their own, which the launcher starts; here is only their help. */
final class StartedByLauncher {
  private StartedByLauncher() {}

  private static int refuse(String verb) throws CommandFailedException {
    throw new CommandFailedException(
        "`" + verb + "` is started by the launcher, not by this class",
        "run ./outrigger " + verb + " …");
  }

  @Command(
      name = "proxy",
      description = "Runs the sidecar.",
      customSynopsis = {
        "outrigger proxy --mesh ADDR --join-token-file FILE --root-ca FILE --workload NAME",
        "       outrigger proxy -c ENVOY_BOOTSTRAP",
        "       outrigger proxy --listen ADDR --to ADDR"
      })
  static final class ProxyVerb implements Callable<Integer> {

    @Spec
    void describe(CommandSpec spec) {
      List<String> lines = new ArrayList<>();
      lines.add("");
      lines.addAll(ProxyOptions.help().replace("%", "%%").lines().toList());
      lines.add("");
      lines.add("Example:");
      lines.add("  outrigger proxy --listen 127.0.0.1:8080 --to 127.0.0.1:3000");
      spec.usageMessage().footer(lines.toArray(String[]::new));
    }

    @Override
    public Integer call() throws CommandFailedException {
      return refuse("proxy");
    }
  }

  @Command(
      name = "control-plane",
      description = "Runs the control plane: xDS, certificates, experiments, API.",
      customSynopsis = "outrigger control-plane (--dir FOLDER | --kubernetes) [OPTIONS]",
      footer = {
        "",
        "  --dir FOLDER          the YAML files of the desired state (OUTRIGGER_DIR)",
        "  --kubernetes          the desired state is in a Kubernetes cluster",
        "  --namespace NAME      only this namespace of the cluster",
        "  --kubeconfig FILE     how to log in; as kubectl does unless given",
        "  --state FOLDER        keeps root, tokens and experiments; FOLDER.state unless given",
        "  --xds-port PORT       xDS without TLS, on loopback; 15010",
        "  --bind ADDRESS        where the TLS port listens; 0.0.0.0",
        "  --xds-tls-port PORT   xDS and certificates, with TLS; 15012",
        "  --api-port PORT       the HTTP API, on loopback; 15080",
        "Each flag also by environment: --xds-port is OUTRIGGER_XDS_PORT; a flag wins.",
        "",
        "Example:",
        "  outrigger control-plane --dir mesh/"
      })
  static final class ControlPlaneVerb implements Callable<Integer> {
    @Override
    public Integer call() throws CommandFailedException {
      return refuse("control-plane");
    }
  }
}
