package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.source.ClusterObjects.Observed;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.informers.cache.ItemStore;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an informer keeps: of each object only what tells its versions apart. The object itself is
 * read as soon as it is there, and goes on to the handler with what was read in place of its
 * fields: whole objects that wait, all pods of a cluster among them, would take much room.
 * Thread-safe.
 */
final class ObservedStore implements ItemStore<GenericKubernetesResource> {
  private static final Logger LOG = LoggerFactory.getLogger(ObservedStore.class);
  private static final String OBSERVED = "outrigger.dev/observed";

  private final Function<GenericKubernetesResource, Observed> reader;
  private final Map<String, GenericKubernetesResource> items = new ConcurrentHashMap<>();

  /**
   * @param reader reads what is kept of an object
   */
  ObservedStore(Function<GenericKubernetesResource, Observed> reader) {
    this.reader = reader;
  }

  /** What was read of an object that an informer hands over; null for one of which nothing is. */
  static @Nullable Observed take(GenericKubernetesResource resource) {
    return resource.getAdditionalProperties().get(OBSERVED) instanceof Observed observed
        ? observed
        : null;
  }

  @Override
  public String getKey(GenericKubernetesResource resource) {
    ObjectMeta metadata = resource.getMetadata();
    return metadata.getNamespace() == null
        ? metadata.getName()
        : metadata.getNamespace() + "/" + metadata.getName();
  }

  @Override
  public @Nullable GenericKubernetesResource put(String key, GenericKubernetesResource resource) {
    if (!resource.getAdditionalProperties().containsKey(OBSERVED)) {
      leave(resource, resource.getMetadata(), () -> reader.apply(resource));
    }
    GenericKubernetesResource kept = new GenericKubernetesResource();
    kept.setMetadata(resource.getMetadata());
    return items.put(key, kept);
  }

  /**
   * An object of which what is kept was read before an informer has it.
   *
   * @param metadata of which only what tells objects and their versions apart is kept
   */
  static GenericKubernetesResource observed(ObjectMeta metadata, Supplier<Observed> reader) {
    GenericKubernetesResource resource = new GenericKubernetesResource();
    leave(resource, metadata, reader);
    return resource;
  }

  private static void leave(
      GenericKubernetesResource resource, ObjectMeta whole, Supplier<Observed> reader) {
    @Nullable Observed read = null;
    try {
      read = reader.get();
    } catch (RuntimeException e) {
      // One that cannot be read must not keep the others from being read.
      LOG.error(
          "{} {}/{} cannot be read", resource.getKind(), whole.getNamespace(), whole.getName(), e);
    }
    ObjectMeta metadata = new ObjectMeta();
    metadata.setName(whole.getName());
    metadata.setNamespace(whole.getNamespace());
    metadata.setUid(whole.getUid());
    metadata.setResourceVersion(whole.getResourceVersion());
    Map<String, Object> properties = new HashMap<>(2);
    properties.put(OBSERVED, read);
    resource.setAdditionalProperties(properties);
    resource.setMetadata(metadata);
  }

  @Override
  public @Nullable GenericKubernetesResource remove(String key) {
    return items.remove(key);
  }

  @Override
  public Stream<String> keySet() {
    return items.keySet().stream();
  }

  @Override
  public Stream<GenericKubernetesResource> values() {
    return items.values().stream();
  }

  @Override
  public int size() {
    return items.size();
  }

  @Override
  public @Nullable GenericKubernetesResource get(String key) {
    return items.get(key);
  }

  /** So that nothing waits until all is read. */
  @Override
  public boolean isFullState() {
    return false;
  }
}
