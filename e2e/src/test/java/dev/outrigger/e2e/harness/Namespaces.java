package dev.outrigger.e2e.harness;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Hosts of a test: network namespaces on one bridge, which lies in a namespace of its own, so that
 * nothing of it touches this machine's network. Needs root.
 */
public final class Namespaces implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Path folder;
  private final String prefix = "or" + ProcessHandle.current().pid();
  private final List<String> made = new ArrayList<>();
  private int commands;

  /** Makes the namespace of the bridge; its addresses are 10.77.0.1 and fd77::1. */
  public Namespaces(Path folder) throws IOException, InterruptedException {
    this.folder = folder;
    try {
      add("mid");
      run("mid", "ip", "link", "add", "br0", "type", "bridge");
      run("mid", "ip", "link", "set", "br0", "up");
      address("mid", "br0", 1);
    } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
      // Nobody has us yet to close us.
      close();
      throw e;
    }
  }

  private String full(String name) {
    return prefix + "-" + name;
  }

  private void add(String name) throws IOException, InterruptedException {
    ip("netns", "add", full(name));
    made.add(name);
    run(name, "ip", "link", "set", "lo", "up");
  }

  private void address(String name, String link, int number)
      throws IOException, InterruptedException {
    run(name, "ip", "addr", "add", "10.77.0." + number + "/24", "dev", link);
    run(name, "ip", "-6", "addr", "add", "fd77::" + number + "/64", "dev", link, "nodad");
  }

  /**
   * Makes a host.
   *
   * @param number of its addresses, 10.77.0.N and fd77::N; above 1
   */
  public void host(String name, int number) throws IOException, InterruptedException {
    add(name);
    String link = "or" + (ProcessHandle.current().pid() % 100_000) + "v" + number;
    ip(
        "-n",
        full(name),
        "link",
        "add",
        "eth0",
        "type",
        "veth",
        "peer",
        "name",
        link,
        "netns",
        full("mid"));
    run("mid", "ip", "link", "set", link, "master", "br0", "up");
    run(name, "ip", "link", "set", "eth0", "up");
    address(name, "eth0", number);
    run(name, "ip", "route", "add", "default", "via", "10.77.0.1");
    run(name, "ip", "-6", "route", "add", "default", "via", "fd77::1");
  }

  /** A command that runs in a namespace. */
  public List<String> in(String name, List<String> command) {
    List<String> all = new ArrayList<>(List.of(Peers.require("ip"), "netns", "exec", full(name)));
    all.addAll(command);
    return all;
  }

  /** Runs a command to its end and gives what it said; fails unless it succeeds. */
  public String run(String name, String... command) throws IOException, InterruptedException {
    Result result = tryRun(name, PATIENCE, command);
    if (result.exit() != 0) {
      throw new AssertionError(
          String.join(" ", command) + " ended with " + result.exit() + ":\n" + result.said());
    }
    return result.said();
  }

  /** How a command ended. */
  public record Result(int exit, String said) {}

  public Result tryRun(String name, Duration patience, String... command)
      throws IOException, InterruptedException {
    return finished(in(name, List.of(command)), patience);
  }

  private void ip(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Peers.require("ip")));
    command.addAll(List.of(arguments));
    Result result = finished(command, PATIENCE);
    if (result.exit() != 0) {
      throw new AssertionError(String.join(" ", command) + ":\n" + result.said());
    }
  }

  private Result finished(List<String> command, Duration patience)
      throws IOException, InterruptedException {
    try (Launched run = Launched.start(folder, "run-" + ++commands, command)) {
      int exit = run.exit(patience);
      return new Result(exit, run.said());
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (String name : made.reversed()) {
      ip("netns", "del", full(name));
    }
    made.clear();
  }
}
