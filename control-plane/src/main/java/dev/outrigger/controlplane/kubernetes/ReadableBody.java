package dev.outrigger.controlplane.kubernetes;

import io.fabric8.kubernetes.client.http.AsyncBody;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer, to be read while it comes. What has come and was not read is bounded. The
 * client's own stream hands on byte by byte, which took a quarter of a start with many pods. One
 * thread reads, another may bring.
 */
final class ReadableBody extends InputStream implements AsyncBody.Consumer<List<ByteBuffer>> {
  /** Where so many bytes wait to be read, no more are asked for. */
  static final int MOST = 256 << 10;

  private final Deque<ByteBuffer> parts = new ArrayDeque<>();
  private @Nullable AsyncBody source;
  private @Nullable Throwable failure;
  private long waiting;
  private boolean asked;
  private boolean ended;
  private boolean closed;

  /** Asks for the first bytes; called once, before anything is read. */
  void begin(AsyncBody body) {
    synchronized (this) {
      source = body;
      asked = true;
    }
    body.done().whenComplete((_, problem) -> end(problem));
    body.consume();
  }

  private synchronized void end(@Nullable Throwable problem) {
    ended = true;
    failure = problem;
    notifyAll();
  }

  @Override
  public void consume(List<ByteBuffer> value, AsyncBody body) {
    boolean more;
    synchronized (this) {
      if (closed) {
        return;
      }
      for (ByteBuffer part : value) {
        if (part.hasRemaining()) {
          parts.addLast(part);
          waiting += part.remaining();
        }
      }
      more = waiting < MOST;
      asked = more;
      notifyAll();
    }
    if (more) {
      body.consume();
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    if (length == 0) {
      return 0;
    }
    int count;
    boolean more;
    synchronized (this) {
      ByteBuffer first = first();
      if (first == null) {
        return -1;
      }
      count = Math.min(length, first.remaining());
      first.get(bytes, offset, count);
      waiting -= count;
      if (!first.hasRemaining()) {
        parts.removeFirst();
      }
      more = !asked && !ended && waiting < MOST / 2;
      asked |= more;
    }
    if (more && source != null) {
      source.consume();
    }
    return count;
  }

  /** Waits for bytes; null at the end. */
  private synchronized @Nullable ByteBuffer first() throws IOException {
    while (parts.isEmpty()) {
      if (closed) {
        throw new IOException("closed");
      }
      if (failure != null) {
        throw new IOException("the answer broke off", failure);
      }
      if (ended) {
        return null;
      }
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
    return parts.getFirst();
  }

  /** What is still to come is not wanted. */
  @Override
  public void close() {
    AsyncBody rest;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      parts.clear();
      rest = ended ? null : source;
      notifyAll();
    }
    if (rest != null) {
      rest.cancel();
    }
  }
}
