package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is written: in the folder, and submitted beside it. The folder's wins, and is changed only
 * there. Not thread-safe.
 */
final class ExperimentTexts {
  private final ExperimentDocuments documents;
  private Function<String, @Nullable String> folder = _ -> null;
  private DesiredState files = DesiredState.empty();
  private DesiredState state = DesiredState.empty();

  ExperimentTexts(ExperimentDocuments documents) {
    this.documents = documents;
  }

  /** Goes by what is written in the folder now. */
  void onFiles(DesiredState next) {
    files = next;
    state = documents.over(files);
  }

  /** All that is written. */
  DesiredState state() {
    return state;
  }

  /** All experiments by name. */
  Map<String, Experiment> experiments() {
    Map<String, Experiment> written = new TreeMap<>();
    state.experiments().forEach(one -> written.put(keyOf(one), one));
    return written;
  }

  /** Null where there is none. */
  @Nullable Experiment experiment(String key) {
    return in(state, key);
  }

  /**
   * @throws RefusedException if there is none of that name
   */
  Experiment find(String key) {
    @Nullable Experiment experiment = experiment(key);
    if (experiment != null) {
      return experiment;
    }
    throw new RefusedException(Refusal.UNKNOWN, "there is no experiment " + key + others(key));
  }

  /** What may have been meant: one of the same name elsewhere, or any. */
  private String others(String key) {
    List<String> known =
        state.experiments().stream().map(ExperimentTexts::keyOf).limit(20).toList();
    String name = key.substring(key.indexOf('/') + 1);
    return known.stream()
        .filter(one -> one.substring(one.indexOf('/') + 1).equals(name))
        .findFirst()
        .map(one -> "; did you mean " + one + "?")
        .orElse(known.isEmpty() ? "" : "; there are " + known);
  }

  /** As it was submitted, or stands in the folder; null where it cannot be read. */
  @Nullable String document(String key) {
    @Nullable String submitted = documents.text(key);
    return submitted == null ? folder.apply(key) : submitted;
  }

  /** Reads documents of the folder by this from now on. */
  void readFolderBy(Function<String, @Nullable String> reader) {
    folder = reader;
  }

  /**
   * Whether the very same is written in the folder, so that there is nothing to take.
   *
   * @throws RefusedException if another of that name is
   */
  boolean isInFolder(Experiment experiment) {
    String key = keyOf(experiment);
    @Nullable Experiment there = in(files, key);
    if (there != null && !there.equals(experiment)) {
      throw new RefusedException(
          Refusal.IN_FOLDER,
          key + " is written in the control plane's folder, and differs; change it there");
    }
    return there != null;
  }

  /** Takes one that is not in the folder. */
  void put(Experiment experiment, String text) throws IOException {
    documents.put(experiment, text);
    state = documents.over(files);
  }

  /**
   * @throws RefusedException if it is written in the folder
   */
  void refuseFolders(String key) {
    if (in(files, key) != null) {
      throw new RefusedException(
          Refusal.IN_FOLDER, key + " is written in the control plane's folder; remove it there");
    }
  }

  /** Forgets a submitted one; it is forgotten here even if its file stays. */
  void remove(String key) throws IOException {
    try {
      documents.remove(key);
    } finally {
      state = documents.over(files);
    }
  }

  private static @Nullable Experiment in(DesiredState state, String key) {
    int slash = key.indexOf('/');
    return slash < 0 ? null : state.experiment(key.substring(0, slash), key.substring(slash + 1));
  }

  static String keyOf(Experiment experiment) {
    return experiment.meta().namespace() + "/" + experiment.meta().name();
  }

  /** Tells one text from another. */
  static String fingerprint(Experiment experiment) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(experiment.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
