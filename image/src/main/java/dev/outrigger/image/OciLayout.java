package dev.outrigger.image;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * An image in the OCI image layout 1.1, as a folder and as an archive. The archive of one
 * platform's image is both an OCI archive and what {@code docker load} reads, so that any engine
 * takes it.
 */
final class OciLayout {
  private static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
  private static final String INDEX = "application/vnd.oci.image.index.v1+json";
  private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();

  private final Path folder;
  private final Path blobs;

  /** Makes an empty one in a folder that does not exist. */
  OciLayout(Path folder) throws IOException {
    this.folder = folder;
    this.blobs = Files.createDirectories(folder.resolve("blobs/sha256"));
  }

  /** Where layers go. */
  Path blobs() {
    return blobs;
  }

  /**
   * Writes what makes layers an image.
   *
   * @return the digest of its manifest, by which it is pulled
   */
  String finish(ImageSettings settings, List<Layer> layers) throws IOException {
    JsonObject config = blob("application/vnd.oci.image.config.v1+json", config(settings, layers));
    JsonObject manifest = new JsonObject();
    manifest.addProperty("schemaVersion", 2);
    manifest.addProperty("mediaType", MANIFEST);
    manifest.add("config", config);
    JsonArray descriptors = new JsonArray();
    for (Layer layer : layers) {
      descriptors.add(
          descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer.digest(), layer.size()));
    }
    manifest.add("layers", descriptors);
    manifest.add("annotations", labels(settings));
    JsonObject named = blob(MANIFEST, manifest);
    String digest = named.get("digest").getAsString();
    JsonObject platform = new JsonObject();
    platform.addProperty("architecture", settings.architecture());
    platform.addProperty("os", "linux");
    named.add("platform", platform);
    name(named, settings.reference());
    Files.write(folder.resolve("manifest.json"), dockerManifest(settings, config, layers));
    return digest;
  }

  /**
   * Writes what makes the images of other layouts one, of which each platform takes its own. Its
   * archive is for what reads the OCI layout: what {@code docker load} reads knows one platform.
   *
   * @param reference registry, repository and tag of the one
   * @param layouts folders with one image each, each for another platform
   * @return the digest of the index, by which it is pulled
   * @throws IOException if a layout cannot be read, or two are for one platform
   */
  String join(String reference, List<Path> layouts) throws IOException {
    TreeMap<String, JsonObject> manifests = new TreeMap<>();
    for (Path layout : layouts) {
      JsonObject index =
          JsonParser.parseString(Files.readString(layout.resolve("index.json"))).getAsJsonObject();
      for (JsonElement each : index.getAsJsonArray("manifests")) {
        JsonObject manifest = each.getAsJsonObject();
        // The one has the name; what it is made of has none.
        manifest.remove("annotations");
        String platform = manifest.getAsJsonObject("platform").get("architecture").getAsString();
        if (manifests.put(platform, manifest) != null) {
          throw new IOException(layout + ": another image is for " + platform + " too");
        }
      }
      try (var all = Files.list(layout.resolve("blobs/sha256"))) {
        for (Path blob : all.toList()) {
          Files.copy(blob, blobs.resolve(blob.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
    JsonObject named = blob(INDEX, index(manifests.values()));
    name(named, reference);
    return named.get("digest").getAsString();
  }

  /** Makes a manifest or an index what this layout is of. */
  private void name(JsonObject named, String reference) throws IOException {
    JsonObject names = new JsonObject();
    // The first is what containerd imports it as, the second what other tools do.
    names.addProperty("io.containerd.image.name", reference);
    names.addProperty("org.opencontainers.image.ref.name", ImageSettings.tag(reference));
    named.add("annotations", names);
    Files.write(folder.resolve("index.json"), bytes(index(List.of(named))));
    Files.writeString(folder.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
  }

  private static JsonObject index(Collection<JsonObject> descriptors) {
    JsonObject index = new JsonObject();
    index.addProperty("schemaVersion", 2);
    index.addProperty("mediaType", INDEX);
    JsonArray manifests = new JsonArray();
    descriptors.forEach(manifests::add);
    index.add("manifests", manifests);
    return index;
  }

  /** Writes the whole layout into one archive. */
  void archive(Path file, long epochSecond) throws IOException {
    try (var all = Files.walk(folder);
        TarWriter tar =
            new TarWriter(new BufferedOutputStream(Files.newOutputStream(file)), epochSecond)) {
      for (Path path : all.sorted().toList()) {
        String name = folder.relativize(path).toString();
        if (Files.isRegularFile(path)) {
          tar.file(name, 0644, path);
        } else if (!name.isEmpty()) {
          tar.folder(name, 0755);
        }
      }
    }
  }

  private static JsonObject config(ImageSettings settings, List<Layer> layers) {
    String created = Instant.ofEpochSecond(settings.epochSecond()).toString();
    JsonObject config = new JsonObject();
    config.addProperty("created", created);
    config.addProperty("architecture", settings.architecture());
    config.addProperty("os", "linux");
    JsonObject run = new JsonObject();
    run.addProperty("User", settings.user());
    run.add("Env", JSON.toJsonTree(settings.environment()));
    run.add("Entrypoint", JSON.toJsonTree(settings.entrypoint()));
    run.add("Cmd", JSON.toJsonTree(settings.command()));
    run.addProperty("WorkingDir", "/");
    run.add("Labels", labels(settings));
    config.add("config", run);
    JsonObject rootfs = new JsonObject();
    JsonArray ids = new JsonArray();
    JsonArray history = new JsonArray();
    for (Layer layer : layers) {
      ids.add("sha256:" + layer.diffId());
      JsonObject step = new JsonObject();
      step.addProperty("created", created);
      step.addProperty("created_by", "outrigger image: " + layer.name());
      history.add(step);
    }
    rootfs.addProperty("type", "layers");
    rootfs.add("diff_ids", ids);
    config.add("rootfs", rootfs);
    config.add("history", history);
    return config;
  }

  private static JsonObject labels(ImageSettings settings) {
    JsonObject labels = new JsonObject();
    for (String name : new TreeSet<>(settings.labels().keySet())) {
      labels.addProperty(name, settings.labels().get(name));
    }
    return labels;
  }

  private static byte[] dockerManifest(
      ImageSettings settings, JsonObject config, List<Layer> layers) {
    JsonObject image = new JsonObject();
    image.addProperty("Config", blobPath(config.get("digest").getAsString()));
    JsonArray tags = new JsonArray();
    tags.add(settings.reference());
    image.add("RepoTags", tags);
    JsonArray paths = new JsonArray();
    for (Layer layer : layers) {
      paths.add(blobPath("sha256:" + layer.digest()));
    }
    image.add("Layers", paths);
    JsonArray images = new JsonArray();
    images.add(image);
    return JSON.toJson(images).getBytes(StandardCharsets.UTF_8);
  }

  private static String blobPath(String digest) {
    return "blobs/" + digest.replace(':', '/');
  }

  private JsonObject blob(String mediaType, JsonObject content) throws IOException {
    byte[] bytes = bytes(content);
    String hex = Digest.hex(bytes);
    Files.write(blobs.resolve(hex), bytes);
    return descriptor(mediaType, hex, bytes.length);
  }

  private static JsonObject descriptor(String mediaType, String hex, long size) {
    JsonObject descriptor = new JsonObject();
    descriptor.addProperty("mediaType", mediaType);
    descriptor.addProperty("digest", "sha256:" + hex);
    descriptor.addProperty("size", size);
    return descriptor;
  }

  private static byte[] bytes(JsonObject json) {
    return JSON.toJson(json).getBytes(StandardCharsets.UTF_8);
  }
}
