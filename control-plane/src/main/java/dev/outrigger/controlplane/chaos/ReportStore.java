package dev.outrigger.controlplane.chaos;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The report of each experiment's latest run that is over, a file of the state folder for each. A
 * report that cannot be written is lost, and nothing else: ends of experiments do not wait for it.
 */
public final class ReportStore {
  private static final Logger LOG = LoggerFactory.getLogger(ReportStore.class);

  private final Path folder;

  private ReportStore(Path folder) {
    this.folder = folder;
  }

  /** Opens the folder and makes it if there is none. */
  public static ReportStore open(Path folder) throws IOException {
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    return new ReportStore(folder);
  }

  /**
   * @param key {@code namespace/name}
   */
  void keep(String key, JsonObject report) {
    Path file = file(key);
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
    if (!Files.exists(file)) {
      return null;
    }
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
