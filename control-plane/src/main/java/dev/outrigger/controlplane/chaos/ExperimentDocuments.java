package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.source.Analysis;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Experiments that were submitted over the API rather than written into the folder: one file of the
 * state folder for each. Not thread-safe.
 */
public final class ExperimentDocuments {
  private static final Logger LOG = LoggerFactory.getLogger(ExperimentDocuments.class);
  private static final int MAX_DOCUMENTS = 1000;
  private static final int MAX_CHARS = 256 << 10;

  private final Path folder;
  private final StateDisk disk;
  private final Map<String, Document> documents = new ConcurrentSkipListMap<>();

  private record Document(Experiment experiment, String text) {}

  private ExperimentDocuments(Path folder, StateDisk disk) {
    this.folder = folder;
    this.disk = disk;
  }

  /**
   * Opens the folder and makes it if there is none. What cannot be understood any more is left out,
   * with a warning.
   *
   * @param disk writes them
   */
  public static ExperimentDocuments open(Path folder, StateDisk disk) throws IOException {
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    ExperimentDocuments opened = new ExperimentDocuments(folder, disk);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.yaml")) {
      for (Path file : files) {
        try {
          String text = Files.readString(file);
          Experiment experiment = parse(text);
          opened.documents.put(ExperimentTexts.keyOf(experiment), new Document(experiment, text));
        } catch (RefusedException e) {
          LOG.warn("{} is left out: {}", file, e.getMessage());
        }
      }
    }
    return opened;
  }

  /** What is written in the folder, with what was submitted; the folder's wins. */
  DesiredState over(DesiredState files) {
    if (documents.isEmpty()) {
      return files;
    }
    List<MeshObject> all = new ArrayList<>();
    documents.values().forEach(document -> all.add(document.experiment()));
    all.addAll(files.objects());
    return DesiredState.of(all);
  }

  /** As it was submitted, or null. */
  @Nullable String text(String key) {
    Document document = documents.get(key);
    return document == null ? null : document.text();
  }

  /**
   * One document.
   *
   * @throws RefusedException if it is not exactly one good experiment
   */
  static Experiment parse(String text) {
    if (text.length() > MAX_CHARS) {
      throw new RefusedException(
          Refusal.DOCUMENT, "the document is longer than " + MAX_CHARS + " characters");
    }
    Analysis analysis = Analysis.ofText("document", text);
    if (analysis.hasErrors()) {
      throw new RefusedException(
          Refusal.DOCUMENT,
          analysis.problems().stream()
              .map(
                  problem ->
                      "line "
                          + problem.line()
                          + ": ["
                          + problem.code().id()
                          + "] "
                          + problem.message()
                          + (problem.hint().isEmpty() ? "" : " (" + problem.hint() + ")"))
              .limit(20)
              .collect(Collectors.joining("; ")));
    }
    if (analysis.state().objects().size() != 1 || analysis.state().experiments().size() != 1) {
      throw new RefusedException(
          Refusal.DOCUMENT, "expected one Experiment, and nothing else, in one document");
    }
    return analysis.state().experiments().getFirst();
  }

  /**
   * Keeps it in place of one of the same name; on the disk when this returns.
   *
   * @throws IOException if the disk refuses, or does not answer in time; then it is not kept
   */
  void put(Experiment experiment, String text) throws IOException {
    String key = ExperimentTexts.keyOf(experiment);
    if (documents.size() >= MAX_DOCUMENTS && !documents.containsKey(key)) {
      throw new RefusedException(
          Refusal.DOCUMENT, "there are " + MAX_DOCUMENTS + " already; delete some");
    }
    disk.now(
        () -> {
          write(file(key), text);
          return true;
        },
        () -> restore(key));
    documents.put(key, new Document(experiment, text));
  }

  /** What came to the disk too late gives way to what was there. */
  private void restore(String key) throws IOException {
    @Nullable Document before = documents.get(key);
    if (before == null) {
      Files.deleteIfExists(file(key));
    } else {
      write(file(key), before.text());
    }
  }

  private void write(Path file, String text) throws IOException {
    Path fresh =
        Files.createTempFile(
            folder,
            "new",
            ".part",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(fresh);
    }
  }

  /**
   * Forgets it; whether it was there.
   *
   * @throws IOException if the disk refuses, or does not answer in time; then its file may stay
   */
  boolean remove(String key) throws IOException {
    boolean there = documents.remove(key) != null;
    if (there) {
      disk.now(() -> Files.deleteIfExists(file(key)));
    }
    return there;
  }

  /** A namespace has no dots, so that no two keys share a file. */
  private Path file(String key) {
    return folder.resolve(key.replace('/', '.') + ".yaml");
  }
}
