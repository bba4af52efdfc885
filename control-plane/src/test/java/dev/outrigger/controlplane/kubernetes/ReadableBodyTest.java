package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.client.http.AsyncBody;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ReadableBodyTest {
  private final ReadableBody body = new ReadableBody();
  private final Source source = new Source();

  /** Gives a part whenever it is asked, until there are none. */
  private final class Source implements AsyncBody {
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private int parts;
    private int length;
    private int given;
    private boolean cancelled;
    private @Nullable IOException problem;

    @Override
    public void consume() {
      if (given < parts) {
        byte[] part = new byte[length];
        Arrays.fill(part, (byte) given++);
        body.consume(List.of(ByteBuffer.allocate(0), ByteBuffer.wrap(part)), this);
      } else if (problem == null) {
        done.complete(null);
      } else {
        done.completeExceptionally(problem);
      }
    }

    @Override
    public CompletableFuture<Void> done() {
      return done;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }
  }

  @Test
  void givesAllBytesInTheirOrder() throws IOException {
    source.parts = 200;
    source.length = 3_000;
    body.begin(source);
    ByteArrayOutputStream wanted = new ByteArrayOutputStream();
    for (int i = 0; i < 200; i++) {
      for (int k = 0; k < 3_000; k++) {
        wanted.write(i);
      }
    }
    assertThat(body.read()).isZero();
    assertThat(body.readNBytes(2)).containsExactly(0, 0);
    assertThat(body.readAllBytes())
        .isEqualTo(Arrays.copyOfRange(wanted.toByteArray(), 3, wanted.size()));
    assertThat(body.read()).isEqualTo(-1);
    assertThat(source.cancelled).isFalse();
  }

  @Test
  void asksForNoMoreThanItHolds() throws IOException {
    source.parts = 1_000;
    source.length = 10_000;
    body.begin(source);
    int held = ReadableBody.MOST / source.length + 1;
    assertThat(source.given).isEqualTo(held);

    body.skipNBytes(ReadableBody.MOST / 4);
    assertThat(source.given).isEqualTo(held);

    body.skipNBytes(ReadableBody.MOST / 2);
    assertThat(source.given).isGreaterThan(held);
  }

  @Test
  void waitsForWhatIsToCome() throws Exception {
    try (ExecutorService other = Executors.newVirtualThreadPerTaskExecutor()) {
      AsyncBody later =
          new AsyncBody() {
            @Override
            public void consume() {}

            @Override
            public CompletableFuture<Void> done() {
              return source.done;
            }

            @Override
            public void cancel() {}
          };
      body.begin(later);
      var read = other.submit(body::readAllBytes);
      body.consume(List.of(ByteBuffer.wrap(new byte[] {1, 2})), later);
      body.consume(List.of(ByteBuffer.wrap(new byte[] {3})), later);
      source.done.complete(null);
      assertThat(read.get(10, TimeUnit.SECONDS)).containsExactly(1, 2, 3);
    }
  }

  @Test
  void whatBreaksOffIsNoEnd() throws IOException {
    source.parts = 1;
    source.length = 5;
    source.problem = new IOException("connection reset");
    body.begin(source);
    assertThat(body.readNBytes(5)).hasSize(5);
    assertThatThrownBy(body::read).isInstanceOf(IOException.class).hasRootCause(source.problem);
  }

  @Test
  void whoClosesWantsNoMore() throws IOException {
    source.parts = 1_000;
    source.length = 10_000;
    body.begin(source);
    body.close();
    body.close();
    assertThat(source.cancelled).isTrue();
    assertThatThrownBy(body::read).isInstanceOf(IOException.class).hasMessage("closed");
    int given = source.given;
    body.consume(List.of(ByteBuffer.wrap(new byte[1])), source);
    assertThat(source.given).isEqualTo(given);
  }
}
