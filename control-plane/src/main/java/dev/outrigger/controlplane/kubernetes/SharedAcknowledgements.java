package dev.outrigger.controlplane.kubernetes;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.net.HttpURLConnection;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What each replica says of its proxies, in a ConfigMap with an entry for each, which it alone
 * writes: by a patch of that entry, so that nobody waits for another. {@link #share} is confined to
 * one thread; what it writes at the moment of {@link #close} stays until it is old.
 */
final class SharedAcknowledgements implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SharedAcknowledgements.class);

  /** What a key of a ConfigMap may have. */
  private static final int MAX_KEY = 253;

  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);

  private final KubernetesClient client;
  private final String namespace;
  private final String name;
  private final String self;
  private final Installation installation;
  private final InstantSource clock;
  private final FellowLedger ledger;
  private @Nullable SharedIndexInformer<ConfigMap> informer;

  // Confined to the thread that shares.
  private boolean led;
  private String failure = "";

  /**
   * @param self unique among replicas
   * @param installation that the ConfigMap goes with
   * @param ledger made with {@link #key} of the same name
   */
  SharedAcknowledgements(
      KubernetesClient client,
      String namespace,
      String name,
      String self,
      Installation installation,
      InstantSource clock,
      FellowLedger ledger) {
    this.client = client;
    this.namespace = namespace;
    this.name = name;
    this.self = key(self);
    this.installation = installation;
    this.clock = clock;
    this.ledger = ledger;
  }

  /** The entry of a replica. */
  static String key(String replica) {
    int at = replica.indexOf('@');
    String key = (at < 0 ? replica : replica.substring(0, at)).replaceAll("[^-._a-zA-Z0-9]", "-");
    return key.substring(Math.max(0, key.length() - MAX_KEY));
  }

  /** Begins to follow the others; does not wait. */
  void start() {
    SharedIndexInformer<ConfigMap> started =
        client.configMaps().inNamespace(namespace).withName(name).runnableInformer(0);
    started.addEventHandler(
        new ResourceEventHandler<ConfigMap>() {
          @Override
          public void onAdd(ConfigMap map) {
            ledger.onEntries(entries(map));
          }

          @Override
          public void onUpdate(ConfigMap before, ConfigMap now) {
            ledger.onEntries(entries(now));
          }

          @Override
          public void onDelete(ConfigMap map, boolean unknown) {
            ledger.onEntries(Map.of());
          }
        });
    // Proxies are served without it.
    started.exceptionHandler((wasStarted, error) -> true);
    informer = started;
    var _ = started.start();
  }

  private static Map<String, String> entries(ConfigMap map) {
    return map.getData() == null ? Map.of() : map.getData();
  }

  /**
   * Says it to the others if that is due. Never throws.
   *
   * @param leads whether this replica leads; then it takes out entries of the dead
   * @return what the others said last, as far as they live
   */
  List<Acknowledgements> share(Acknowledgements own, boolean leads) {
    if (leads && !led) {
      // While the API server was away nobody could renew; who is dead is known a little later.
      ledger.freshen();
    }
    led = leads;
    String said = own.toJson();
    Set<String> gone = leads ? ledger.gone() : Set.of();
    if (ledger.isDue(said)) {
      ledger.onSpeak(said);
      try {
        write(said, gone);
        failure = "";
      } catch (KubernetesClientException e) {
        ledger.onUnheard();
        String text = String.valueOf(e.getMessage());
        if (!text.equals(failure)) {
          failure = text;
          LOG.warn("the other replicas cannot be told of our proxies yet: {}", text);
        }
      }
    }
    List<Acknowledgements> living = ledger.living();
    SharedIndexInformer<ConfigMap> started = informer;
    if (started == null || !started.hasSynced()) {
      // Nothing is true of all before it is known who they are.
      living.add(Acknowledgements.unknown("the other replicas"));
    }
    return living;
  }

  private void write(String said, Set<String> gone) {
    String entry = FellowLedger.entry(clock.instant().toString(), said);
    JsonObject data = new JsonObject();
    gone.forEach(one -> data.add(one, JsonNull.INSTANCE));
    data.addProperty(self, entry);
    try {
      patch(data);
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
        throw e;
      }
      create(entry);
    }
  }

  private void patch(JsonObject data) {
    JsonObject patch = new JsonObject();
    patch.add("data", data);
    // Of an object in hand: by its name alone it would be read before each patch.
    var _ = client.resource(named().build()).patch(MERGE, patch.toString());
  }

  private ConfigMapBuilder named() {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName(name)
        .withNamespace(namespace)
        .endMetadata();
  }

  private void create(String entry) {
    ConfigMap first =
        named()
            .editMetadata()
            .addToLabels("app.kubernetes.io/managed-by", "outrigger")
            .withOwnerReferences(installation.owners())
            .endMetadata()
            .addToData(self, entry)
            .build();
    // Another may have been faster; then the next round adds to it.
    var _ = client.resource(first).create();
  }

  /** Takes its entry out: its proxies are going to others. */
  @Override
  public void close() {
    SharedIndexInformer<ConfigMap> started = informer;
    if (started != null) {
      started.stop();
    }
    try {
      JsonObject data = new JsonObject();
      data.add(self, JsonNull.INSTANCE);
      patch(data);
    } catch (KubernetesClientException e) {
      LOG.warn("the entry of this replica stays until it is old: {}", e.getMessage());
    }
  }
}
