package dev.outrigger.proxy.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.AccessLogConfig.Target;
import dev.outrigger.proxy.telemetry.LogWriter.Chunk;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LogWriterTest {
  private static final byte[] TWO_LINES = "one\ntwo\n".getBytes(StandardCharsets.US_ASCII);

  @Test
  void whatDoesNotFitIsDroppedAndCountedAndNobodyWaits(@TempDir Path folder) throws Exception {
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    try (LogWriter writer = LogWriter.start()) {
      // Nobody reads the pipe: the writer's thread stands still, and this one does not.
      int taken = 0;
      for (int i = 0; i < 1000; i++) {
        Chunk chunk = new Chunk(new Target.File(pipe.toString()), TWO_LINES, TWO_LINES.length, 2);
        taken += writer.offer(chunk) ? 1 : 0;
      }
      assertThat(taken).isBetween(128, 129);
      assertThat(writer.droppedLines()).isEqualTo(2L * (1000 - taken));
      try (InputStream read = Files.newInputStream(pipe)) {
        assertThat(read.readNBytes(taken * TWO_LINES.length))
            .asString(StandardCharsets.US_ASCII)
            .isEqualTo("one\ntwo\n".repeat(taken));
      }
    }
  }
}
