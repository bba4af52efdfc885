package dev.outrigger.proxy.bootstrap;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceLookup;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.Unresolved;
import io.envoyproxy.envoy.config.bootstrap.v3.LayeredRuntime;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the static layers of Envoy's runtime say about listeners: {@code
 * envoy.resource_limits.listener.NAME.connection_limit}. Keys that only switch Envoy's own code are
 * passed over; any other key is not supported.
 */
final class RuntimeLayers {
  private static final Pattern LIMIT =
      Pattern.compile("envoy\\.resource_limits\\.listener\\.(.+)\\.connection_limit");
  private static final Pattern ENVOYS_OWN =
      Pattern.compile("(envoy\\.(reloadable|restart)_features|re2)\\..*");

  private final Map<String, Integer> connectionLimits = new HashMap<>();

  /** Reads the layers; the later ones win. */
  static RuntimeLayers of(
      LayeredRuntime runtime,
      BiConsumer<String, String> problem,
      BiConsumer<String, String> unsupported) {
    RuntimeLayers layers = new RuntimeLayers();
    for (int i = 0; i < runtime.getLayersCount(); i++) {
      String path = "layered_runtime.layers[" + i + "].static_layer";
      Map<String, Value> keys = new HashMap<>();
      flatten("", runtime.getLayers(i).getStaticLayer(), keys);
      keys.forEach(
          (key, value) -> {
            Matcher limit = LIMIT.matcher(key);
            if (limit.matches()) {
              double number = value.getNumberValue();
              if (!value.hasNumberValue() || number < 1 || number != Math.rint(number)) {
                problem.accept(path, key + " must be a whole number of at least 1");
              } else {
                layers.connectionLimits.put(
                    limit.group(1), (int) Math.min(number, Integer.MAX_VALUE));
              }
            } else if (!ENVOYS_OWN.matcher(key).matches()) {
              unsupported.accept(path, "the key " + key);
            }
          });
    }
    return layers;
  }

  private static void flatten(String prefix, Struct struct, Map<String, Value> keys) {
    struct
        .getFieldsMap()
        .forEach(
            (name, value) -> {
              String key = prefix.isEmpty() ? name : prefix + "." + name;
              if (value.hasStructValue()) {
                flatten(key, value.getStructValue(), keys);
              } else {
                keys.put(key, value);
              }
            });
  }

  /** The listener with its limit, if there is one for its name. */
  Unresolved<ListenerConfig> limited(String name, Unresolved<ListenerConfig> listener) {
    @Nullable Integer limit = connectionLimits.get(name);
    return limit == null ? listener : new Limited(listener, limit);
  }

  private record Limited(Unresolved<ListenerConfig> listener, int limit)
      implements Unresolved<ListenerConfig> {
    @Override
    public Set<ResourceRef> needs() {
      return listener.needs();
    }

    @Override
    public ListenerConfig resolve(ResourceLookup resources) throws InvalidResourceException {
      ListenerConfig config = listener.resolve(resources);
      return new ListenerConfig(
          config.name(),
          config.addresses(),
          config.direction(),
          config.destination(),
          config.proxyProtocol(),
          config.inspectors(),
          config.detectionTimeout(),
          config.onDetectionTimeout(),
          config.chains(),
          config.defaultChain(),
          config.connectionBufferBytes(),
          config.backlog(),
          limit);
    }
  }
}
