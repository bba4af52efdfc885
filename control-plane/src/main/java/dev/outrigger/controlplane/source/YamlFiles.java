package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.source.FolderReading.Content;
import dev.outrigger.controlplane.source.Problem.Code;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Finds and reads YAML files. */
final class YamlFiles {
  static final int MAX_FILE_BYTES = 1 << 20;
  static final int MAX_FILES = 5_000;
  private static final int MAX_DEPTH = 16;

  private final SortedMap<String, Path> files = new TreeMap<>();
  private final List<Path> folders = new ArrayList<>();
  private final List<Path> unreadable = new ArrayList<>();
  private final List<Problem> problems = new ArrayList<>();
  private final Set<Path> visited = new HashSet<>();

  private YamlFiles() {}

  /**
   * Looks for all {@code *.yaml} and {@code *.yml} below the paths; a path may be a file itself.
   * Names that begin with a dot are left out, such as the folders behind the symbolic links of a
   * mounted ConfigMap.
   */
  static YamlFiles under(List<Path> paths) {
    YamlFiles found = new YamlFiles();
    for (Path path : paths) {
      if (Files.isDirectory(path)) {
        found.visit(path, 0);
      } else if (Files.exists(path)) {
        found.files.put(path.toString(), path);
      } else {
        found.unreadable(path, "there is no such file or folder");
      }
    }
    return found;
  }

  SortedMap<String, Path> files() {
    return files;
  }

  /** All folders that were looked into. */
  List<Path> folders() {
    return folders;
  }

  /** Folders and paths that could not be looked into. */
  List<Path> unreadable() {
    return unreadable;
  }

  /** What kept files from being found. */
  List<Problem> problems() {
    return problems;
  }

  private void visit(Path folder, int depth) {
    try {
      if (depth > MAX_DEPTH || !visited.add(folder.toRealPath())) {
        return;
      }
      folders.add(folder);
      List<Path> entries = new ArrayList<>();
      try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
        stream.forEach(entries::add);
      }
      entries.sort(null);
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (name.startsWith(".")) {
          continue;
        }
        if (Files.isDirectory(entry)) {
          visit(entry, depth + 1);
        } else if (name.endsWith(".yaml") || name.endsWith(".yml")) {
          add(entry);
        }
      }
    } catch (IOException | java.nio.file.DirectoryIteratorException e) {
      unreadable(folder, "the folder cannot be read: " + e.getMessage());
    }
  }

  private void add(Path file) {
    if (files.size() < MAX_FILES) {
      files.put(file.toString(), file);
    } else if (files.size() == MAX_FILES && unreadable.isEmpty()) {
      unreadable(file, "more than " + MAX_FILES + " files; this one and others are not read");
    }
  }

  private void unreadable(Path path, String why) {
    unreadable.add(path);
    problems.add(problem(path.toString(), Code.UNREADABLE, why, ""));
  }

  private static Problem problem(String file, Code code, String message, String hint) {
    return new Problem(code, file, 0, 0, "", message, hint, null);
  }

  static Content read(Path path) {
    String name = path.toString();
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      if (!attributes.isRegularFile()) {
        return new Content.Unreadable(
            problem(name, Code.UNREADABLE, "this is no regular file", ""));
      }
      byte[] bytes;
      try (var in = Files.newInputStream(path)) {
        bytes = in.readNBytes(MAX_FILE_BYTES + 1);
      }
      if (bytes.length > MAX_FILE_BYTES) {
        return new Content.Unreadable(
            problem(
                name,
                Code.LIMIT,
                "the file is larger than " + MAX_FILE_BYTES / 1024 + "Ki",
                "split the file"));
      }
      return new Content.Text(
          StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return new Content.Unreadable(
          problem(name, Code.UNREADABLE, "the file is not UTF-8", "save it as UTF-8"));
    } catch (NoSuchFileException e) {
      return new Content.Unreadable(
          problem(name, Code.UNREADABLE, "the file vanished while it was read", ""));
    } catch (IOException e) {
      return new Content.Unreadable(
          problem(name, Code.UNREADABLE, "the file cannot be read: " + e.getMessage(), ""));
    }
  }
}
