package dev.outrigger.controlplane.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.source.Problem.Code;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Steps, probes and schedules that are wrong: one problem at the place marked with @@. */
final class BadCoursesTest {
  private static final String EXPERIMENT =
      """
      apiVersion: chaos.outrigger.dev/v1alpha1
      kind: Experiment
      metadata: {name: slow, namespace: shop}
      spec:
        hypothesis: it holds
        owner: us
        faults: [{name: slow, where: request, reset: {}}, {name: down, where: request, reset: {}}]
        MORE
      """;
  private static final String LASTS = "duration: 1m\n  ";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[{name: a, faults: [slow, @@dwn], for: 1s}, {name: b, faults: [down], for: 1s}]"
            + "| BAD_VALUE | no fault `dwn` | did you mean `down`?",
        "@@[{name: a, faults: [slow], for: 1s}] | CONFLICT | `down` is in no step |",
        "[@@{name: a, faults: [slow, down]}] | MISSING_FIELD | steps[0].for | add `for`",
        "[{name: a, faults: [slow, down], for: 1s}, {name: @@a, for: 1s}]"
            + "| BAD_VALUE | there already |",
        "@@[{name: a, faults: [slow, down], for: 20h}, {name: b, after: 5h, for: 1s}]"
            + "| BAD_VALUE | longer than 24h |",
        "[{parallel: [{name: a, faults: [slow, down], for: 1s}], @@name: b}]"
            + "| UNKNOWN_FIELD | `name` |",
      })
  void steps(String steps, Code code, String message, String hint) {
    assertOne("steps: " + steps, code, message, hint);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[@@{name: a}] | MISSING_FIELD | http | ",
        "[{name: a, http: {url: '@@ftp://x/'}}] | BAD_VALUE | http or https |",
        "[{name: a, http: {url: 'http://h/', status: @@2xx}}] | BAD_VALUE | status | 200-299",
        "[{name: a, when: [@@later], http: {url: 'http://h/'}}] | BAD_VALUE | before, during |",
        "[{name: a, metric: @@{url: 'http://h/', name: x}}] | MISSING_FIELD | min | add `min`",
        "[{name: a, command: @@{}}] | MISSING_FIELD | run | add `run`",
        "[{name: a, command: {run: [x]}, timeout: @@1h}] | BAD_VALUE | from 10ms to 30s |",
      })
  void probes(String probes, Code code, String message, String hint) {
    assertOne(LASTS + "probes: " + probes.replace('\'', '"'), code, message, hint);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "@@{} | MISSING_FIELD | cron | add `cron`",
        "{cron: @@0 25 * * *} | BAD_VALUE | no cron expression | minute, hour",
        "{cron: 0 1 * * *, timeZone: @@Europe/Berln} | BAD_VALUE | no time zone | Europe/Berlin",
        "{cron: 0 1 * * *, overlap: @@forbid} | BAD_VALUE | skip, wait |",
        "{cron: 0 1 * * *, history: @@0} | BAD_VALUE | history |",
      })
  void schedules(String schedule, Code code, String message, String hint) {
    assertOne(LASTS + "schedule: " + schedule, code, message, hint);
  }

  private static void assertOne(String more, Code code, String message, String hint) {
    String marked = EXPERIMENT.replace("MORE", more.strip());
    int marker = marked.indexOf("@@");
    String yaml = marked.replace("@@", "");
    int line = (int) marked.substring(0, marker).chars().filter(c -> c == '\n').count() + 1;
    List<Problem> problems = Analysis.ofText("mesh.yaml", yaml).problems();
    assertThat(problems).as(yaml).hasSize(1);
    Problem problem = problems.getFirst();
    assertThat(problem.code()).isEqualTo(code);
    assertThat(problem.message()).contains(message);
    assertThat(problem.hint()).contains(hint == null ? "" : hint);
    assertThat(problem.line()).isEqualTo(line);
    int column = marker - marked.lastIndexOf('\n', marker);
    assertThat(problem.column()).isBetween(column - 1, column);
  }
}
