package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.chaos.Refusal;
import dev.outrigger.controlplane.chaos.RefusedException;
import dev.outrigger.controlplane.chaos.SharedExperiments;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.source.ClusterObjects;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * Keeps experiments that are submitted over the API as objects of the cluster, by server-side apply
 * under the name of all that we write. It never forces: what somebody else wrote into such an
 * object stays, and who submits is told whose it is. Thread-safe.
 */
public final class ClusterExperiments implements SharedExperiments {
  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(StatusWriter.MANAGER)
          .withForce(false)
          .build();

  private static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

  private static final int UNPROCESSABLE = 422;

  /** Our own statuses are written into the objects, too. */
  private static final int MAX_RACES = 5;

  private final KubernetesClient client;
  private final KubernetesSource source;

  /**
   * @param client whose requests end in seconds, and are not tried again; stays the caller's
   * @param source is told of what is written
   */
  public ClusterExperiments(KubernetesClient client, KubernetesSource source) {
    this.client = client;
    this.source = source;
  }

  @Override
  public @Nullable String submitter(String key) {
    return source.submitter(key);
  }

  @Override
  public void put(Experiment experiment, String text, String who) throws IOException {
    ObjectMeta meta = experiment.meta();
    String key = meta.namespace() + "/" + meta.name();
    refuseUnread(meta.namespace());
    GenericKubernetesResource wanted = object(meta, specOf(text), who);
    GenericKubernetesResource answer;
    for (int race = 0; ; race++) {
      try {
        @Nullable GenericKubernetesResource there = resource(key).get();
        if (there != null) {
          refuseOthers(there, key);
        }
        // What somebody writes between these two is a conflict, not overwritten.
        wanted
            .getMetadata()
            .setResourceVersion(there == null ? null : there.getMetadata().getResourceVersion());
        answer = resource(key).patch(APPLY, wanted);
        break;
      } catch (KubernetesClientException e) {
        if (!isRace(e) || race >= MAX_RACES) {
          throw refused(e, key);
        }
      }
    }
    source.answered(answer);
  }

  @Override
  public void remove(String key) throws IOException {
    @Nullable String uid = null;
    for (int race = 0; ; race++) {
      try {
        @Nullable GenericKubernetesResource there = resource(key).get();
        if (there == null) {
          break;
        }
        refuseOthers(there, key);
        uid = there.getMetadata().getUid();
        var _ =
            resource(key).lockResourceVersion(there.getMetadata().getResourceVersion()).delete();
        break;
      } catch (KubernetesClientException e) {
        if (e.getCode() != HttpURLConnection.HTTP_CONFLICT || race >= MAX_RACES) {
          throw refused(e, key);
        }
      }
    }
    source.answeredGone(key, uid);
  }

  @Override
  public void refresh(String key) throws IOException {
    @Nullable GenericKubernetesResource there;
    try {
      there = resource(key).get();
    } catch (KubernetesClientException e) {
      throw new IOException(String.valueOf(e.getMessage()), e);
    }
    if (there == null) {
      source.answeredGone(key, null);
    } else {
      source.answered(there);
    }
  }

  private Resource<GenericKubernetesResource> resource(String key) {
    int slash = key.indexOf('/');
    return client
        .genericKubernetesResources(kind().context())
        .inNamespace(key.substring(0, slash))
        .withName(key.substring(slash + 1));
  }

  private WatchedKind kind() {
    return Objects.requireNonNull(source.watched("Experiment"));
  }

  private GenericKubernetesResource object(ObjectMeta meta, Object spec, String who) {
    GenericKubernetesResource object = new GenericKubernetesResource();
    object.setApiVersion(kind().apiVersion());
    object.setKind(kind().kind());
    Map<String, String> annotations = new LinkedHashMap<>(meta.annotations());
    annotations.remove(LAST_APPLIED);
    annotations.put(ClusterObjects.SUBMITTED_BY, who);
    object.setMetadata(
        new ObjectMetaBuilder()
            .withName(meta.name())
            .withNamespace(meta.namespace())
            .withLabels(meta.labels())
            .withAnnotations(annotations)
            .build());
    object.setAdditionalProperties(new LinkedHashMap<>(Map.of("spec", spec)));
    return object;
  }

  /** As it was submitted; what an object has beside it is the server's. */
  private static Object specOf(String text) {
    Object root = new Load(LoadSettings.builder().build()).loadFromString(text);
    return root instanceof Map<?, ?> map && map.get("spec") instanceof Map<?, ?> spec
        ? spec
        : Map.of();
  }

  private void refuseUnread(String namespace) {
    @Nullable String only = source.namespace();
    if (only != null && !only.equals(namespace)) {
      throw new RefusedException(
          Refusal.DOCUMENT,
          "this control plane reads the namespace %s alone, and the experiment is of %s"
              .formatted(only, namespace));
    }
  }

  private static void refuseOthers(GenericKubernetesResource there, String key) {
    Map<String, String> annotations = there.getMetadata().getAnnotations();
    if (annotations == null || !annotations.containsKey(ClusterObjects.SUBMITTED_BY)) {
      throw new RefusedException(
          Refusal.ELSEWHERE,
          "%s is an object that was not submitted here; change or delete it where it comes from,"
                  .formatted(key)
              + " such as with kubectl, or choose another name");
    }
  }

  /** Somebody wrote it since it was read, which is not yet a dispute about a field. */
  private static boolean isRace(KubernetesClientException e) {
    return e.getCode() == HttpURLConnection.HTTP_CONFLICT && !isDispute(e);
  }

  private static boolean isDispute(KubernetesClientException e) {
    return e.getStatus() != null
        && e.getStatus().getDetails() != null
        && e.getStatus().getDetails().getCauses() != null
        && e.getStatus().getDetails().getCauses().stream()
            .anyMatch(cause -> "FieldManagerConflict".equals(cause.getReason()));
  }

  private static RefusedException refused(KubernetesClientException e, String key) {
    String said =
        e.getStatus() == null || e.getStatus().getMessage() == null
            ? String.valueOf(e.getMessage())
            : e.getStatus().getMessage();
    return switch (e.getCode()) {
      case HttpURLConnection.HTTP_CONFLICT ->
          isDispute(e)
              ? new RefusedException(
                  Refusal.ELSEWHERE,
                  "somebody else has changed %s since it was submitted, and that stays: %s; change"
                          .formatted(key, said)
                      + " it there, or delete it first")
              : new RefusedException(
                  Refusal.STORE, "%s changes all the time; try again: %s".formatted(key, said));
      case HttpURLConnection.HTTP_BAD_REQUEST, UNPROCESSABLE ->
          new RefusedException(
              Refusal.DOCUMENT, "the API server does not take %s: %s".formatted(key, said));
      case HttpURLConnection.HTTP_NOT_FOUND ->
          new RefusedException(
              Refusal.DOCUMENT,
              "%s has no place in the cluster: %s; create its namespace first"
                  .formatted(key, said));
      case HttpURLConnection.HTTP_FORBIDDEN ->
          new RefusedException(
              Refusal.STORE,
              "the cluster does not let the control plane write %s: %s".formatted(key, said));
      default ->
          new RefusedException(
              Refusal.STORE,
              "the API server does not answer, so %s is as it was, or as it was asked for where the"
                      .formatted(key)
                  + " answer alone was lost; asking again does no harm: "
                  + said);
    };
  }
}
