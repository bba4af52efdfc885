package dev.outrigger.controlplane.kubernetes;

import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.BasicBuilder;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.Interceptor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Asks an API server to compress long answers, which the JDK's HTTP client does not, and reads
 * them. A list of pods becomes a twentieth of its size; without C2's intrinsics the TLS of the JDK
 * deciphers slower than this inflates.
 */
final class Unzipping implements Interceptor {
  @Override
  public void before(BasicBuilder builder, HttpRequest request, RequestTags tags) {
    builder.setHeader("Accept-Encoding", "gzip");
  }

  @Override
  public AsyncBody.Consumer<List<ByteBuffer>> consumer(
      AsyncBody.Consumer<List<ByteBuffer>> consumer, HttpRequest request) {
    return new Body(consumer);
  }

  /** One body; called by one thread at a time. JSON never begins like gzip, so none is mistaken. */
  private static final class Body implements AsyncBody.Consumer<List<ByteBuffer>> {
    /** Without optional parts, as Go writes it. */
    private static final int HEAD = 10;

    private static final int MAGIC_1 = 0x1f;
    private static final int MAGIC_2 = 0x8b;
    private static final int FLAGS_AT = 3;
    private static final int CHUNK = 64 << 10;

    private final AsyncBody.Consumer<List<ByteBuffer>> next;
    private final byte[] head = new byte[HEAD];
    private int headLength;
    private boolean plain;
    private boolean finished;
    private final Inflater inflater = new Inflater(true);

    Body(AsyncBody.Consumer<List<ByteBuffer>> next) {
      this.next = next;
    }

    @Override
    public void consume(List<ByteBuffer> value, AsyncBody body) throws Exception {
      if (plain) {
        next.consume(value, body);
        return;
      }
      List<ByteBuffer> out = new ArrayList<>();
      for (ByteBuffer in : value) {
        readHead(in, out);
        if (plain) {
          out.add(in);
        } else if (headLength == HEAD) {
          inflate(in, out);
        }
      }
      next.consume(out, body);
    }

    private void readHead(ByteBuffer in, List<ByteBuffer> out) throws DataFormatException {
      while (!plain && headLength < HEAD && in.hasRemaining()) {
        head[headLength++] = in.get();
        int at = headLength - 1;
        int one = head[at] & 0xff;
        if (at == 0 && one != MAGIC_1 || at == 1 && one != MAGIC_2) {
          plain = true;
          inflater.end();
          out.add(ByteBuffer.wrap(head, 0, headLength));
        } else if (at == FLAGS_AT && one != 0) {
          throw new DataFormatException("a gzip header with optional parts");
        }
      }
    }

    private void inflate(ByteBuffer in, List<ByteBuffer> out) throws DataFormatException {
      if (finished) {
        return; // The checksum, which TLS makes needless.
      }
      inflater.setInput(in);
      while (true) {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
        int length = inflater.inflate(chunk);
        if (length > 0) {
          // What waits to be read is counted by what it holds, not by the room that it takes.
          boolean small = length < CHUNK / 4;
          out.add(small ? ByteBuffer.wrap(Arrays.copyOf(chunk.array(), length)) : chunk.flip());
        }
        if (inflater.finished()) {
          finished = true;
          inflater.end();
          break;
        }
        if (length < CHUNK) {
          break; // Nothing is left in the inflater that it could have given.
        }
      }
    }
  }
}
