import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Puts the jars of a class path into one: {@code java OneJar.java OUT JAR...}. The JVM opens every
 * jar of its class path as soon as something looks for a resource that is in none, which several
 * parts of the JDK do while a proxy starts; seventy jars cost it a tenth of a second, one does not.
 *
 * <p>As on a class path the first jar that has an entry wins, except that the files of services are
 * joined. Entries for a later Java release take the place of their older selves, as far as this
 * JVM's release. Left out: signatures, module descriptors, build files, and native libraries, which
 * the launcher keeps unpacked. Licences are kept under the name of their jar. Entries are sorted
 * and carry no date: the same jars give the same bytes.
 */
final class OneJar {
  private final Map<String, byte[]> entries = new TreeMap<>();

  public static void main(String[] arguments) throws IOException {
    OneJar made = new OneJar();
    for (String jar : Arrays.asList(arguments).subList(1, arguments.length)) {
      made.add(Path.of(jar));
    }
    made.write(Path.of(arguments[0]));
  }

  private void add(Path path) throws IOException {
    // Opened for a release, a jar gives each entry as that release sees it. Signatures are checked.
    try (JarFile jar = new JarFile(path.toFile(), true, ZipFile.OPEN_READ, Runtime.version())) {
      jar.versionedStream()
          .filter(entry -> !entry.isDirectory())
          .forEach(
              entry -> {
                try (InputStream content = jar.getInputStream(entry)) {
                  put(path, entry.getName(), content);
                } catch (IOException e) {
                  throw new UncheckedIOException(path + ": " + entry.getName(), e);
                }
              });
    }
  }

  private void put(Path jar, String name, InputStream content) throws IOException {
    if (name.startsWith("META-INF/services/")
        || name.equals("META-INF/io.netty.versions.properties")) {
      entries.merge(name, content.readAllBytes(), OneJar::joined);
    } else if (name.matches("META-INF/(.*/)?(LICENSE|LICENCE|NOTICE|COPYING|AL2|LGPL)[^/]*")
        || name.startsWith("META-INF/license/")) {
      entries.putIfAbsent(
          "META-INF/licenses/" + jar.getFileName() + name.substring("META-INF".length()),
          content.readAllBytes());
    } else if (!leftOut(name)) {
      entries.putIfAbsent(name, content.readAllBytes());
    }
  }

  private static boolean leftOut(String name) {
    return name.endsWith("module-info.class")
        || name.equals("META-INF/MANIFEST.MF")
        || name.equals("META-INF/INDEX.LIST")
        || name.startsWith("META-INF/maven/")
        || name.endsWith(".so")
        || name.startsWith("META-INF/native/")
        || name.startsWith("META-INF/native-image/")
        || name.startsWith("META-INF/proguard/")
        || name.endsWith(".proto")
        || name.matches("META-INF/[^/]*\\.(SF|RSA|DSA|EC)");
  }

  private static byte[] joined(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + 1 + second.length);
    both[first.length] = '\n';
    System.arraycopy(second, 0, both, first.length + 1, second.length);
    return both;
  }

  private void write(Path out) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(out))) {
      add(zip, "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        add(zip, entry.getKey(), entry.getValue());
      }
    }
  }

  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
