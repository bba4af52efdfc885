package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.ca.StateDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which edges were tested by what, when and with which verdict: a line of JSON for each run, in a
 * file of the state folder. Thread-safe.
 */
public final class TestHistory {
  private static final Logger LOG = LoggerFactory.getLogger(TestHistory.class);

  private final Path file;
  private final StateDisk disk;
  private final List<Test> tests = new ArrayList<>();
  private final Set<String> runs = new HashSet<>();

  /**
   * One edge in one run.
   *
   * @param kind of fault: delay, error, connection or mesh
   * @param hits requests that a fault touched
   * @param conclusive whether the run passed or failed
   */
  record Test(
      String experiment,
      Instant startedAt,
      CallEdge edge,
      String kind,
      long hits,
      String verdict,
      boolean conclusive) {}

  private TestHistory(Path file, StateDisk disk) {
    this.file = file;
    this.disk = disk;
  }

  /**
   * Opens the file, or begins it. Lines that cannot be read are left alone, and do not count.
   *
   * @param disk writes it
   */
  public static TestHistory open(Path file, StateDisk disk) throws IOException {
    TestHistory history = new TestHistory(file, disk);
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        try {
          history.take(JsonParser.parseString(line).getAsJsonObject());
        } catch (JsonParseException
            | IllegalStateException
            | NullPointerException
            | UnsupportedOperationException
            | NumberFormatException
            | DateTimeException e) {
          LOG.warn("{}: a line cannot be read and does not count", file, e);
        }
      }
    }
    return history;
  }

  /** Those of all runs, in order. */
  synchronized List<Test> tests() {
    return List.copyOf(tests);
  }

  /** Takes the report of a run that is over; one that was taken already changes nothing. */
  synchronized void on(JsonObject report) {
    JsonObject line = new JsonObject();
    line.add("experiment", report.get("experiment"));
    line.add("startedAt", report.get("startedAt"));
    line.add("verdict", report.get("verdict"));
    JsonArray edges = new JsonArray();
    for (JsonElement element : report.getAsJsonArray("edges")) {
      JsonObject edge = element.getAsJsonObject();
      long hits = edge.getAsJsonObject("affected").get("requests").getAsLong();
      if (hits == 0 || !edge.has("calls")) {
        continue;
      }
      for (JsonElement call : edge.getAsJsonArray("calls")) {
        JsonObject one = new JsonObject();
        one.add("from", call);
        one.add("to", edge.get("service"));
        one.add("kinds", edge.get("kinds"));
        one.addProperty("hits", hits);
        edges.add(one);
      }
    }
    line.add("edges", edges);
    if (runs.contains(run(line))) {
      return;
    }
    take(line);
    disk.soon(
        () ->
            Files.writeString(
                file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND),
        e -> LOG.error("that {} was run is not in the history of tests", run(line), e));
  }

  private static String run(JsonObject line) {
    return line.get("experiment").getAsString() + " " + line.get("startedAt").getAsString();
  }

  private void take(JsonObject line) {
    String verdict = line.get("verdict").getAsString();
    boolean conclusive = verdict.equals("Passed") || verdict.equals("Failed");
    Instant startedAt = Instant.parse(line.get("startedAt").getAsString());
    for (JsonElement element : line.getAsJsonArray("edges")) {
      JsonObject edge = element.getAsJsonObject();
      for (JsonElement kind : edge.getAsJsonArray("kinds")) {
        tests.add(
            new Test(
                line.get("experiment").getAsString(),
                startedAt,
                new CallEdge(edge.get("from").getAsString(), edge.get("to").getAsString()),
                kind.getAsString(),
                edge.get("hits").getAsLong(),
                verdict,
                conclusive));
      }
    }
    runs.add(run(line));
  }

  /** Edges that a run which passed or failed has hit. */
  synchronized Set<CallEdge> tested() {
    Set<CallEdge> tested = new TreeSet<>();
    for (Test test : tests) {
      if (test.conclusive()) {
        tested.add(test.edge());
      }
    }
    return tested;
  }
}
