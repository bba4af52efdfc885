package dev.outrigger.proxy.admin;

import dev.outrigger.proxy.admin.AdminPages.Page;
import dev.outrigger.proxy.telemetry.Explanation.Step;
import dev.outrigger.proxy.telemetry.Explanations;
import dev.outrigger.proxy.telemetry.Explanations.Decision;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What requests were told that asked why they go as they go, and who may ask. */
final class ExplainPages {
  private static final int DEFAULT_MINUTES = 10;

  private ExplainPages() {}

  /**
   * @param id of a request; null shows all
   */
  static Page show(Explanations explanations, @Nullable String id, boolean json) {
    List<Decision> recent = explanations.recent(id);
    if (json) {
      return Page.json(JsonText.of(recent.stream().map(ExplainPages::shown).toList()));
    }
    if (recent.isEmpty()) {
      return Page.text(
          200,
          """
          nothing was explained yet
          POST /explain gives a token; send it as x-outrigger-explain with a request
          """);
    }
    StringBuilder text = new StringBuilder();
    for (Decision decision : recent) {
      text.append(decision.time()).append(' ').append(decision.hop()).append(' ');
      text.append(decision.method()).append(' ').append(decision.authority());
      text.append(decision.path()).append(" -> ").append(decision.status());
      text.append(decision.code().isEmpty() ? "" : " " + decision.code());
      text.append("  request ").append(decision.id()).append('\n');
      for (Step step : decision.steps()) {
        text.append(
            "  %9.3f ms  %-8s  %s%n"
                .formatted(step.atMicros() / 1000.0, step.about(), step.text()));
      }
      text.append('\n');
    }
    return Page.text(200, text.toString());
  }

  private static Map<String, Object> shown(Decision decision) {
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("id", decision.id());
    shown.put("time", decision.time().toString());
    shown.put("hop", decision.hop());
    shown.put("method", decision.method());
    shown.put("authority", decision.authority());
    shown.put("path", decision.path());
    shown.put("status", decision.status());
    shown.put("code", decision.code());
    shown.put("steps", decision.steps().stream().map(ExplainPages::shown).toList());
    return shown;
  }

  private static Map<String, Object> shown(Step step) {
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("at_us", step.atMicros());
    shown.put("about", step.about());
    shown.put("text", step.text());
    return shown;
  }

  static Page change(Explanations explanations, Map<String, List<String>> query) {
    if (query.containsKey("off")) {
      explanations.revokeIssued();
      return Page.text(200, "no token given here is in force any more\n");
    }
    String asked = query.getOrDefault("minutes", List.of("" + DEFAULT_MINUTES)).getFirst();
    long most = Explanations.LONGEST.toMinutes();
    if (!asked.matches("[0-9]{1,5}")
        || Integer.parseInt(asked) < 1
        || Integer.parseInt(asked) > most) {
      return Page.text(400, "expected ?minutes=N with N from 1 to " + most + "\n");
    }
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("token", explanations.issue(Duration.ofMinutes(Integer.parseInt(asked))));
    shown.put("minutes", Integer.parseInt(asked));
    shown.put("header", "x-outrigger-explain");
    return Page.json(JsonText.of(shown));
  }
}
