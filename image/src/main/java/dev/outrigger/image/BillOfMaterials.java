package dev.outrigger.image;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is in the image, as CycloneDX 1.6: the libraries that Maven resolved with the hashes of
 * their jars, the Debian packages and the Java runtime. The same contents give the same bytes.
 */
final class BillOfMaterials {
  /** A line of {@code mvn dependency:list}: group, artifact, jar, classifier, version, scope. */
  private static final Pattern RESOLVED =
      Pattern.compile(
          "\\s+([\\w.-]+):([\\w.-]+):jar:(?:([\\w.-]+):)?([\\w.-]+):(?:compile|runtime)\\b.*");

  private static final Gson JSON =
      new GsonBuilder().disableHtmlEscaping().setPrettyPrinting().create();

  /** By their references, so that the order is one. */
  private final Map<String, JsonObject> components = new TreeMap<>();

  /**
   * Adds the libraries of a list that Maven's dependency plugin wrote.
   *
   * @throws IOException if a jar is missing, or the list is none
   */
  void addLibraries(Path list, Path jars) throws IOException {
    int before = components.size();
    for (String line : Files.readAllLines(list)) {
      Matcher resolved = RESOLVED.matcher(line);
      if (resolved.matches()) {
        addLibrary(
            resolved.group(1), resolved.group(2), resolved.group(3), resolved.group(4), jars);
      }
    }
    if (components.size() == before) {
      throw new IOException(list + " lists no libraries; expected what mvn dependency:list writes");
    }
  }

  /**
   * Adds one library.
   *
   * @param classifier of the jar; null for none
   * @throws IOException if the jar is missing
   */
  void addLibrary(
      String group, String artifact, @Nullable String classifier, String version, Path jars)
      throws IOException {
    String suffix = classifier == null ? "" : "-" + classifier;
    String purl =
        "pkg:maven/"
            + group
            + "/"
            + artifact
            + "@"
            + encoded(version)
            + (classifier == null ? "" : "?classifier=" + encoded(classifier) + "&type=jar");
    JsonObject component = component("library", artifact, version, purl);
    component.addProperty("group", group);
    JsonObject hash = new JsonObject();
    hash.addProperty("alg", "SHA-256");
    hash.addProperty(
        "content", Digest.hex(jars.resolve(artifact + "-" + version + suffix + ".jar")));
    JsonArray hashes = new JsonArray();
    hashes.add(hash);
    component.add("hashes", hashes);
  }

  /** Adds Debian packages: lines of name, version and architecture. */
  void addPackages(List<String> lines, String distribution) throws IOException {
    for (String line : lines) {
      String[] fields = line.strip().split("\\s+", -1);
      if (fields.length != 3) {
        throw new IOException("'" + line + "': expected a package's name, version, architecture");
      }
      String purl =
          "pkg:deb/debian/%s@%s?arch=%s&distro=%s"
              .formatted(encoded(fields[0]), encoded(fields[1]), encoded(fields[2]), distribution);
      component("library", fields[0], fields[1], purl);
    }
  }

  /** Adds the Java runtime by what its JDK says of itself in the file {@code release}. */
  void addRuntime(Path release) throws IOException {
    Map<String, String> facts = new TreeMap<>();
    for (String line : Files.readAllLines(release)) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        facts.put(line.substring(0, equals), line.substring(equals + 1).replace("\"", ""));
      }
    }
    String version = facts.getOrDefault("JAVA_RUNTIME_VERSION", facts.get("JAVA_VERSION"));
    if (version == null) {
      throw new IOException(release + " names no JAVA_VERSION");
    }
    String vendor = facts.getOrDefault("IMPLEMENTOR", "OpenJDK");
    JsonObject runtime =
        component("platform", "openjdk", version, "pkg:generic/openjdk@" + encoded(version));
    runtime.addProperty("publisher", vendor);
  }

  private JsonObject component(String type, String name, String version, String purl) {
    JsonObject component = new JsonObject();
    component.addProperty("type", type);
    component.addProperty("bom-ref", purl);
    component.addProperty("name", name);
    component.addProperty("version", version);
    component.addProperty("purl", purl);
    components.put(purl, component);
    return component;
  }

  /** All of it. */
  String json(String name, String version, long epochSecond) {
    JsonObject subject = new JsonObject();
    subject.addProperty("type", "container");
    subject.addProperty("bom-ref", name);
    subject.addProperty("name", name);
    subject.addProperty("version", version);
    JsonObject metadata = new JsonObject();
    metadata.addProperty("timestamp", Instant.ofEpochSecond(epochSecond).toString());
    metadata.add("component", subject);
    JsonArray all = new JsonArray();
    List<String> references = new ArrayList<>(components.keySet());
    components.values().forEach(all::add);
    JsonObject dependencies = new JsonObject();
    dependencies.addProperty("ref", name);
    dependencies.add("dependsOn", JSON.toJsonTree(references));
    JsonArray graph = new JsonArray();
    graph.add(dependencies);
    JsonObject bom = new JsonObject();
    bom.addProperty("bomFormat", "CycloneDX");
    bom.addProperty("specVersion", "1.6");
    // A number that is the contents' own, or else two builds would differ by it.
    bom.addProperty(
        "serialNumber",
        "urn:uuid:"
            + UUID.nameUUIDFromBytes((name + version + all).getBytes(StandardCharsets.UTF_8)));
    bom.addProperty("version", 1);
    bom.add("metadata", metadata);
    bom.add("components", all);
    bom.add("dependencies", graph);
    return JSON.toJson(bom) + "\n";
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("%7E", "~");
  }
}
