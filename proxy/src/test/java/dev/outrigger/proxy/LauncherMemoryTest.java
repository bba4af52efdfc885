package dev.outrigger.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.internal.CleanableDirectBuffer;
import io.netty.util.internal.PlatformDependent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the launcher's options make of the memory of buffers. */
class LauncherMemoryTest {
  private static final Path OPTIONS = Path.of("..", "cli", "launcher", "proxy.jvm");

  /** Runs in a process of its own. */
  static final class Asked {
    private Asked() {}

    public static void main(String[] none) {
      CleanableDirectBuffer one = PlatformDependent.allocateDirect(1 << 20);
      System.out.println("counted " + PlatformDependent.usedDirectMemory());
      one.clean();
      System.out.println("cleared " + !PlatformDependent.useDirectBufferNoCleaner());
      try {
        PlatformDependent.allocateDirect(257 << 20).clean();
        System.out.println("unbounded");
      } catch (OutOfMemoryError e) {
        System.out.println("bounded");
      }
    }
  }

  private static String ask() throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Files.readAllLines(OPTIONS));
    command.add("--sun-misc-unsafe-memory-access=allow"); // as the launcher says to every part
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Asked.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    return said;
  }

  @Test
  void buffersAreCountedAndBoundedButNotFilledWithZeros() throws Exception {
    assertThat(ask()).contains("counted 1048576", "cleared false", "bounded");
  }
}
