package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceLookup;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.Unresolved;
import dev.outrigger.proxy.xds.TypeUrls;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Builds a configuration of nothing but static resources. Pure. */
public final class StaticAssembler {
  private StaticAssembler() {}

  /**
   * Resolves listeners and clusters against the secrets.
   *
   * @param listeners by name, in their order
   * @param clusters by name
   * @param secrets by name
   * @throws InvalidResourceException if a resource names another one that is not here
   */
  public static RuntimeConfig assemble(
      Map<String, Unresolved<ListenerConfig>> listeners,
      Map<String, Unresolved<ClusterConfig>> clusters,
      Map<String, SecretConfig> secrets)
      throws InvalidResourceException {
    ResourceLookup lookup = new StaticLookup(secrets);
    Map<String, ClusterConfig> resolvedClusters = new HashMap<>();
    for (Map.Entry<String, Unresolved<ClusterConfig>> entry : clusters.entrySet()) {
      checkNeeds(TypeUrls.CLUSTER, entry.getKey(), entry.getValue(), secrets);
      resolvedClusters.put(entry.getKey(), entry.getValue().resolve(lookup));
    }
    List<ListenerConfig> resolvedListeners = new ArrayList<>();
    for (Map.Entry<String, Unresolved<ListenerConfig>> entry : listeners.entrySet()) {
      checkNeeds(TypeUrls.LISTENER, entry.getKey(), entry.getValue(), secrets);
      resolvedListeners.add(entry.getValue().resolve(lookup));
    }
    return new RuntimeConfig(resolvedListeners, resolvedClusters);
  }

  private static void checkNeeds(
      String typeUrl, String name, Unresolved<?> resource, Map<String, SecretConfig> secrets)
      throws InvalidResourceException {
    for (ResourceRef need : resource.needs()) {
      if (!need.typeUrl().equals(TypeUrls.SECRET)) {
        throw new InvalidResourceException(
            typeUrl,
            name,
            "",
            "names the "
                + KnownTypes.nameIn(need.typeUrl())
                + " '"
                + need.name()
                + "', which only a control plane can send: dynamic_resources.ads_config is missing");
      }
      if (!secrets.containsKey(need.name())) {
        throw new InvalidResourceException(
            typeUrl,
            name,
            "",
            "names the secret '"
                + need.name()
                + "', which is not among static_resources.secrets"
                + (secrets.isEmpty() ? "" : "; there are " + String.join(", ", secrets.keySet())));
      }
    }
  }

  private record StaticLookup(Map<String, SecretConfig> secrets) implements ResourceLookup {
    @Override
    public RouteTableConfig routes(String name) {
      throw new IllegalStateException("no route table was asked for");
    }

    @Override
    public EndpointSet endpoints(String name) {
      throw new IllegalStateException("no endpoints were asked for");
    }

    @Override
    public SecretConfig secret(String name) {
      @Nullable SecretConfig secret = secrets.get(name);
      if (secret == null) {
        throw new IllegalStateException("the secret " + name + " was not asked for");
      }
      return secret;
    }
  }
}
