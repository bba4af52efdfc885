package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.source.ClusterObjects;
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
 * What is written: in the folder or the cluster, and submitted beside it. The folder's wins, and is
 * changed only there; in a cluster what was submitted is an object among the others. Not
 * thread-safe.
 */
final class ExperimentTexts {
  private final ExperimentDocuments documents;
  private Function<String, @Nullable String> folder = _ -> null;
  private DesiredState files = DesiredState.empty();
  private DesiredState state = DesiredState.empty();
  private @Nullable SharedExperiments cluster;

  ExperimentTexts(ExperimentDocuments documents) {
    this.documents = documents;
  }

  /** What is submitted from now on goes there. */
  void keepIn(SharedExperiments shared) {
    cluster = shared;
  }

  /** Where what is submitted goes; null for the state folder. */
  @Nullable SharedExperiments cluster() {
    return cluster;
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
   * Whether somebody else wrote the very same, in the folder or the cluster, so that there is
   * nothing to take.
   *
   * @throws RefusedException if another of that name is
   */
  boolean isElsewhere(Experiment experiment) {
    String key = keyOf(experiment);
    @Nullable Experiment there = in(files, key);
    if (there == null || wasSubmitted(key)) {
      return false;
    }
    if (!sameWords(there, experiment)) {
      throw new RefusedException(
          Refusal.ELSEWHERE,
          cluster == null
              ? key + " is written in the control plane's folder, and differs; change it there"
              : ("%s is an object that was not submitted here, and differs; change it where it"
                      + " comes from, such as `kubectl apply -f`, or choose another name")
                  .formatted(key));
    }
    return true;
  }

  /** Whether it is an object that came over the API of any replica. */
  private boolean wasSubmitted(String key) {
    return cluster != null && cluster.submitter(key) != null;
  }

  /** Whether both say the same; when a cluster took one is not part of what it says. */
  static boolean sameWords(Experiment one, Experiment other) {
    return undated(one).equals(undated(other));
  }

  private static Experiment undated(Experiment one) {
    ObjectMeta meta = one.meta();
    // A text may be one that kubectl showed.
    Map<String, String> annotations = new TreeMap<>(meta.annotations());
    annotations.remove(ClusterObjects.SUBMITTED_BY);
    return new Experiment(
        new ObjectMeta(meta.name(), meta.namespace(), meta.labels(), annotations),
        one.hypothesis(),
        one.owner(),
        one.faults(),
        one.duration(),
        one.lease(),
        one.seed(),
        one.start(),
        one.watch(),
        one.course());
  }

  /** Takes one that is not written elsewhere, where there is no cluster. */
  void put(Experiment experiment, String text) throws IOException {
    documents.put(experiment, text);
    state = documents.over(files);
  }

  /**
   * @throws RefusedException if somebody else wrote it, in the folder or the cluster
   */
  void refuseElsewhere(String key) {
    if (in(files, key) != null && !wasSubmitted(key)) {
      int slash = key.indexOf('/');
      throw new RefusedException(
          Refusal.ELSEWHERE,
          cluster == null
              ? key + " is written in the control plane's folder; remove it there"
              : "%s is an object that was not submitted here; remove it where it comes from:"
                      .formatted(key)
                  + " `kubectl -n %s delete experiment %s`"
                      .formatted(key.substring(0, slash), key.substring(slash + 1)));
    }
  }

  /** Whether it is an object of the cluster rather than a file of the state folder. */
  boolean isObject(String key) {
    return cluster != null && in(files, key) != null;
  }

  /** In whose name it was submitted to the cluster; empty where that is not known. */
  String submitter(String key) {
    @Nullable String who = cluster == null ? null : cluster.submitter(key);
    return who == null ? "" : who;
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
