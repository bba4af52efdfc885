package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.ObjectKey;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All files of a folder at one moment, with the last good version of what is bad in them.
 * Immutable; each reading is made from the one before and the files as they are.
 */
final class FolderReading {
  /** A file as it was read: its text, or why there is none. */
  sealed interface Content {
    record Text(String text) implements Content {}

    record Unreadable(Problem problem) implements Content {}
  }

  /**
   * What came of a file.
   *
   * @param good what it contributes, with last good versions in place of bad ones
   */
  private record FileReading(
      Content content,
      List<DecodedDocument> documents,
      List<Problem> problems,
      Map<ObjectKey, MeshObject> good) {}

  private final SortedMap<String, FileReading> files;
  private final DesiredState state;
  private final List<Problem> problems;

  private FolderReading(
      SortedMap<String, FileReading> files, DesiredState state, List<Problem> problems) {
    this.files = files;
    this.state = state;
    this.problems = problems;
  }

  static FolderReading empty() {
    return new FolderReading(new TreeMap<>(), DesiredState.empty(), List.of());
  }

  DesiredState state() {
    return state;
  }

  /** All problems by file and line. */
  List<Problem> problems() {
    return problems;
  }

  /** Names of the files that were there. */
  Collection<String> files() {
    return files.keySet();
  }

  /**
   * The next reading.
   *
   * @param contents all files by name
   * @param more problems that belong to no file
   */
  FolderReading next(SortedMap<String, Content> contents, List<Problem> more) {
    SortedMap<String, FileReading> next = new TreeMap<>();
    contents.forEach((name, content) -> next.put(name, file(name, content, files.get(name))));
    List<Problem> all = new ArrayList<>(more);
    next.values().forEach(file -> all.addAll(file.problems()));
    Map<ObjectKey, MeshObject> objects = new LinkedHashMap<>();
    List<DecodedDocument> accepted = new ArrayList<>();
    Map<ObjectKey, DecodedDocument> owners = new HashMap<>();
    for (FileReading file : next.values()) {
      for (DecodedDocument document : file.documents()) {
        @Nullable ObjectKey key = document.key();
        if (key == null) {
          continue;
        }
        @Nullable DecodedDocument owner = owners.putIfAbsent(key, document);
        if (owner != null) {
          all.add(duplicate(document, key, owner));
        } else if (document.object() != null) {
          objects.put(key, document.object());
          accepted.add(document);
        }
      }
    }
    // Kept versions come second: what moved to another file must not be held by its old one.
    next.values().forEach(file -> file.good().forEach(objects::putIfAbsent));
    DesiredState state = DesiredState.of(objects.values());
    all.addAll(Semantics.check(state, accepted));
    return new FolderReading(next, state, all.stream().sorted().distinct().toList());
  }

  private static FileReading file(String name, Content content, @Nullable FileReading before) {
    if (before != null && before.content().equals(content)) {
      return before;
    }
    Map<ObjectKey, MeshObject> last = before == null ? Map.of() : before.good();
    return switch (content) {
      case Content.Unreadable unreadable ->
          new FileReading(content, List.of(), List.of(unreadable.problem()), last);
      case Content.Text text -> {
        List<DecodedDocument> documents = DocumentDecoder.decode(name, text.text());
        List<Problem> problems = new ArrayList<>();
        Map<ObjectKey, MeshObject> good = new LinkedHashMap<>();
        boolean unidentified = false;
        for (DecodedDocument document : documents) {
          problems.addAll(document.problems());
          @Nullable ObjectKey key = document.key();
          if (key == null) {
            unidentified = true;
            continue;
          }
          @Nullable MeshObject object =
              document.object() == null ? last.get(key) : document.object();
          if (object != null) {
            good.putIfAbsent(key, object);
          }
        }
        if (unidentified) {
          // Any of them may be the one that cannot be told, so none of them is given up.
          last.forEach(good::putIfAbsent);
        }
        yield new FileReading(content, documents, problems, good);
      }
    };
  }

  private static Problem duplicate(DecodedDocument document, ObjectKey key, DecodedDocument owner) {
    return new Problem(
        Code.DUPLICATE_OBJECT,
        document.file(),
        document.place().line(),
        document.place().column(),
        key.toString(),
        key + " is there already",
        "it counts at " + owner.whereabouts() + "; remove one of them",
        document.sourceLine());
  }
}
