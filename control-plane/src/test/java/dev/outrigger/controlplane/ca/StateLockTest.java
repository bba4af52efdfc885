package dev.outrigger.controlplane.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StateLockTest {
  @Test
  void oneAtATimeWorksWithAFolderAndTheNextTakesItsPlace(@TempDir Path folder) throws Exception {
    Path state = folder.resolve("state");
    StateLock first = StateLock.take(state);
    CompletableFuture<StateLock> second = new CompletableFuture<>();
    Thread waiting =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    second.complete(StateLock.take(state));
                  } catch (Exception e) {
                    second.completeExceptionally(e);
                  }
                });
    assertThat(waiting.join(java.time.Duration.ofMillis(200))).isFalse();
    assertThat(second).isNotDone();
    first.close();
    second.get(30, TimeUnit.SECONDS).close();
  }
}
