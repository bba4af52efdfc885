package dev.outrigger.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OciLayoutTest {
  private static final long EPOCH = 1_700_000_000;

  @TempDir private Path folder;

  private static ImageSettings settings(String reference) {
    return settings(reference, "amd64");
  }

  private static ImageSettings settings(String reference, String architecture) {
    return new ImageSettings(
        reference,
        architecture,
        EPOCH,
        "65532:65532",
        List.of("PATH=/bin"),
        List.of("/bin/run"),
        List.of("help"),
        Map.of("b", "2", "a", "1"));
  }

  /** A small file system, made with some permissions and at some time. */
  private List<Path> tree(Path root, String permissions, long time) throws IOException {
    List<Path> paths = new ArrayList<>();
    Files.createDirectories(root.resolve("bin"));
    Files.createDirectories(root.resolve("empty"));
    paths.add(Files.writeString(root.resolve("bin/run"), "#!"));
    paths.add(Files.writeString(root.resolve("bin/words"), "words\n"));
    paths.add(Files.createSymbolicLink(root.resolve("bin/too"), Path.of("run")));
    paths.add(root.resolve("empty"));
    Files.setPosixFilePermissions(
        root.resolve("bin/run"), PosixFilePermissions.fromString("rwx------"));
    Files.setPosixFilePermissions(
        root.resolve("bin/words"), PosixFilePermissions.fromString(permissions));
    Files.setLastModifiedTime(root.resolve("bin/words"), FileTime.fromMillis(time));
    return paths;
  }

  private String build(Path root, Path out, List<Path> paths) throws IOException {
    OciLayout layout = new OciLayout(out.resolve("oci"));
    Layer layer = Layer.write("all", root, paths, layout.blobs(), EPOCH);
    String digest = layout.finish(settings("example.com/one:1"), List.of(layer));
    layout.archive(out.resolve("image.tar"), EPOCH);
    return digest;
  }

  @Test
  void theSameFilesGiveTheSameImageWhoeverHasThemAndWhenever() throws IOException {
    List<Path> first = tree(folder.resolve("first"), "rw-------", 1);
    List<Path> second = tree(folder.resolve("second"), "rw-rw-r--", 2_000_000_000_000L);
    Collections.reverse(second);

    String one = build(folder.resolve("first"), folder.resolve("out1"), first);
    String two = build(folder.resolve("second"), folder.resolve("out2"), second);

    assertThat(two).isEqualTo(one);
    assertThat(folder.resolve("out2/image.tar"))
        .hasSameBinaryContentAs(folder.resolve("out1/image.tar"));
  }

  @Test
  void eachNameLeadsToWhatItSays() throws Exception {
    Path root = folder.resolve("root");
    Path out = folder.resolve("out");
    String digest = build(root, out, tree(root, "rw-r--r--", 1));
    Path oci = out.resolve("oci");

    JsonObject index = json(Files.readAllBytes(oci.resolve("index.json")));
    JsonObject named = index.getAsJsonArray("manifests").get(0).getAsJsonObject();
    assertThat(named.get("digest").getAsString()).isEqualTo(digest);
    assertThat(named.getAsJsonObject("annotations").get("io.containerd.image.name").getAsString())
        .isEqualTo("example.com/one:1");
    JsonObject manifest = json(blob(oci, named));
    JsonObject config = json(blob(oci, manifest.get("config")));
    assertThat(config.getAsJsonObject("config").get("User").getAsString()).isEqualTo("65532:65532");
    assertThat(config.get("created").getAsString()).isEqualTo("2023-11-14T22:13:20Z");
    byte[] packed = blob(oci, manifest.getAsJsonArray("layers").get(0));
    try (InputStream in = new GZIPInputStream(new java.io.ByteArrayInputStream(packed))) {
      assertThat(config.getAsJsonObject("rootfs").getAsJsonArray("diff_ids").get(0).getAsString())
          .isEqualTo("sha256:" + Digest.hex(in.readAllBytes()));
    }
    assertThat(listed(out.resolve("image.tar")))
        .contains("oci-layout")
        .contains("manifest.json")
        .contains("blobs/sha256/" + digest.substring("sha256:".length()));
  }

  /** A layout with one small image. */
  private Path layout(String name, String architecture) throws IOException {
    Path root = folder.resolve(name + "-root");
    List<Path> paths = tree(root, "rw-r--r--", 1);
    paths.add(Files.writeString(root.resolve("bin/machine"), architecture));
    OciLayout layout = new OciLayout(folder.resolve(name));
    Layer layer = Layer.write("all", root, paths, layout.blobs(), EPOCH);
    layout.finish(settings("example.com/one:1", architecture), List.of(layer));
    return folder.resolve(name);
  }

  @Test
  void anIndexLeadsEachPlatformToItsImageWhateverTheOrder() throws IOException {
    List<Path> layouts = List.of(layout("a", "amd64"), layout("b", "arm64"));
    Path oci = folder.resolve("both");
    String digest = new OciLayout(oci).join("example.com/one:1", layouts);
    String turned =
        new OciLayout(folder.resolve("turned")).join("example.com/one:1", layouts.reversed());
    assertThat(turned).isEqualTo(digest);

    JsonObject named =
        json(Files.readAllBytes(oci.resolve("index.json")))
            .getAsJsonArray("manifests")
            .get(0)
            .getAsJsonObject();
    assertThat(named.get("digest").getAsString()).isEqualTo(digest);
    assertThat(named.get("mediaType").getAsString()).endsWith("image.index.v1+json");
    assertThat(named.getAsJsonObject("annotations").get("io.containerd.image.name").getAsString())
        .isEqualTo("example.com/one:1");
    List<String> platforms = new ArrayList<>();
    for (JsonElement manifest : json(blob(oci, named)).getAsJsonArray("manifests")) {
      JsonObject image = json(blob(oci, manifest));
      blob(oci, image.getAsJsonArray("layers").get(0));
      String platform =
          manifest.getAsJsonObject().getAsJsonObject("platform").get("architecture").getAsString();
      assertThat(json(blob(oci, image.get("config"))).get("architecture").getAsString())
          .isEqualTo(platform);
      assertThat(manifest.getAsJsonObject().has("annotations")).isFalse();
      platforms.add(platform);
    }
    assertThat(platforms).containsExactly("amd64", "arm64");
  }

  @Test
  void anIndexWithTwoImagesForOnePlatformIsRefused() throws IOException {
    List<Path> layouts = List.of(layout("a", "amd64"), layout("b", "amd64"));
    OciLayout both = new OciLayout(folder.resolve("both"));
    assertThatThrownBy(() -> both.join("example.com/one:1", layouts))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("another image is for amd64 too");
  }

  /** The blob of a descriptor, which is what its digest and size say. */
  private static byte[] blob(Path oci, JsonElement descriptor) throws IOException {
    String digest = descriptor.getAsJsonObject().get("digest").getAsString();
    byte[] content = Files.readAllBytes(oci.resolve("blobs").resolve(digest.replace(':', '/')));
    assertThat("sha256:" + Digest.hex(content)).isEqualTo(digest);
    assertThat((long) content.length)
        .isEqualTo(descriptor.getAsJsonObject().get("size").getAsLong());
    return content;
  }

  private static JsonObject json(byte[] bytes) {
    return JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8)).getAsJsonObject();
  }

  @Test
  void tarReadsWhatIsWritten() throws Exception {
    String deep = "one/" + "deep/".repeat(25) + "file";
    Path file = folder.resolve("a.tar");
    try (TarWriter tar = new TarWriter(Files.newOutputStream(file), EPOCH)) {
      tar.folder("tmp", 01777);
      tar.file("run", 0755, "#!".getBytes(StandardCharsets.UTF_8));
      tar.link("too", "run");
      tar.file(deep, 0644, new byte[1234]);
    }
    assertThat(listed(file).lines())
        .containsExactly(
            "drwxrwxrwt 0/0               0 2023-11-14 22:13 tmp/",
            "-rwxr-xr-x 0/0               2 2023-11-14 22:13 run",
            "lrwxrwxrwx 0/0               0 2023-11-14 22:13 too -> run",
            "-rw-r--r-- 0/0            1234 2023-11-14 22:13 " + deep);
  }

  private static String listed(Path archive) throws Exception {
    ProcessBuilder tar =
        new ProcessBuilder("tar", "--list", "--verbose", "--numeric-owner", "--file", "" + archive);
    tar.environment().put("TZ", "UTC");
    tar.environment().put("LC_ALL", "C");
    Process process = tar.redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    return said;
  }

  @Test
  void aNameThatTarCannotHoldIsRefused() throws IOException {
    try (TarWriter tar = new TarWriter(java.io.OutputStream.nullOutputStream(), EPOCH)) {
      assertThatThrownBy(() -> tar.folder("x".repeat(101), 0755))
          .hasMessageContaining("too long a name");
      assertThatThrownBy(() -> tar.link("short", "y".repeat(101)))
          .hasMessageContaining("short: yyy");
    }
  }

  @Test
  void aReferenceWithoutRegistryOrTagIsRefused() {
    for (String wrong : List.of("outrigger", "ghcr.io/outrigger/outrigger", "Ghcr.io/a/b:1")) {
      assertThatThrownBy(() -> settings(wrong)).hasMessageContaining("registry/repository:tag");
    }
    assertThat(settings("localhost:5000/a/b:v1").tag()).isEqualTo("v1");
  }
}
