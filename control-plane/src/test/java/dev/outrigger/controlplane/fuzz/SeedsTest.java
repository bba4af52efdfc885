package dev.outrigger.controlplane.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs every fuzz target over its seeds, which are {@code fuzz/<target>/*} among the resources:
 * examples, and all that fuzzing ever found; and over some changes of each.
 */
@Timeout(120)
final class SeedsTest {
  private static final int CHANGES = 60;

  static List<String> targets() throws IOException, URISyntaxException {
    Path classes =
        Path.of(SeedsTest.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(classes)) {
      return files
          .map(file -> classes.relativize(file).toString())
          .filter(name -> name.endsWith("Fuzz.class"))
          .map(name -> name.substring(0, name.length() - 6).replace('/', '.'))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("targets")
  void holdsForSeedsAndWhatIsNearThem(String target) throws Throwable {
    MethodHandle run =
        MethodHandles.publicLookup()
            .findStatic(
                Class.forName(target),
                "fuzzerTestOneInput",
                MethodType.methodType(void.class, byte[].class));
    List<byte[]> seeds = seeds(target);
    assertThat(seeds).as("seeds of " + target).hasSizeGreaterThan(2);
    SplittableRandom random = new SplittableRandom(7);
    for (byte[] seed : seeds) {
      hold(run, seed);
    }
    for (byte[] seed : seeds) {
      for (int i = 0; i < CHANGES; i++) {
        hold(run, changed(seed, seeds.get(random.nextInt(seeds.size())), random));
      }
    }
  }

  private static void hold(MethodHandle run, byte[] input) {
    try {
      run.invoke(input);
    } catch (Throwable e) {
      throw new AssertionError(
          "with the base64 "
              + Base64.getEncoder().encodeToString(input)
              + ", that is\n"
              + Oracle.latin1(input).replaceAll("[^\n -~]", "."),
          e);
    }
  }

  private static List<byte[]> seeds(String target) throws IOException, URISyntaxException {
    Path folder =
        Path.of(
            SeedsTest.class
                .getResource("/fuzz/" + target.substring(target.lastIndexOf('.') + 1))
                .toURI());
    List<byte[]> seeds = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        seeds.add(Files.readAllBytes(file));
      }
    }
    return seeds;
  }

  /** A few bytes other, gone, twice, or from another seed. */
  private static byte[] changed(byte[] seed, byte[] other, SplittableRandom random) {
    byte[] bytes = seed.clone();
    for (int changes = 1 + random.nextInt(3); changes > 0 && bytes.length > 0; changes--) {
      int at = random.nextInt(bytes.length);
      int end = Math.min(bytes.length, at + 1 + random.nextInt(12));
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes = joined(bytes, at, bytes, end);
        case 3 -> bytes = joined(bytes, end, bytes, at);
        default -> bytes = joined(bytes, at, other, random.nextInt(other.length + 1));
      }
    }
    return bytes;
  }

  private static byte[] joined(byte[] head, int headEnd, byte[] tail, int tailStart) {
    byte[] all = Arrays.copyOf(head, headEnd + tail.length - tailStart);
    System.arraycopy(tail, tailStart, all, headEnd, tail.length - tailStart);
    return all;
  }
}
