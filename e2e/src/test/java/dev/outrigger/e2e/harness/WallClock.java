package dev.outrigger.e2e.harness;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The wall clock of processes that a test starts, which can be set while they run. Needs a C
 * compiler; this machine's own clock is not touched, and neither are monotonic clocks.
 */
public final class WallClock {
  private final Path library;
  private final Path offset;

  /** One that goes right. */
  public WallClock(Path folder, String name) throws IOException, InterruptedException {
    library = folder.resolve("wall_clock.so");
    offset = folder.resolve(name + ".offset");
    if (!Files.exists(library)) {
      Path source = folder.resolve("wall_clock.c");
      try (var in =
          Objects.requireNonNull(WallClock.class.getResourceAsStream("/clock/wall_clock.c"))) {
        Files.copy(in, source);
      }
      try (Launched made =
          Launched.start(
              folder,
              "cc",
              java.util.List.of(
                  Peers.require("cc"), "-O2", "-shared", "-fPIC", "-o", "" + library, "" + source),
              Map.of())) {
        if (made.exit(Duration.ofSeconds(60)) != 0) {
          throw new AssertionError(made.said());
        }
      }
    }
    set(Duration.ZERO);
  }

  /** What a process needs in its environment to go by it. */
  public Map<String, String> environment() {
    return Map.of("LD_PRELOAD", library.toString(), "WALL_CLOCK_OFFSET", offset.toString());
  }

  /** Sets it at once: so much ahead of the right time, or behind where that is negative. */
  public void set(Duration ahead) throws IOException {
    ByteBuffer seconds = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
    seconds.putLong(ahead.toSeconds()).flip();
    // In place: the processes have it mapped.
    try (FileChannel file =
        FileChannel.open(offset, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      file.write(seconds, 0);
    }
  }

  /** The environment of a clock, or nothing where there is none. */
  public static Map<String, String> environment(@Nullable WallClock clock) {
    return clock == null ? Map.of() : clock.environment();
  }
}
