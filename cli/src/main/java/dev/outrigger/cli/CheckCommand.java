package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.uring.IoUring;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "check",
    description = "Is this machine fit? One line for each check, with a hint where it is not.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:fit (there may be warnings)", "1:something that is needed is missing"},
    footer = {"", "Example:", "  outrigger check"})
final class CheckCommand implements Callable<Integer> {
  private static final int MANY_FILES = 65_536;
  private static final Map<Integer, String> PORTS = new LinkedHashMap<>();

  static {
    PORTS.put(15000, "admin");
    PORTS.put(15001, "outbound capture");
    PORTS.put(15006, "inbound capture");
    PORTS.put(15010, "xDS");
    PORTS.put(15012, "xDS with TLS");
    PORTS.put(15020, "merged metrics");
    PORTS.put(15021, "health");
    PORTS.put(15080, "API");
  }

  private static final int PATIENCE_MILLIS = 5_000;

  /** How grave a finding is. */
  enum Verdict {
    GOOD,
    WARNING,
    BAD
  }

  /**
   * One line.
   *
   * @param hint what to do, or empty
   */
  record Finding(Verdict verdict, String what, String hint) {}

  @Mixin private final OutputOption output = new OutputOption();

  @Option(
      names = "--control-plane",
      paramLabel = "ADDR",
      description = "Only: can a proxy here reach the control plane at this host and port?")
  private @Nullable String controlPlane;

  private final Terminal terminal;

  CheckCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    List<Finding> findings = new ArrayList<>();
    String wanted = controlPlane;
    if (wanted != null) {
      findings.add(reaches(wanted));
    } else {
      findings.add(java(Runtime.version().feature()));
      findings.add(kernel(System.getProperty("os.name"), System.getProperty("os.version")));
      findings.add(ioUring());
      findings.add(epoll());
      findings.add(nftables());
      findings.add(openFiles());
      PORTS.forEach((port, use) -> findings.add(port(port, use)));
    }

