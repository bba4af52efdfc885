package dev.outrigger.proxy.http.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.Http2Config.FrameLimits;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FloodLedgerTest {
  private final MockTicker ticker = Ticker.newMockTicker();
  private final FloodLedger ledger = new FloodLedger(FrameLimits.DEFAULT, ticker);

  /** How many come before it is too much. */
  private int allowed(FloodKind kind) {
    for (int i = 0; i < 1_000_000; i++) {
      if (ledger.tooMany(kind)) {
        return i;
      }
    }
    return Integer.MAX_VALUE;
  }

  @Test
  void eachKindHasItsOwnAllowance() {
    assertThat(allowed(FloodKind.PROVOKED_RESET)).isEqualTo(100);
    assertThat(allowed(FloodKind.RAPID_RESET)).isEqualTo(200);
    assertThat(allowed(FloodKind.PING)).isEqualTo(1000);
    assertThat(allowed(FloodKind.CONTINUATION)).isZero();
  }

  @Test
  void timeGivesATenthBackEachSecondUpToAllOfIt() {
    assertThat(allowed(FloodKind.PING)).isEqualTo(1000);
    ticker.advance(999, TimeUnit.MILLISECONDS);
    assertThat(allowed(FloodKind.PING)).isZero();
    ticker.advance(2, TimeUnit.SECONDS);
    assertThat(allowed(FloodKind.PING)).isEqualTo(200);
    ticker.advance(1, TimeUnit.HOURS);
    assertThat(allowed(FloodKind.PING)).isEqualTo(1000);
  }

  @Test
  void aClientMayCancelAsManyRequestsAsItLetsEnd() {
    for (int i = 0; i < 100_000; i++) {
      assertThat(ledger.tooMany(FloodKind.RAPID_RESET)).isFalse();
      ledger.ended();
    }
  }

  @Test
  void whatIsEarnedIsBounded() {
    for (int i = 0; i < 1_000_000; i++) {
      ledger.ended();
      ledger.sentData();
      ledger.opened();
    }
    assertThat(allowed(FloodKind.RAPID_RESET)).isEqualTo(20_000);
    assertThat(allowed(FloodKind.WINDOW_UPDATE)).isEqualTo(20_000);
    assertThat(allowed(FloodKind.PRIORITY)).isEqualTo(20_000);
    assertThat(allowed(FloodKind.PING)).isEqualTo(20_000);
  }

  @Test
  void eachFrameOfDataAllowsWindowUpdatesAndAPing() {
    allowed(FloodKind.WINDOW_UPDATE);
    allowed(FloodKind.PING);
    FloodLedger fresh = new FloodLedger(new FrameLimits(1, 1, 1, 5, 3), ticker);
    fresh.sentData();
    for (int i = 0; i < 1006; i++) {
      assertThat(fresh.tooMany(FloodKind.WINDOW_UPDATE)).isFalse();
    }
    assertThat(fresh.tooMany(FloodKind.WINDOW_UPDATE)).isTrue();
    fresh.opened();
    for (int i = 0; i < 10; i++) {
      assertThat(fresh.tooMany(FloodKind.PRIORITY)).isFalse();
    }
    assertThat(fresh.tooMany(FloodKind.PRIORITY)).isTrue();
  }

  @Test
  void emptyFramesAreCountedInARow() {
    assertThat(ledger.data(true)).isTrue();
    assertThat(ledger.data(false)).isTrue();
    assertThat(ledger.data(true)).isTrue();
    assertThat(ledger.data(true)).isFalse();
  }
}
