package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.AccessLogConfig.Target;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What one worker writes to one target: lines gather in a buffer that goes to the writer when it is
 * nearly full, or soon after its first line. Confined to its worker's event loop.
 */
@WorkerConfined
final class AccessLog {
  private static final int HAND_OVER_BYTES = LogWriter.BUFFER_BYTES / 2;
  private static final long HAND_OVER_MILLIS = 100;

  private final Worker worker;
  private final LogWriter writer;
  private final Target target;
  private final boolean nowhere;
  private final LogLine line;
  private int lines;
  private boolean scheduled;

  AccessLog(Worker worker, LogWriter writer, Target target) {
    this.worker = worker;
    this.writer = writer;
    this.target = target;
    this.nowhere = target instanceof Target.File file && file.path().equals("/dev/null");
    this.line = new LogLine(LogWriter.BUFFER_BYTES);
  }

  /** Writes a line. */
  void write(LogText text, LogEntry entry) {
    assert worker.isCurrent();
    text.write(line, entry);
    line.raw('\n');
    if (nowhere) {
      line.clear();
      return;
    }
    lines++;
    if (line.length() >= HAND_OVER_BYTES) {
      handOver();
    } else if (!scheduled) {
      scheduled = true;
      @Nullable Object _ =
          worker.loop().schedule(this::timePassed, HAND_OVER_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  /** Gives the writer what there is. */
  void handOver() {
    if (lines == 0) {
      return;
    }
    if (writer.offer(new LogWriter.Chunk(target, line.bytes(), line.length(), lines))) {
      line.continueIn(writer.buffer());
    } else {
      line.clear();
    }
    lines = 0;
  }

  private void timePassed() {
    scheduled = false;
    handOver();
  }
}
