package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.ca.StateDisk;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports of the latest runs that are over, a file of the state folder for each run. A report that
 * cannot be written is lost, and nothing else: ends of experiments do not wait for it, nor for a
 * disk that hangs.
 */
public final class ReportStore {
  private static final Logger LOG = LoggerFactory.getLogger(ReportStore.class);

  private final Path folder;
  private final StateDisk disk;

  /** Those that the disk has not taken yet, the latest of each run. */
  private final Map<Run, Kept> waiting = new ConcurrentHashMap<>();

  private record Run(String key, String started) {}

  private record Kept(JsonObject report, int limit) {}

  private ReportStore(Path folder, StateDisk disk) {
    this.folder = folder;
    this.disk = disk;
  }

  /**
   * Opens the folder and makes it if there is none.
   *
   * @param disk writes them
   */
  public static ReportStore open(Path folder, StateDisk disk) throws IOException {
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    return new ReportStore(folder, disk);
  }

  /**
   * Keeps it in place of an earlier one of the same run, once the disk gets to it.
   *
   * @param key {@code namespace/name}
   * @param report not to be changed from now on
   * @param limit so many runs of this experiment are kept, 1 at least
   */
  void keep(String key, JsonObject report, int limit) {
    Run run = new Run(key, report.get("startedAt").getAsString());
    if (waiting.put(run, new Kept(report, limit)) == null) {
      disk.soon(
          () -> {
            @Nullable Kept latest = waiting.remove(run);
            if (latest != null) {
              write(run, latest.report(), latest.limit());
            }
          },
          e -> LOG.error("the report of {} is lost", key, e));
    }
  }

  private void write(Run run, JsonObject report, int limit) {
    String key = run.key();
    keep(file(key), key, report);
    if (limit > 1) {
      String started = run.started().replace(":", "");
      keep(folder.resolve(key.replace('/', '.') + "@" + started + ".json"), key, report);
    }
    try {
      List<Path> files = files(key);
      for (Path old : files.subList(Math.min(files.size(), limit > 1 ? limit : 0), files.size())) {
        Files.deleteIfExists(old);
      }
    } catch (IOException e) {
      LOG.warn("old reports of {} cannot be removed", key, e);
    }
  }

  /** Those of one experiment that are kept, the latest first. */
  List<JsonObject> all(String key) {
    try {
      List<JsonObject> reports =
          disk.now(() -> files(key).stream().map(this::read).filter(Objects::nonNull).toList());
      if (!reports.isEmpty()) {
        return reports;
      }
    } catch (IOException e) {
      LOG.warn("the reports of {} cannot be read", key, e);
    }
    @Nullable JsonObject one = find(key);
    return one == null ? List.of() : List.of(one);
  }

  /** Of its runs, the latest first. */
  private List<Path> files(String key) throws IOException {
    String prefix = key.replace('/', '.') + "@";
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> found =
        Files.newDirectoryStream(
            folder, file -> file.getFileName().toString().startsWith(prefix))) {
      found.forEach(files::add);
    }
    files.sort(Comparator.reverseOrder());
    return files;
  }

  private void keep(Path file, String key, JsonObject report) {
    try {
      Path fresh =
          Files.createTempFile(
              folder,
              "new",
              ".part",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      try {
        Files.writeString(fresh, report + "\n");
        Files.move(
            fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(fresh);
      }
    } catch (IOException e) {
      LOG.error("the report of {} is lost", key, e);
    }
  }

  /** Null where there is none that can be read. */
  @Nullable JsonObject find(String key) {
    Path file = file(key);
    try {
      return disk.<@Nullable JsonObject>now(() -> Files.exists(file) ? read(file) : null);
    } catch (IOException e) {
      LOG.warn("{} cannot be read", file, e);
      return null;
    }
  }

  private @Nullable JsonObject read(Path file) {
    try {
      return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    } catch (IOException | JsonParseException | IllegalStateException e) {
      LOG.warn("{} cannot be read", file, e);
      return null;
    }
  }

  private Path file(String key) {
    return folder.resolve(key.replace('/', '.') + ".json");
  }
}
