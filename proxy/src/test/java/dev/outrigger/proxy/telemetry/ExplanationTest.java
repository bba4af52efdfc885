package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import com.google.protobuf.util.JsonFormat;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.telemetry.Explanation.About;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ExplanationTest {
  private final AtomicReference<Instant> now = new AtomicReference<>(Bed.NOW);
  private final ProxyTelemetry process =
      ProxyTelemetry.startWith(Sampling.CONFIGURED, null, now::get);
  private final Bed bed = new Bed(process);

  @AfterEach
  void close() throws InterruptedException {
    bed.close();
  }

  @Test
  void nobodyIsExplainedAnythingWithoutAToken() {
    assertThat(explain("guess")).isNull();
    String token = process.explanations().issue(Duration.ofMinutes(10));
    assertThat(explain("guess")).isNull();
    assertThat(explain("")).isNull();
    assertThat(explain(token)).isNotNull();
  }

  @Test
  void aTokenEndsWithItsTimeOrWhenItIsRevoked() {
    String token = process.explanations().issue(Duration.ofMinutes(10));
    now.set(Bed.NOW.plusSeconds(599));
    assertThat(explain(token)).isNotNull();
    now.set(Bed.NOW.plusSeconds(600));
    assertThat(explain(token)).isNull();
    String other = process.explanations().issue(Duration.ofMinutes(10));
    process.explanations().allow("configured-token-1");
    process.explanations().revokeIssued();
    assertThat(explain(other)).isNull();
    assertThat(explain("configured-token-1")).isNotNull();
  }

  @Test
  void theApplicationDoesNotSeeTheToken() {
    String token = process.explanations().issue(Duration.ofMinutes(10));
    bed.channel.runPendingTasks();
    RequestHead head = Bed.head("/", "x-outrigger-explain", token);
    assertThat(bed.telemetry.explain(head, Bed.facts())).isNotNull();
    assertThat(head.headers().get("x-outrigger-explain")).isNull();
  }

  @Test
  void theHeaderIsOneLineOfJsonWithinItsBoundWhateverIsNoted() throws Exception {
    String token = process.explanations().issue(Duration.ofMinutes(10));
    Explanation explanation = Objects.requireNonNull(explain(token));
    for (int i = 0; i < 300; i++) {
      explanation.note(About.ROUTE, i + " \"\\\r\n\u00e9 " + "x".repeat(3000));
    }
    String header = explanation.header("outbound", "id\"1");
    assertThat(header).hasSizeLessThanOrEqualTo(Explanation.MAX_HEADER).matches("[ -~]+");
    Struct.Builder read = Struct.newBuilder();
    JsonFormat.parser().merge(header, read);
    int told = read.getFieldsOrThrow("steps").getListValue().getValuesCount();
    assertThat(told).isBetween(1, 20);
    assertThat(read.getFieldsOrThrow("more").getNumberValue()).isEqualTo(300 - told);
    assertThat(explanation.steps()).hasSize(Explanation.MAX_STEPS + 1);
  }

  @Test
  void theLastDecisionsAreKeptAndNoMore() {
    String token = process.explanations().issue(Duration.ofMinutes(10));
    for (int i = 0; i < Explanations.KEPT + 5; i++) {
      Explanation explanation = Objects.requireNonNull(explain(token));
      explanation.note(About.ANSWER, "step");
      bed.telemetry.explained(
          explanation, Bed.head("/" + i), Bed.facts(), "id-" + i, new Outcome.Answered(200));
    }
    assertThat(process.explanations().recent()).hasSize(Explanations.KEPT);
    assertThat(process.explanations().recent().getFirst().path())
        .isEqualTo("/" + (Explanations.KEPT + 4));
    assertThat(process.explanations().recent("id-7")).hasSize(1);
    assertThat(process.explanations().recent("id-4")).isEmpty();
  }

  private @Nullable Explanation explain(String token) {
    bed.channel.runPendingTasks();
    return bed.telemetry.explain(Bed.head("/", "x-outrigger-explain", token), Bed.facts());
  }
}
