package dev.outrigger.proxy.xds;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import dev.outrigger.api.chaos.v1.FaultRule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class FaultInboxTest {
  private static final FaultRule RULE =
      FaultRule.newBuilder().setExperiment("e").setFault("f").build();

  private final List<String> told = new ArrayList<>();
  private boolean acts = true;
  private long now = 1;
  private final FaultInbox inbox =
      new FaultInbox(
          new FaultSink() {
            @Override
            public void onFault(String name, FaultRule rule, Duration lease) {
              told.add("fault " + lease.toMillis());
            }

            @Override
            public boolean onHeartbeat(String name, Duration lease) {
              told.add("beat " + lease.toMillis());
              return acts;
            }

            @Override
            public void onRemoved(String name) {
              told.add("removed");
            }
          },
          () -> now);

  @BeforeEach
  void asks() {
    inbox.onStreamOpen();
    inbox.onSaid();
  }

  private void after(long millis) {
    now += TimeUnit.MILLISECONDS.toNanos(millis);
  }

  private void comes(@Nullable FaultRule rule) {
    Map<String, String> bad = new HashMap<>();
    inbox.onReceived(
        new Received(
            TypeUrls.FAULT,
            "1",
            "n",
            List.of(
                new Received.Item(
                    "e/f", "1", rule == null ? null : Any.pack(rule), Duration.ofSeconds(5))),
            List.of(),
            List.of(),
            List.of()),
        false,
        bad);
    assertThat(bad).isEmpty();
  }

  @Test
  void aLeaseIsCountedFromWhatWasSaidLast() {
    after(1_000);
    comes(RULE);
    inbox.onSaid();
    after(1_700);
    comes(null);
    assertThat(told).containsExactly("fault 4000", "beat 3300");
  }

  @Test
  void whatComesTooLateOnlyWaitsForARenewalThatIsFresh() {
    after(3_600_000);
    comes(RULE);
    // This one was sent before the control plane could have died, and read after standing still.
    after(6_000);
    acts = false;
    comes(null);
    assertThat(told).containsExactly("fault 0", "beat 0");
    inbox.onSaid();
    after(2);
    comes(null);
    assertThat(told).containsExactly("fault 0", "beat 0", "beat 4998", "fault 4998");
  }

  @Test
  void oneThatActsIsRenewedAndNotBegunAgain() {
    comes(RULE);
    inbox.onSaid();
    comes(null);
    assertThat(told).containsExactly("fault 5000", "beat 5000");
  }
}
