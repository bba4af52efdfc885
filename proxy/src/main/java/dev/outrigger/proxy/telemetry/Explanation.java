package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Why one exchange goes as it goes, step by step, for somebody who may ask. Made only for requests
 * that ask with a token. Confined to its worker's event loop.
 */
@WorkerConfined
public final class Explanation {
  /** Beyond so many steps the rest is counted. */
  static final int MAX_STEPS = 200;

  /** Longer text is cut there. */
  static final int MAX_TEXT = 1000;

  /** The header's value is never longer. */
  static final int MAX_HEADER = 4096;

  private static final int MAX_HEADER_TEXT = 400;

  /** What a step is about. */
  public enum About {
    REQUEST,
    ROUTE,
    FILTER,
    FAULT,
    ENDPOINT,
    ATTEMPT,
    RETRY,
    TIMER,
    ANSWER,
    OUTCOME;

    private final String text = name().toLowerCase(Locale.ROOT);

    @Override
    public String toString() {
      return text;
    }
  }

  /**
   * One step.
   *
   * @param atMicros from the beginning of the exchange
   */
  public record Step(long atMicros, String about, String text) {}

  private final Worker worker;
  private final long began;
  private final List<Step> steps = new ArrayList<>();
  private int left;

  Explanation(Worker worker) {
    this.worker = worker;
    this.began = worker.nanoTime();
  }

  /** Notes a step, in a sentence. */
  public void note(About about, String text) {
    if (steps.size() >= MAX_STEPS) {
      left++;
      return;
    }
    steps.add(
        new Step(
            (worker.nanoTime() - began) / 1000,
            about.toString(),
            text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "..."));
  }

  /** All steps so far. */
  List<Step> steps() {
    if (left > 0) {
      List<Step> all = new ArrayList<>(steps);
      all.add(new Step((worker.nanoTime() - began) / 1000, "request", left + " more steps"));
      return List.copyOf(all);
    }
    return List.copyOf(steps);
  }

  /**
   * What is known when the answer begins, as one line of JSON in ASCII; steps that do not fit are
   * counted, and stand in the admin's list of recent decisions.
   *
   * @param hop which proxy says it
   */
  public String header(String hop, String id) {
    StringBuilder json = new StringBuilder(1024);
    json.append("{\"id\":");
    quoted(json, id, 100);
    json.append(",\"hop\":");
    quoted(json, hop, 100);
    json.append(",\"steps\":[");
    int told = 0;
    for (Step step : steps) {
      int before = json.length();
      json.append(told == 0 ? "{" : ",{").append("\"at_us\":").append(step.atMicros());
      json.append(",\"about\":\"").append(step.about()).append("\",\"text\":");
      quoted(json, step.text(), MAX_HEADER_TEXT);
      json.append('}');
      if (json.length() > MAX_HEADER - 30) {
        json.setLength(before);
        break;
      }
      told++;
    }
    int more = steps.size() + left - told;
    return json.append("]").append(more > 0 ? ",\"more\":" + more : "").append('}').toString();
  }

  private static void quoted(StringBuilder json, String text, int max) {
    json.append('"');
    for (int i = 0; i < Math.min(text.length(), max); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < 0x20 || c >= 0x7f) {
        json.append("\\u");
        for (int shift = 12; shift >= 0; shift -= 4) {
          json.append(Character.forDigit(c >> shift & 15, 16));
        }
      } else {
        json.append(c);
      }
    }
    json.append('"');
  }
}
