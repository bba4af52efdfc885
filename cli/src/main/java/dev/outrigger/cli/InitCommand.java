package dev.outrigger.cli;

import dev.outrigger.cli.CaptureRules.Network;
import dev.outrigger.cli.CaptureRules.Ports;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "init",
    description = {
      "Installs the capture rules in this network namespace: TCP that leaves goes to the proxy's",
      "outbound port, TCP that arrives to its inbound port, IPv4 and IPv6. What was there is",
      "replaced in one step, so that it may run again at any time."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:installed, removed, or as wanted (--check)",
      "1:failed, or what is installed differs (--check)",
      "2:wrong usage"
    },
    footer = {
      "",
      "Examples:",
      "  outrigger init",
      "  outrigger init --exclude-outbound-ports 22,443 --exclude-outbound-cidrs 169.254.169.254/32",
      "  outrigger init --check",
      "  outrigger init --print          only shows the rules",
      "  outrigger init --remove"
    })
final class InitCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @ArgGroup private Instead instead = new Instead();

  /** What is done instead of installing. */
  private static final class Instead {
    @Option(names = "--check", description = "Change nothing; say what differs.")
    private boolean check;

    @Option(names = "--remove", description = "Take the rules away.")
    private boolean remove;

    @Option(names = "--print", description = "Only show the rules.")
    private boolean print;
  }

  @Option(
      names = "--proxy-uid",
      paramLabel = "UID",
      description = "The proxy's user, whose traffic is not captured; 1337 unless given.")
  private long proxyUid = 1337;

  @Option(names = "--outbound-port", paramLabel = "PORT", description = "15001 unless given.")
  private int outboundPort = 15001;

  @Option(names = "--inbound-port", paramLabel = "PORT", description = "15006 unless given.")
  private int inboundPort = 15006;

  @Option(
      names = "--exclude-outbound-ports",
      split = ",",
      paramLabel = "PORT",
      description = "Destination ports that are left alone, or ranges such as 8000-8010.")
  private List<String> outboundPorts = new ArrayList<>();

  @Option(
      names = "--exclude-inbound-ports",
      split = ",",
      paramLabel = "PORT",
      description = "Local ports that are left alone, or ranges.")
  private List<String> inboundPorts = new ArrayList<>();

  @Option(
      names = "--exclude-outbound-cidrs",
      split = ",",
      paramLabel = "CIDR",
      description = "Destinations that are left alone.")
  private List<String> outboundNetworks = new ArrayList<>();

  @Option(
      names = "--exclude-inbound-cidrs",
      split = ",",
      paramLabel = "CIDR",
      description = "Sources that are left alone.")
  private List<String> inboundNetworks = new ArrayList<>();

  private final Terminal terminal;

  InitCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws CommandFailedException {
    CaptureRules rules = rules();
    if (instead.print) {
      terminal.out().print(rules.script());
      return Main.OK;
    }
    if (instead.check) {
      return check(rules);
    }
    Nft.Result result =
        Nft.run(instead.remove ? CaptureRules.removal() : rules.script(), "-f", "-");
    if (result.exit() != 0) {
      throw refused(result);
    }
    terminal
        .err()
        .println(
            instead.remove
                ? "capture rules removed"
                : "capture rules installed: outbound to %d, inbound to %d, but not for uid %d"
                    .formatted(outboundPort, inboundPort, proxyUid));
    return Main.OK;
  }

  private int check(CaptureRules rules) throws CommandFailedException {
    Nft.Result listing = Nft.run("", "-n", "-s", "list", "table", "inet", "outrigger");
    if (listing.exit() != 0) {
      if (listing.text().contains("No such file or directory")) {
        terminal.out().println("there are no capture rules in this network namespace");
        terminal.err().println("  = help: outrigger init installs them");
        return Main.FAILED;
      }
      throw refused(listing);
    }
    List<String> differences = rules.differences(listing.text());
    differences.forEach(terminal.out()::println);
    terminal
        .err()
        .println(
            differences.isEmpty()
                ? "the capture rules are as wanted"
                : "  = help: outrigger init with the same options replaces them");
    return differences.isEmpty() ? Main.OK : Main.FAILED;
  }

  private static CommandFailedException refused(Nft.Result result) {
    return new CommandFailedException(
        "nft refused: " + result.text(),
        result.text().contains("Operation not permitted")
            ? "run it as root, or with CAP_NET_ADMIN in this network namespace"
            : "");
  }

  private CaptureRules rules() {
    if (proxyUid < 0 || proxyUid > 0xffff_fffeL) {
      throw wrong("--proxy-uid " + proxyUid + ": expected a user ID");
    }
    return new CaptureRules(
        proxyUid,
        port("--outbound-port", outboundPort),
        port("--inbound-port", inboundPort),
        ports("--exclude-outbound-ports", outboundPorts),
        ports("--exclude-inbound-ports", inboundPorts),
        networks("--exclude-outbound-cidrs", outboundNetworks),
        networks("--exclude-inbound-cidrs", inboundNetworks));
  }

  private int port(String option, int port) {
    if (port < 1 || port > 65535) {
      throw wrong(option + " " + port + ": expected a port from 1 to 65535");
    }
    return port;
  }

  private SortedSet<Ports> ports(String option, List<String> texts) {
    SortedSet<Ports> ports = new TreeSet<>();
    for (String text : texts) {
      try {
        ports.add(Ports.parse(text.strip()));
      } catch (IllegalArgumentException e) {
        throw wrong(option + " " + e.getMessage());
      }
    }
    return ports;
  }

  private List<Network> networks(String option, List<String> texts) {
    List<Network> networks = new ArrayList<>();
    for (String text : texts) {
      try {
        networks.add(Network.parse(text.strip()));
      } catch (IllegalArgumentException e) {
        throw wrong(option + " " + e.getMessage());
      }
    }
    return networks;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
