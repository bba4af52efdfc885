package dev.outrigger.controlplane.snapshot;

import com.google.protobuf.Any;
import dev.outrigger.controlplane.ads.VersionedResource;
import io.envoyproxy.envoy.config.core.v3.ExtensionConfigSource;
import io.envoyproxy.envoy.config.core.v3.TypedExtensionConfig;
import io.envoyproxy.envoy.extensions.filters.http.cors.v3.Cors;
import io.envoyproxy.envoy.extensions.filters.http.fault.v3.HTTPFault;
import java.time.Duration;
import java.util.Map;

/**
 * Whether an Envoy has a fault filter at all: a resource of its own (xDS: {@code
 * TypedExtensionConfig}, ECDS) with a lease. Its routes say what goes wrong where; without the
 * filter they say it to nobody. So a lease that passes ends the faults, whether the control plane
 * is there or not.
 */
public final class EnvoyFaultSwitch {
  /** The type of the resource. */
  public static final String TYPE_URL =
      "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

  /** A filter that without a policy of its own does nothing. */
  private static final Any NOTHING = Protos.pack(Cors.getDefaultInstance());

  private static final Any FAULTS = Protos.pack(HTTPFault.getDefaultInstance());

  private static final Map<String, VersionedResource> OFF =
      Map.of(NodeDescription.ENVOY_FAULT_FILTER, VersionedResource.of(filter(NOTHING)));

  private EnvoyFaultSwitch() {}

  /** The place of the filter in the listener, which never changes. */
  static ExtensionConfigSource discovery() {
    return ExtensionConfigSource.newBuilder()
        .setConfigSource(Protos.ADS)
        .setDefaultConfig(NOTHING)
        // A listener waits for nobody, and what is there when a lease has passed is this.
        .setApplyDefaultConfigWithoutWarming(true)
        .addTypeUrls(FAULTS.getTypeUrl())
        .addTypeUrls(NOTHING.getTypeUrl())
        .build();
  }

  /** No fault filter. */
  public static Map<String, VersionedResource> off() {
    return OFF;
  }

  /** A fault filter for as long as the lease. */
  public static Map<String, VersionedResource> on(Duration lease) {
    return Map.of(NodeDescription.ENVOY_FAULT_FILTER, VersionedResource.of(filter(FAULTS), lease));
  }

  private static TypedExtensionConfig filter(Any config) {
    return TypedExtensionConfig.newBuilder()
        .setName(NodeDescription.ENVOY_FAULT_FILTER)
        .setTypedConfig(config)
        .build();
  }
}