    boolean bad = findings.stream().anyMatch(f -> f.verdict() == Verdict.BAD);
    if (output.isJson()) {
      terminal.out().println(json(findings, !bad));
    } else {
      findings.forEach(finding -> terminal.out().print(line(finding)));
      terminal
          .out()
          .println(
              "\nThis machine is " + (bad ? terminal.bad("not fit") : terminal.good("fit")) + ".");
    }
    return bad ? Main.FAILED : Main.OK;
  }

  private static Finding reaches(String address) {
    int colon = address.lastIndexOf(':');
    String port = address.substring(colon + 1);
    if (colon < 1 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65535) {
      return new Finding(
          Verdict.BAD,
          address + " is no address",
          "write it like outrigger.outrigger-system:15012");
    }
    try (Socket socket = new Socket()) {
      socket.connect(
          new InetSocketAddress(address.substring(0, colon), Integer.parseInt(port)),
          PATIENCE_MILLIS);
      return new Finding(Verdict.GOOD, "the control plane answers at " + address, "");
    } catch (IOException | UncheckedIOException e) {
      return new Finding(
          Verdict.BAD,
          "no control plane answers at " + address + ": " + e.getMessage(),
          "does it run, and do network policies let this through?");
    }
  }

  private String line(Finding finding) {
    String mark =
        switch (finding.verdict()) {
          case GOOD -> terminal.good("√");
          case WARNING -> terminal.warn("‼");
          case BAD -> terminal.bad("×");
        };
    return mark
        + " "
        + finding.what()
        + "\n"
        + (finding.hint().isEmpty() ? "" : "    " + finding.hint() + "\n");
  }

  private static JsonObject json(List<Finding> findings, boolean success) {
    JsonArray checks = new JsonArray();
    for (Finding finding : findings) {
      JsonObject one = new JsonObject();
      one.addProperty(
          "result",
          switch (finding.verdict()) {
            case GOOD -> "success";
            case WARNING -> "warning";
            case BAD -> "error";
          });
      one.addProperty("description", finding.what());
      one.addProperty("hint", finding.hint());
      checks.add(one);
    }
    JsonObject json = new JsonObject();
    json.addProperty("success", success);
    json.add("checks", checks);
    return json;
  }

  static Finding java(int feature) {
    return feature >= 25
        ? new Finding(Verdict.GOOD, "Java " + feature, "")
        : new Finding(Verdict.BAD, "Java " + feature + " is too old", "install a JDK 25, or newer");
  }

  static Finding kernel(String system, String version) {
    if (!system.equals("Linux")) {
      return new Finding(
          Verdict.WARNING,
          system + " " + version + " has no transparent capture",
          "the one-line proxy and explicit listeners work");
    }
    String[] parts = version.split("[.-]", 3);
    int major = number(parts[0]);
    int minor = parts.length > 1 ? number(parts[1]) : 0;
    return major > 5 || (major == 5 && minor >= 10)
        ? new Finding(Verdict.GOOD, "Linux " + version, "")
        : new Finding(
            Verdict.WARNING, "Linux " + version + " is old", "5.10 or newer knows all we use");
  }

  private static int number(String text) {
    return text.matches("[0-9]{1,6}") ? Integer.parseInt(text) : 0;
  }

  private static Finding ioUring() {
    if (IoUring.isAvailable()) {
      return new Finding(Verdict.GOOD, "io_uring is allowed: it is used", "");
    }
    return new Finding(
        Verdict.WARNING,
        "io_uring is not available: " + reason(IoUring.unavailabilityCause()),
        "epoll is used instead; see kernel.io_uring_disabled and the seccomp profile");
  }

  private static Finding epoll() {
    return Epoll.isAvailable()
        ? new Finding(Verdict.GOOD, "epoll works", "")
        : new Finding(
            Verdict.WARNING,
            "epoll is not available: " + reason(Epoll.unavailabilityCause()),
            "the JDK's own transport is used, without transparent capture");
  }

  private static String reason(@Nullable Throwable cause) {
    Throwable deepest = cause;
    while (deepest != null && deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    return deepest == null || deepest.getMessage() == null
        ? "no reason is given"
        : deepest.getMessage().lines().findFirst().orElse("");
  }

  private static Finding nftables() {
    try {
      Nft.Result result = Nft.run("", "list", "tables");
      return result.exit() == 0
          ? new Finding(Verdict.GOOD, "nftables can be used by this user: `init` works", "")
          : new Finding(
              Verdict.WARNING,
              "nftables: " + result.text().lines().findFirst().orElse("refused"),
              "only `init` needs it: as root, or with CAP_NET_ADMIN");
    } catch (CommandFailedException e) {
      return new Finding(
          Verdict.WARNING, String.valueOf(e.getMessage()), "only `init` needs it: " + e.hint());
    }
  }

  private static Finding openFiles() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/limits"))) {
        if (line.startsWith("Max open files")) {
          return openFiles(line.substring("Max open files".length()).strip().split(" +", 3)[1]);
        }
      }
    } catch (IOException e) {
      // As on systems without /proc.
    }
    return new Finding(Verdict.WARNING, "the limit of open files is not known", "ulimit -Hn");
  }

  /** The JVM lifts its soft limit to the hard one. */
  static Finding openFiles(String hard) {
    boolean many = hard.equals("unlimited") || hard.length() > 9 || number(hard) >= MANY_FILES;
    return many || hard.matches("[0-9]{7,9}")
        ? new Finding(Verdict.GOOD, "open files: " + hard, "")
        : new Finding(
            Verdict.WARNING,
            "open files: at most " + hard,
            "each request in flight takes two; raise it with ulimit -Hn or LimitNOFILE");
  }

  private static Finding port(int port, String use) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getByName("0.0.0.0"))) {
      return new Finding(
          Verdict.GOOD, "port " + socket.getLocalPort() + " (" + use + ") is free", "");
    } catch (IOException e) {
      return new Finding(
          Verdict.WARNING,
          "port " + port + " (" + use + ") is taken",
          "by Outrigger itself, or by another mesh? ss -ltnp 'sport = :" + port + "'");
    }
  }
}
