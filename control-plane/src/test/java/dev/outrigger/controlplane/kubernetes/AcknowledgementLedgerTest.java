package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.ads.ProxyStatus;
import dev.outrigger.controlplane.ads.Variant;
import dev.outrigger.controlplane.source.ClusterKey;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class AcknowledgementLedgerTest {
  private static final ClusterKey KEY = new ClusterKey("TrafficPolicy", "shop", "web");
  private final AcknowledgementLedger ledger = new AcknowledgementLedger();

  private static ObjectVersions generation(long generation) {
    return ObjectVersions.of(
        List.of(new Verdict(KEY, "u", generation, List.of(), List.of(), List.of(), null, Map.of())),
        Map.of());
  }

  /** Proxies p0, p1 and so on, settled up to these. */
  private Acknowledgements look(long generation, long change, long... settled) {
    List<ProxyStatus> proxies = new ArrayList<>();
    for (long one : settled) {
      String name = "p" + proxies.size();
      proxies.add(
          new ProxyStatus(1, name, name, "", "", "", Variant.DELTA, Instant.EPOCH, one, Map.of()));
    }
    return ledger.look("cp", generation(generation), change, proxies, Set.of());
  }

  private static boolean has(Acknowledgements all, long generation) {
    return all.had().agree(generation(generation), KEY);
  }

  @Test
  void whatWasReadCountsFromTheNextLookOnWhenSessionsHaveBeenTold() {
    assertThat(has(look(1, 7, 7, 7), 1)).isFalse();
    assertThat(has(look(1, 7, 7, 7), 1)).isTrue();
  }

  @Test
  void allHaveWhatTheSlowestHas() {
    var _ = look(1, 7, 7, 7);
    var _ = look(1, 7, 7, 7);
    var _ = look(2, 8, 8, 7);
    Acknowledgements all = look(2, 8, 8, 7);

    assertThat(has(all, 1)).isTrue();
    assertThat(all.behind().some()).containsExactly("p1");
    assertThat(all.told()).isEqualTo(generation(2));
    all = look(2, 9, 9, 8);
    assertThat(has(all, 2)).as("the change that it lacks is a later one").isTrue();
    assertThat(all.behind().isEmpty()).isTrue();
  }

  @Test
  void oneThatHasAnsweredNothingYetHasNothing() {
    var _ = look(1, 7, 7);
    Acknowledgements all = look(1, 7, 7, -1);

    assertThat(has(all, 1)).isFalse();
    assertThat(all.behind().some()).containsExactly("p1");
    assertThat(has(look(1, 8, 7, 8), 1)).as("it has caught up").isTrue();
  }

  @Test
  void withoutProxiesNobodyIsBehind() {
    var _ = look(3, 0);
    assertThat(has(look(3, 0), 3)).isTrue();
  }

  @Test
  void changesThatNeverEndKeepNobodyFromBeingSettled() {
    long change = 10;
    Acknowledgements all = look(1, change, change);
    for (int i = 2; i < 1_000; i++) {
      change += 5;
      // Each look finds a new version, and a proxy that is one look behind.
      all = look(i, change, change - 5);
    }
    assertThat(has(all, 997)).isTrue();
  }

  @Test
  void oneThatIsFrozenHidesOnlyWhatCameAfterItAndTheRestIsForgotten() {
    var _ = look(1, 1, 1, 1);
    var _ = look(1, 1, 1, 1);
    Acknowledgements all = look(2, 2, 2, 1);
    for (int i = 3; i < 1_000; i++) {
      all = look(i, i, i, 1);
    }
    assertThat(has(all, 1)).isTrue();
    assertThat(all.told()).isEqualTo(generation(998));
    assertThat(all.behind().some()).containsExactly("p1");
    long[] settled = new long[2];
    Arrays.fill(settled, 1_000);
    assertThat(has(look(999, 1_000, settled), 999)).isTrue();
  }
}
