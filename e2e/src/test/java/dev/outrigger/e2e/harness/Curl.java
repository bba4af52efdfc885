package dev.outrigger.e2e.harness;

import java.util.ArrayList;
import java.util.List;

/** Many requests by one curl, over one connection unless told otherwise. */
public final class Curl {
  private static final String FORMAT =
      "%{http_code} %{exitcode} %{time_starttransfer} %{time_total} %{size_download}"
          + " [%header{x-outrigger-fault}] %{errormsg}\\n";

  private Curl() {}

  /**
   * What it saw of one request.
   *
   * @param exit curl's code; 0 is success, 56 a connection that broke
   * @param first until the first byte of the answer, in milliseconds
   * @param total until the last, in milliseconds
   * @param fault the experiment that the answer names; empty where it names none
   */
  public record Seen(
      int status, int exit, double first, double total, long bytes, String fault, String error) {
    private static Seen of(String line) {
      String[] words = line.split(" ", 7);
      return new Seen(
          Integer.parseInt(words[0]),
          Integer.parseInt(words[1]),
          1000 * Double.parseDouble(words[2]),
          1000 * Double.parseDouble(words[3]),
          Long.parseLong(words[4]),
          words[5].substring(1, words[5].length() - 1),
          words.length > 6 ? words[6] : "");
    }
  }

  /** GETs of a path one after the other, with further arguments. */
  public static List<Seen> get(
      ChaosMesh mesh, String service, String path, int count, String... arguments)
      throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Peers.require("curl"),
                "-s",
                "-m",
                "60",
                "-H",
                "Host: " + service + ".shop",
                "-w",
                FORMAT,
                "-o",
                "/dev/null"));
    command.addAll(List.of(arguments));
    command.add("http://127.0.0.1:" + mesh.outbound() + path + "?[1-" + count + "]");
    List<Seen> all = new ArrayList<>();
    mesh.tryRun(command).text().lines().forEach(line -> all.add(Seen.of(line)));
    if (all.size() != count) {
      throw new AssertionError("curl said " + all.size() + " of " + count + " lines: " + command);
    }
    return all;
  }
}
