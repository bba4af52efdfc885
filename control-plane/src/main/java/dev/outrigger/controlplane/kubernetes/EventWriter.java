package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.kubernetes.Occurrence.Regarding;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells by events ({@code events.k8s.io/v1}) what came of objects. Only the replica that writes
 * statuses calls it. Confined to the thread that does.
 */
final class EventWriter {
  private static final Logger LOG = LoggerFactory.getLogger(EventWriter.class);
  private static final String GROUP = "events.k8s.io";
  private static final String VERSION = "v1";
  private static final int CONFLICT = 409;
  private static final int NOT_FOUND = 404;
  private static final int INCOMPLETE = 422;

  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(StatusWriter.MANAGER)
          .withForce(true)
          .build();

  private static final ResourceDefinitionContext EVENTS =
      new ResourceDefinitionContext.Builder()
          .withGroup(GROUP)
          .withVersion(VERSION)
          .withKind("Event")
          .withPlural("events")
          .withNamespaced(true)
          .build();

  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

  private final KubernetesClient client;
  private final String instance;
  private final Changes changes = new Changes();
  private final EventLog log = new EventLog();
  private Set<Regarding> present = new HashSet<>();
  private String lastFailure = "";

  /**
   * Writes nothing yet.
   *
   * @param instance which replica it is
   */
  EventWriter(KubernetesClient client, String instance) {
    this.client = client;
    this.instance = instance.isEmpty() ? "outrigger" : instance;
  }

  /**
   * Notes what is new about an object.
   *
   * @param status that it has or gets
   * @param run of an experiment; null for others, and for one that nobody ran
   */
  void look(
      WatchedKind kind,
      Verdict verdict,
      Map<String, Object> status,
      @Nullable ExperimentRun run,
      Instant now) {
    Regarding object =
        new Regarding(
            kind.apiVersion(),
            kind.kind(),
            verdict.key().namespace(),
            verdict.key().name(),
            verdict.uid());
    present.add(object);
    changes.in(object, status).forEach(one -> log.tell(one, now));
    if (run != null && kind.kind().equals("Experiment")) {
      @Nullable Occurrence news = changes.in(object, run, now);
      if (news != null) {
        log.tell(news, now);
      }
    }
  }

  /** Writes what is due, after a look at all objects. */
  void write(Instant now) {
    changes.retain(present);
    present = new HashSet<>();
    for (EventLog.Write one : log.due(now)) {
      try {
        write(one);
      } catch (KubernetesClientException e) {
        failed(e);
        if (e.getCode() == 0) {
          return; // Nobody answers. What is lost is lost: events are no record.
        }
      }
    }
  }

  private void write(EventLog.Write one) {
    if (one.count() > 1 && repeat(one)) {
      return;
    }
    String namespace = one.occurrence().regarding().namespace();
    GenericKubernetesResource event = named(one);
    event.setAdditionalProperties(fields(one));
    try {
      var _ =
          client.genericKubernetesResources(EVENTS).inNamespace(namespace).resource(event).create();
    } catch (KubernetesClientException e) {
      if (e.getCode() != CONFLICT) { // Another replica told it, or this one before a restart.
        throw e;
      }
    }
  }

  /**
   * Counts on, by server-side apply: another patch would read the event before. False where it has
   * gone meanwhile, as events do after an hour; the count alone makes none.
   */
  private boolean repeat(EventLog.Write one) {
    GenericKubernetesResource event = named(one);
    event.setAdditionalProperties(
        new LinkedHashMap<>(
            Map.of(
                "series",
                Map.of("count", one.count(), "lastObservedTime", MICROS.format(one.last())))));
    try {
      var _ =
          client
              .genericKubernetesResources(EVENTS)
              .inNamespace(one.occurrence().regarding().namespace())
              .withName(one.name())
              .patch(APPLY, event);
      return true;
    } catch (KubernetesClientException e) {
      if (e.getCode() == NOT_FOUND || e.getCode() == INCOMPLETE) {
        return false;
      }
      throw e;
    }
  }

  private static GenericKubernetesResource named(EventLog.Write one) {
    GenericKubernetesResource event = new GenericKubernetesResource();
    event.setApiVersion(GROUP + "/" + VERSION);
    event.setKind("Event");
    event.setMetadata(
        new ObjectMetaBuilder()
            .withName(one.name())
            .withNamespace(one.occurrence().regarding().namespace())
            .build());
    return event;
  }

  private Map<String, Object> fields(EventLog.Write one) {
    Occurrence occurrence = one.occurrence();
    Regarding object = occurrence.regarding();
    Map<String, Object> regarding = new LinkedHashMap<>();
    regarding.put("apiVersion", object.apiVersion());
    regarding.put("kind", object.kind());
    regarding.put("namespace", object.namespace());
    regarding.put("name", object.name());
    regarding.put("uid", object.uid());
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("eventTime", MICROS.format(one.last()));
    fields.put("reportingController", StatusWriter.CONTROLLER);
    fields.put("reportingInstance", instance);
    fields.put("type", occurrence.weight().text());
    fields.put("reason", occurrence.reason());
    fields.put("action", occurrence.action());
    fields.put("note", occurrence.note());
    fields.put("regarding", regarding);
    return fields;
  }

  /** Told once, and again when it is another. */
  private void failed(KubernetesClientException e) {
    String failure = String.valueOf(e.getMessage());
    if (!failure.equals(lastFailure)) {
      LOG.warn("an event could not be written: {}", failure);
      lastFailure = failure;
    }
  }
}
