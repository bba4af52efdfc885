package dev.outrigger.image;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Turns a folder with a file system into an image: {@code --root FOLDER --out FOLDER --name
 * REFERENCE …}. Called by {@code cli/image/build}, which makes the folder.
 *
 * <p>Each {@code --layer NAME=GLOB} is a layer of what no earlier one took, in the image's order;
 * each {@code --label NAME=VALUE} is one more label.
 *
 * <p>With {@code --join LAYOUT}, once for each platform, and {@code --out}, {@code --name} and
 * {@code --epoch}: makes the images of these layouts one with an index.
 */
public final class ImageBuild {
  private static final Set<String> KNOWN =
      Set.of(
          "--root",
          "--out",
          "--name",
          "--arch",
          "--epoch",
          "--version",
          "--label",
          "--join",
          "--layer",
          "--libraries",
          "--library-list",
          "--packages",
          "--distribution",
          "--release");

  private final Map<String, List<String>> options;

  private ImageBuild(Map<String, List<String>> options) {
    this.options = options;
  }

  /** Ends with 1 and a message if the image cannot be made. */
  public static void main(String[] arguments) {
    try {
      new ImageBuild(options(arguments)).run(System.out);
    } catch (IOException | UncheckedIOException | IllegalArgumentException e) {
      System.err.println("image: " + e.getMessage());
      System.exit(1);
    }
  }

  static Map<String, List<String>> options(String... arguments) {
    Map<String, List<String>> options = new LinkedHashMap<>();
    for (int i = 0; i < arguments.length; i += 2) {
      if (!KNOWN.contains(arguments[i]) || i + 1 == arguments.length) {
        throw new IllegalArgumentException(
            "'" + arguments[i] + "': expected an option with its value, of " + KNOWN);
      }
      options.computeIfAbsent(arguments[i], _ -> new ArrayList<>()).add(arguments[i + 1]);
    }
    return options;
  }

  private String one(String option) {
    List<String> values = options.getOrDefault(option, List.of());
    if (values.size() != 1) {
      throw new IllegalArgumentException(option + " is needed, once");
    }
    return values.getFirst();
  }

  private void run(PrintStream out) throws IOException {
    if (options.containsKey("--join")) {
      join(out, options.get("--join").stream().map(Path::of).toList());
    } else {
      build(out);
    }
  }

  private void join(PrintStream out, List<Path> layouts) throws IOException {
    Path folder = Path.of(one("--out"));
    OciLayout layout = new OciLayout(folder.resolve("oci"));
    String digest = layout.join(one("--name"), layouts);
    Path archive = folder.resolve("outrigger.tar");
    layout.archive(archive, Long.parseLong(one("--epoch")));
    Files.writeString(folder.resolve("digest"), digest + "\n");
    out.println(one("--name") + " " + digest);
    out.println(archive + " (" + mebibytes(Files.size(archive)) + ")");
  }

  private void build(PrintStream out) throws IOException {
    Path root = Path.of(one("--root"));
    Path folder = Path.of(one("--out"));
    long epoch = Long.parseLong(one("--epoch"));
    String version = one("--version");
    ImageSettings settings =
        new ImageSettings(
            one("--name"),
            one("--arch"),
            epoch,
            "65532:65532",
            List.of(
                "PATH=/outrigger/bin:/usr/sbin",
                // Without it Java takes the file system's names and the log for ASCII.
                "LANG=C.UTF-8",
                // One arena: a proxy's memory is Netty's, and malloc's arenas would only add to it.
                "MALLOC_ARENA_MAX=1",
                "MALLOC_MMAP_THRESHOLD_=8388608",
                "MALLOC_TRIM_THRESHOLD_=134217728"),
            List.of("/outrigger/bin/java"),
            List.of("@/outrigger/cli", "help"),
            labels(version));
    String bom = bill(settings, version, epoch);
    Files.writeString(root.resolve("outrigger/sbom.cdx.json"), bom);
    Files.writeString(folder.resolve("sbom.cdx.json"), bom);
    OciLayout layout = new OciLayout(folder.resolve("oci"));
    List<Layer> layers = layers(root, layout.blobs(), epoch);
    String digest = layout.finish(settings, layers);
    Path archive = folder.resolve("outrigger-" + settings.architecture() + ".tar");
    layout.archive(archive, epoch);
    Files.writeString(folder.resolve("digest"), digest + "\n");
    print(out, settings, layers, digest, archive);
  }

