package dev.outrigger.e2e.harness;

import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.opentest4j.TestAbortedException;

/** The programs that tests use and do not bring: where they are, and free ports for them. */
public final class Peers {
  private static final int LOWEST_PORT = 12_000;
  private static final int PORTS = 20_000;
  private static final SecureRandom CHANCE = new SecureRandom();
  private static final Set<Integer> TAKEN = ConcurrentHashMap.newKeySet();

  private Peers() {}

  /**
   * A peer's program: by {@code OUTRIGGER_NAME}, in the peers' folder, on the path, or where Debian
   * keeps servers. Where it is missing the test is skipped, or fails if {@code
   * OUTRIGGER_PEERS=required}.
   */
  public static String require(String program) {
    Path found = find(program);
    if (found != null) {
      return found.toString();
    }
    String missing = "no '" + program + "' on this machine; `make peers` installs it";
    if ("required".equals(System.getenv("OUTRIGGER_PEERS"))) {
      throw new AssertionError(missing);
    }
    throw new TestAbortedException(missing);
  }

  private static @Nullable Path find(String program) {
    List<Path> places = new ArrayList<>();
    String named =
        System.getenv("OUTRIGGER_" + program.toUpperCase(java.util.Locale.ROOT).replace('-', '_'));
    if (named != null && !named.isEmpty()) {
      places.add(Path.of(named));
    }
    String cache = System.getenv("XDG_CACHE_HOME");
    String peers = System.getenv("OUTRIGGER_PEERS_DIR");
    Path usual =
        cache == null || cache.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(cache);
    places.add(
        (peers == null || peers.isEmpty() ? usual.resolve("outrigger/peers") : Path.of(peers))
            .resolve(program));
    for (String entry : System.getenv("PATH").split(File.pathSeparator, -1)) {
      places.add(Path.of(entry, program));
    }
    places.add(Path.of("/usr/sbin", program));
    places.add(Path.of("/sbin", program));
    try (var versions =
        Files.newDirectoryStream(
            FileSystems.getDefault().getPath("/usr/lib/postgresql").toAbsolutePath())) {
      versions.forEach(version -> places.add(version.resolve("bin").resolve(program)));
    } catch (IOException e) {
      // No PostgreSQL here.
    }
    return places.stream().filter(Files::isExecutable).findFirst().orElse(null);
  }

  /** True for the superuser, whom network namespaces and capture rules need. */
  public static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  /** Our own launcher with a verb and its arguments. */
  public static List<String> outrigger(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("outrigger.home"), "outrigger").toString());
    command.addAll(List.of(arguments));
    return command;
  }

  /**
   * Ports of loopback that were free a moment ago, all different, and below those that the kernel
   * gives to outgoing connections, which would take one before its owner does.
   */
  public static List<Integer> freePorts(int count) throws IOException {
    List<Integer> found = new ArrayList<>();
    while (found.size() < count) {
      int port = LOWEST_PORT + CHANCE.nextInt(PORTS);
      try (ServerSocket socket = new ServerSocket()) {
        socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 1);
        if (TAKEN.add(port)) {
          found.add(port);
        }
      } catch (BindException e) {
        // Somebody's.
      }
    }
    return found;
  }

  /** Replaces a file in one step, as editors and ConfigMaps do. */
  public static void replace(Path file, String text) throws IOException {
    Path next = file.resolveSibling("." + file.getFileName() + ".next");
    Files.writeString(next, text);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
