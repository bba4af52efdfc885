package dev.outrigger.controlplane.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.StandardHttpRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.zip.DataFormatException;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class UnzippingTest {
  private static final StandardHttpRequest REQUEST =
      new StandardHttpRequest.Builder().uri(URI.create("https://server/api/v1/pods")).build();

  private final ByteArrayOutputStream read = new ByteArrayOutputStream();

  private static final class Body implements AsyncBody {
    @Override
    public void consume() {}

    @Override
    public CompletableFuture<Void> done() {
      return new CompletableFuture<>();
    }

    @Override
    public void cancel() {}
  }

  private static byte[] zipped(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  /** What comes through of it, cut into pieces of so many bytes. */
  private String through(byte[] sent, int piece) throws Exception {
    read.reset();
    AsyncBody.Consumer<List<ByteBuffer>> consumer =
        new Unzipping()
            .consumer(
                (buffers, body) -> {
                  for (ByteBuffer one : buffers) {
                    byte[] bytes = new byte[one.remaining()];
                    one.get(bytes);
                    read.writeBytes(bytes);
                  }
                },
                REQUEST);
    for (int i = 0; i < sent.length; i += piece) {
      ByteBuffer one = ByteBuffer.wrap(sent, i, Math.min(piece, sent.length - i));
      consumer.consume(List.of(one), new Body());
    }
    return read.toString(StandardCharsets.UTF_8);
  }

  @Test
  void readsWhatIsCompressedHoweverItIsCut() throws Exception {
    String text = "{\"items\": [" + "{\"name\": \"pod\"}, ".repeat(20_000) + "]}";
    for (int piece : new int[] {1, 2, 3, 9, 10, 11, 4096, 1 << 20}) {
      assertThat(through(zipped(text), piece)).as("pieces of %d", piece).isEqualTo(text);
    }
  }

  @Test
  void leavesOtherBodiesAsTheyAre() throws Exception {
    for (String text : new String[] {"", "{}", "{\"kind\": \"Status\"}", "\u001fx"}) {
      for (int piece : new int[] {1, 2, 100}) {
        assertThat(through(text.getBytes(StandardCharsets.UTF_8), piece)).isEqualTo(text);
      }
    }
  }

  @Test
  void refusesAHeadItDoesNotKnow() throws IOException {
    byte[] zipped = zipped("text");
    zipped[3] = 8;
    assertThatThrownBy(() -> through(zipped, 100)).isInstanceOf(DataFormatException.class);
  }
}
