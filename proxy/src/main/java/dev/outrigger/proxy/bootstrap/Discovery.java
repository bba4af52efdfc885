package dev.outrigger.proxy.bootstrap;

import dev.outrigger.proxy.xds.AdsSettings;
import dev.outrigger.proxy.xds.StaticResources;
import io.envoyproxy.envoy.config.core.v3.Node;
import org.jspecify.annotations.Nullable;

/** What discovery takes from a bootstrap. */
public final class Discovery {
  /**
   * Metadata of the node by which a bootstrap file asks for faults; members of a mesh always do.
   * Other control planes may not know the type.
   */
  public static final String FAULTS = "outriggerFaults";

  private Discovery() {}

  /** What is asked for and as whom; null if nothing is dynamic. */
  public static @Nullable AdsSettings settings(LoadedBootstrap bootstrap, String version) {
    BootstrapConfig.Dynamic dynamic = bootstrap.config().dynamic();
    BootstrapConfig.AdsServer server = dynamic.ads();
    if (server == null) {
      return null;
    }
    Node node =
        bootstrap.proto().getNode().toBuilder()
            .setUserAgentName("outrigger")
            .setUserAgentVersion(version)
            .addClientFeatures("xds.config.resource-in-sotw")
            .build();
    boolean faults =
        bootstrap.options().faults()
            && (bootstrap.options().source() instanceof ProxyOptions.Source.Mesh
                || (node.getMetadata().getFieldsMap().containsKey(FAULTS)
                    && node.getMetadata().getFieldsOrThrow(FAULTS).getBoolValue()));
    return new AdsSettings(
        node,
        switch (server.variant()) {
          case STATE_OF_THE_WORLD -> AdsSettings.Variant.SOTW;
          case DELTA -> AdsSettings.Variant.DELTA;
        },
        dynamic.listeners() instanceof BootstrapConfig.Source.Ads,
        dynamic.clusters() instanceof BootstrapConfig.Source.Ads,
        faults,
        AdsSettings.DEFAULT_FETCH_TIMEOUT);
  }

  /** What the bootstrap lists itself. */
  public static StaticResources statics(LoadedBootstrap bootstrap) {
    BootstrapConfig config = bootstrap.config();
    return new StaticResources(config.listeners(), config.clusters(), config.secrets());
  }
}
