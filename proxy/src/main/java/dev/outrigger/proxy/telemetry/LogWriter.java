package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.AccessLogConfig.Target;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that writes access logs. Workers hand over whole buffers through a bounded queue
 * and never wait: what does not fit is dropped and counted.
 */
final class LogWriter implements AutoCloseable {
  /** The size of a buffer; one is handed over before it is full. */
  static final int BUFFER_BYTES = 64 * 1024;

  private static final Logger LOG = LoggerFactory.getLogger(LogWriter.class);
  private static final int WAITING_BUFFERS = 128;
  private static final int SPARE_BUFFERS = 16;
  private static final long CLOSE_MILLIS = 2000;
  private static final Chunk END = new Chunk(new Target.StandardOutput(), new byte[0], 0, 0);

  private final ArrayBlockingQueue<Chunk> waiting = new ArrayBlockingQueue<>(WAITING_BUFFERS);
  private final ArrayBlockingQueue<byte[]> spare = new ArrayBlockingQueue<>(SPARE_BUFFERS);
  private final LongAdder dropped = new LongAdder();
  private final Thread thread;

  /** Lines on their way to a target; the bytes are handed over, never shared. */
  @SuppressWarnings("ArrayRecordComponent")
  record Chunk(Target target, byte[] bytes, int length, int lines) {}

  private LogWriter() {
    this.thread = Thread.ofPlatform().name("outrigger-access-log").daemon().unstarted(this::run);
  }

  static LogWriter start() {
    LogWriter writer = new LogWriter();
    writer.thread.start();
    return writer;
  }

  /** Takes lines over, or drops them; returns whether the array now belongs to the writer. */
  boolean offer(Chunk chunk) {
    boolean taken = waiting.offer(chunk);
    if (!taken) {
      dropped.add(chunk.lines());
    }
    return taken;
  }

  /** An array to fill. */
  byte[] buffer() {
    byte[] used = spare.poll();
    return used == null ? new byte[BUFFER_BYTES] : used;
  }

  /** Lines that nobody will read. */
  long droppedLines() {
    return dropped.sum();
  }

  /** Writes what was handed over, for a bounded time. */
  @Override
  public void close() {
    try {
      if (waiting.offer(END, CLOSE_MILLIS, TimeUnit.MILLISECONDS)) {
        thread.join(CLOSE_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      thread.interrupt();
    }
  }

  private void run() {
    Map<Target, Sink> targets = new HashMap<>();
    try {
      while (true) {
        Chunk chunk = waiting.take();
        if (chunk.equals(END)) {
          break;
        }
        targets.computeIfAbsent(chunk.target(), Sink::new).write(chunk);
        if (chunk.bytes().length == BUFFER_BYTES) {
          boolean _ = spare.offer(chunk.bytes());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      targets.values().forEach(Sink::close);
    }
  }

  private final class Sink {
    private final Target where;
    private @Nullable OutputStream out;
    private boolean warned;

    Sink(Target where) {
      this.where = where;
    }

    void write(Chunk chunk) {
      try {
        OutputStream open = out;
        if (open == null) {
          open = open();
          out = open;
        }
        open.write(chunk.bytes(), 0, chunk.length());
        warned = false;
      } catch (IOException e) {
        dropped.add(chunk.lines());
        close();
        if (!warned) {
          warned = true;
          LOG.warn("access log {} cannot be written, lines are dropped: {}", where, e.getMessage());
        }
      }
    }

    private OutputStream open() throws IOException {
      return switch (where) {
        case Target.StandardOutput _ -> new FileOutputStream(FileDescriptor.out);
        case Target.StandardError _ -> new FileOutputStream(FileDescriptor.err);
        case Target.File file -> new FileOutputStream(file.path(), true);
      };
    }

    void close() {
      OutputStream open = out;
      out = null;
      if (open != null && where instanceof Target.File) {
        try {
          open.close();
        } catch (IOException e) {
          LOG.debug("access log {} did not close", where, e);
        }
      }
    }
  }
}