  private Map<String, String> labels(String version) {
    Map<String, String> labels = new LinkedHashMap<>();
    labels.put("org.opencontainers.image.title", "outrigger");
    labels.put("org.opencontainers.image.version", version);
    labels.put("org.opencontainers.image.licenses", "Apache-2.0");
    labels.put(
        "org.opencontainers.image.description",
        "A sidecar service mesh with chaos engineering built in.");
    for (String label : options.getOrDefault("--label", List.of())) {
      int equals = label.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException("--label " + label + ": expected NAME=VALUE");
      }
      labels.put(label.substring(0, equals), label.substring(equals + 1));
    }
    return labels;
  }

  private String bill(ImageSettings settings, String version, long epoch) throws IOException {
    BillOfMaterials bill = new BillOfMaterials();
    Path jars = Path.of(one("--libraries"));
    bill.addLibraries(Path.of(one("--library-list")), jars);
    bill.addLibrary("dev.outrigger", "outrigger-cli", null, version, jars);
    bill.addPackages(
        Files.readAllLines(Path.of(one("--packages")), StandardCharsets.UTF_8),
        one("--distribution"));
    bill.addRuntime(Path.of(one("--release")));
    return bill.json(settings.reference(), settings.tag(), epoch);
  }

  private List<Layer> layers(Path root, Path blobs, long epoch) throws IOException {
    List<Path> left = new ArrayList<>();
    try (var all = Files.walk(root)) {
      all.filter(path -> !path.equals(root) && (!isFolder(path) || isEmpty(path)))
          .sorted()
          .forEach(left::add);
    }
    Map<String, List<Path>> parts = new LinkedHashMap<>();
    for (String layer : options.getOrDefault("--layer", List.of())) {
      int equals = layer.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException("--layer " + layer + ": expected NAME=GLOB");
      }
      PathMatcher glob =
          FileSystems.getDefault().getPathMatcher("glob:" + layer.substring(equals + 1));
      List<Path> taken = left.stream().filter(p -> glob.matches(root.relativize(p))).toList();
      if (taken.isEmpty()) {
        throw new IllegalArgumentException("--layer " + layer + ": no file is like that");
      }
      parts.put(layer.substring(0, equals), taken);
      left.removeAll(Set.copyOf(taken));
    }
    if (!left.isEmpty()) {
      throw new IllegalArgumentException("no layer takes " + root.relativize(left.getFirst()));
    }
    // Compressing is all the time it takes.
    return parts.entrySet().parallelStream()
        .map(
            part -> {
              try {
                return Layer.write(part.getKey(), root, part.getValue(), blobs, epoch);
              } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
              }
            })
        .toList();
  }

  private static boolean isFolder(Path path) {
    return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
  }

  private static boolean isEmpty(Path folder) {
    try (var content = Files.list(folder)) {
      return content.findAny().isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  private static void print(
      PrintStream out, ImageSettings settings, List<Layer> layers, String digest, Path archive)
      throws IOException {
    out.printf(Locale.ROOT, "%-12s %12s %12s%n", "LAYER", "COMPRESSED", "UNPACKED");
    for (Layer layer : layers) {
      out.printf(
          Locale.ROOT,
          "%-12s %12s %12s%n",
          layer.name(),
          mebibytes(layer.size()),
          mebibytes(layer.unpacked()));
    }
    out.printf(
        Locale.ROOT,
        "%-12s %12s %12s%n",
        "all",
        mebibytes(layers.stream().mapToLong(Layer::size).sum()),
        mebibytes(layers.stream().mapToLong(Layer::unpacked).sum()));
    out.println(settings.reference() + " " + digest);
    out.println(archive + " (" + mebibytes(Files.size(archive)) + ")");
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
  }
}
