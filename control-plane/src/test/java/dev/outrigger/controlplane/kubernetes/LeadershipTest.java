package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LeadershipTest {
  private static final Duration LASTS = Duration.ofSeconds(15);

  private final Server server = new Server();
  private long nanos = -50; // Monotonic time may be negative.
  private final Replica one = new Replica("one", 0);

  /** An API server with one Lease. */
  private static final class Server implements Leadership.Leases {
    private @Nullable Lease lease;
    private int version;
    private int reads;
    private boolean gone;

    /** What happens while a write is under way. */
    private Runnable meanwhile = () -> {};

    @Override
    public @Nullable Lease get() {
      reads++;
      answer();
      return lease == null ? null : new LeaseBuilder(lease).build();
    }

    @Override
    public Lease create(Lease wanted) {
      answer();
      if (lease != null) {
        throw new KubernetesClientException("there is one", 409, null);
      }
      return put(wanted);
    }

    @Override
    public Lease update(Lease wanted) {
      meanwhile.run();
      answer();
      if (!wanted.getMetadata().getResourceVersion().equals(version + "")) {
        throw new KubernetesClientException("it has changed", 409, null);
      }
      return put(wanted);
    }

    private Lease put(Lease wanted) {
      version++;
      lease =
          new LeaseBuilder(wanted)
              .editOrNewMetadata()
              .withResourceVersion(version + "")
              .endMetadata()
              .build();
      return new LeaseBuilder(lease).build();
    }

    private void answer() {
      if (gone) {
        throw new KubernetesClientException("connection refused");
      }
    }
  }

  /** With a wall clock of its own. */
  private final class Replica implements Leadership.Listener {
    final List<String> told = new ArrayList<>();
    final Leadership leadership;
    boolean cannotTakeOver;

    Replica(String name, long wallSeconds) {
      leadership =
          new Leadership(
              server,
              name,
              LASTS,
              () -> Instant.ofEpochSecond(1_800_000_000L + wallSeconds),
              () -> nanos,
              this);
    }

    @Override
    public void onLead() {
      if (cannotTakeOver) {
        throw new KubernetesClientException("connection refused");
      }
      told.add("lead");
    }

    @Override
    public void onResign() {
      told.add("resign");
    }

    boolean leads() {
      return leadership.holds();
    }
  }

  private void pass(long millis) {
    nanos += Duration.ofMillis(millis).toNanos();
  }

  @Test
  void theFirstLeadsAndTheOthersKnowItsName() {
    Replica two = new Replica("two", 0);
    one.leadership.round();
    two.leadership.round();

    assertThat(one.leads()).isTrue();
    assertThat(two.leads()).isFalse();
    assertThat(two.leadership.holder()).isEqualTo("one");
    assertThat(two.leadership.isHeld()).isTrue();
    assertThat(one.told).containsExactly("lead");
  }

  @Test
  void oneThatLeadsRenewsWithoutReadingFirst() {
    one.leadership.round();
    int reads = server.reads;
    for (int i = 0; i < 10; i++) {
      pass(2000);
      one.leadership.round();
      assertThat(one.leads()).isTrue();
    }
    assertThat(server.reads).isEqualTo(reads);
  }

  @Test
  void oneThatLeadsReadsItWhereSomebodyWroteItOrDeletedIt() {
    one.leadership.round();
    var _ = server.put(Objects.requireNonNull(server.get()));
    pass(2000);
    one.leadership.round();
    pass(9000);
    assertThat(one.leads()).isTrue();
    server.lease = null;
    one.leadership.round();
    pass(9000);
    assertThat(one.leads()).isTrue();
    assertThat(one.told).containsExactly("lead");
  }

  @Test
  void oneThatRenewsLeadsOnWhateverOtherClocksSay() {
    Replica ahead = new Replica("ahead", 3600);
    for (int i = 0; i < 30; i++) {
      one.leadership.round();
      ahead.leadership.round();
      assertThat(one.leads()).isTrue();
      assertThat(ahead.leads()).isFalse();
      pass(2000);
    }
    assertThat(one.told).containsExactly("lead");
  }

  @Test
  void oneThatWasFrozenHoldsNothingFromItsFirstMomentOnAndBeforeAnotherMayLead() {
    Replica two = new Replica("two", -3600);
    one.leadership.round();
    two.leadership.round();
    pass(9_999);
    assertThat(one.leads()).isTrue();
    pass(1);
    assertThat(one.leads()).isFalse();
    pass(4_999);
    two.leadership.round();
    assertThat(two.leads()).isFalse();
    pass(1);
    assertThat(two.leadership.isHeld()).as("nobody renewed it").isFalse();
    two.leadership.round();
    assertThat(two.leads()).isTrue();

    // It goes on where it stood.
    one.leadership.round();
    assertThat(one.leads()).isFalse();
    assertThat(one.told).containsExactly("lead", "resign");
    assertThat(one.leadership.holder()).isEqualTo("two");
    assertThat(Objects.requireNonNull(server.lease).getSpec().getLeaseTransitions()).isEqualTo(1);
  }

  @Test
  void oneThatLostTheServerForTooLongBeginsAnew() {
    one.leadership.round();
    server.gone = true;
    pass(5000);
    one.leadership.round();
    assertThat(one.leads()).isTrue();
    pass(5000);
    one.leadership.round();
    assertThat(one.leads()).isFalse();
    server.gone = false;
    one.leadership.round();
    assertThat(one.told).containsExactly("lead", "resign", "lead");
  }

  @Test
  void aRenewalThatTookTooLongIsNoPauseBetweenTwoMoments() {
    one.leadership.round();
    pass(9000);
    server.meanwhile = () -> pass(2000);
    one.leadership.round();
    assertThat(one.leads()).isTrue();
    assertThat(one.told).containsExactly("lead", "resign", "lead");
  }

  @Test
  void ofTwoThatTakeItAtOnceOneLeads() {
    Replica two = new Replica("two", 0);
    Replica three = new Replica("three", 0);
    one.leadership.round();
    two.leadership.round();
    three.leadership.round();
    pass(LASTS.toMillis());
    server.meanwhile =
        () -> {
          server.meanwhile = () -> {};
          three.leadership.round();
        };
    two.leadership.round();
    assertThat(two.leads()).isFalse();
    assertThat(three.leads()).isTrue();
    two.leadership.round();
    assertThat(two.leadership.holder()).isEqualTo("three");
  }

  @Test
  void oneThatEndsGivesItUp() {
    Replica two = new Replica("two", 0);
    one.leadership.round();
    two.leadership.round();
    one.leadership.release();
    assertThat(one.leads()).isFalse();
    two.leadership.round();
    assertThat(two.leads()).isTrue();
  }

  @Test
  void oneThatCannotTakeOverDoesNotLeadAndTriesAgain() {
    one.cannotTakeOver = true;
    one.leadership.round();
    assertThat(one.leads()).isFalse();
    one.cannotTakeOver = false;
    pass(2000);
    one.leadership.round();
    assertThat(one.leads()).isTrue();
    assertThat(one.told).containsExactly("lead");
  }
}
