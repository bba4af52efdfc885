package dev.outrigger.proxy.leak;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.PooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class FailsOnLeaksTest {
  private static final int MANY = 50;

  private static void leak() {
    for (int i = 0; i < MANY; i++) {
      var _ = PooledByteBufAllocator.DEFAULT.directBuffer(16).writeLong(i);
    }
  }

  @Test
  void aBufferThatNobodyReleasesIsFound() {
    leak();
    // Those that share a stack are told once, so none is left to fail this class.
    List<String> found = new ArrayList<>();
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(
            () -> {
              found.addAll(FailsOnLeaks.leaks());
              return !found.isEmpty();
            });
    assertThat(found.getFirst()).contains("ByteBuf").contains("FailsOnLeaksTest.leak");
  }
}
