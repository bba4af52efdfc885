package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Vector.Field;
import dev.outrigger.e2e.strict.Vector.Step;
import dev.outrigger.e2e.strict.Vector.Verdict;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One listener of one proxy, with a client before it and an origin behind it. */
final class Lane implements AutoCloseable {
  private static final int IN_VAIN_MILLIS = 1500;
  private static final int ANSWER_MILLIS = 8_000;
  private static final int REFUSAL_MILLIS = 5_000;

  private final Pair pair;
  private final int port;
  private final Origin origin;
  private int canaries;

  /** What is spoken before and behind the proxy. */
  enum Pair {
    ONE_ONE,
    ONE_TWO,
    TWO_ONE,
    TWO_TWO;

    boolean client2() {
      return this == TWO_ONE || this == TWO_TWO;
    }

    boolean origin2() {
      return this == ONE_TWO || this == TWO_TWO;
    }
  }

  /** What a proxy did with a vector. */
  enum Result {
    REFUSED,
    PASSED,
    /** One message came to be two. */
    SPLIT,
    /** What it passed on was malformed. */
    MALFORMED
  }

  /**
   * @param whole whether all of it arrived, and was answered as usual
   * @param silent whether the client was left waiting
   * @param detail for people
   */
  record Observed(Result result, boolean whole, boolean silent, String detail) {}

  Lane(Pair pair, int port) throws IOException {
    this.pair = pair;
    this.port = port;
    this.origin = pair.origin2() ? new Http2Origin() : new Http1Origin();
  }

  int port() {
    return port;
  }

  Pair pair() {
    return pair;
  }

  int originPort() {
    return origin.port();
  }

  @Override
  public void close() throws IOException {
    origin.close();
  }

  /** Whether an innocent request on a connection of its own gets its own answer. */
  boolean canary() throws IOException {
    String path = "/canary/" + canaries++;
    Heard heard =
        pair.client2()
            ? Http2Caller.say(port, get("GET", path), ANSWER_MILLIS)
            : Http1Caller.say(port, get1("GET", path, ""), 1, ANSWER_MILLIS);
    return !heard.bodies().isEmpty()
        && heard.statuses().getFirst() == 200
        && heard.bodies().getFirst().equals("seen " + path);
  }

  private static List<Step> get(String method, String path) {
    return List.of(
        new Step.Head(
            1,
            true,
            List.of(
                new Field(":method", method),
                new Field(":scheme", "http"),
                new Field(":authority", "o"),
                new Field(":path", path))));
  }

  private static List<Step> get1(String method, String path, String more) {
    String text = method + " " + path + " HTTP/1.1\r\nHost: o\r\n" + more + "\r\n";
    return List.of(new Step.Bytes(text.getBytes(StandardCharsets.US_ASCII)));
  }

  Map<String, Observed> run(List<Vector> requests, List<Vector> answers) throws IOException {
    Map<String, Observed> all = new LinkedHashMap<>();
    for (Vector vector : requests) {
      origin.prepare(null, vector.is("early"));
      Heard heard =
          pair.client2()
              ? Http2Caller.say(port, vector.steps(), patience(vector))
              : Http1Caller.say(port, vector.steps(), expected(vector), patience(vector));
      all.put(pair + " request " + vector.name(), request(vector, heard, canary()));
    }
    for (Vector vector : answers) {
      origin.prepare(vector, false);
      String method = vector.is("head") ? "HEAD" : "GET";
      String more = vector.is("upgrade") ? "Connection: upgrade\r\nUpgrade: websocket\r\n" : "";
      Heard heard =
          pair.client2()
              ? Http2Caller.say(port, get(method, "/v"), patience(vector))
              : Http1Caller.say(port, get1(method, "/v", more), 1, patience(vector));
      all.put(pair + " answer " + vector.name(), answer(heard, canary()));
    }
    return all;
  }

  private static int expected(Vector vector) {
    return vector.verdict() == Verdict.REFUSE ? 1 : vector.messages();
  }

  private static int patience(Vector vector) {
    if (vector.is("waits")) {
      return IN_VAIN_MILLIS;
    }
    return vector.verdict() == Verdict.VALID ? ANSWER_MILLIS : REFUSAL_MILLIS;
  }

  private Observed request(Vector vector, Heard heard, boolean canary) {
    Origin.Seen seen = origin.seen();
    List<String> passed = new ArrayList<>();
    boolean smuggled = false;
    for (String one : seen.whole()) {
      String target = one.split(" ", 3)[1];
      if (!target.startsWith("/canary/") && !target.equals("/probe")) {
        passed.add(one);
        smuggled |= target.contains("smuggled");
      }
    }
    Result result;
    if (!seen.malformed().isEmpty() || heard.fault() != null) {
      result = Result.MALFORMED;
    } else if (!canary || smuggled || passed.size() > vector.messages()) {
      result = Result.SPLIT;
    } else {
      result = passed.isEmpty() ? Result.REFUSED : Result.PASSED;
    }
    boolean whole =
        passed.size() == vector.messages()
            && heard.statuses().size() >= passed.size()
            && heard.statuses().subList(0, passed.size()).stream().allMatch(one -> one == 200);
    return new Observed(
        result,
        whole,
        heard.silent(),
        "heard " + heard + ", origin " + seen + ", canary " + canary);
  }

  private Observed answer(Heard heard, boolean canary) {
    Origin.Seen seen = origin.seen();
    List<Integer> statuses = heard.statuses();
    Result result;
    if (heard.fault() != null || !seen.malformed().isEmpty()) {
      result = Result.MALFORMED;
    } else if (!canary || (statuses.size() > 1 && !heard.bodies().get(1).equals("seen /probe"))) {
      result = Result.SPLIT;
    } else {
      boolean refused =
          statuses.isEmpty()
              || (statuses.getFirst() >= 500 && !heard.bodies().getFirst().equals("own"));
      result = refused ? Result.REFUSED : Result.PASSED;
    }
    return new Observed(
        result, result == Result.PASSED, heard.silent(), "heard " + heard + ", canary " + canary);
  }
}
