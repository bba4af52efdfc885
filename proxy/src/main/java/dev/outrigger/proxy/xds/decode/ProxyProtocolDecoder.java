package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import dev.outrigger.proxy.config.ProxyProtocol.Version;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.ProxyProtocolConfig;
import io.envoyproxy.envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol;
import java.util.EnumSet;
import java.util.Set;

/** The listener filter that reads the header of the PROXY protocol. */
final class ProxyProtocolDecoder {
  private ProxyProtocolDecoder() {}

  static boolean reads(Any any) {
    return any.is(ProxyProtocol.class);
  }

  static dev.outrigger.proxy.config.ProxyProtocol decode(Any any, Scope scope)
      throws InvalidResourceException {
    ProxyProtocol filter = scope.unpack(any, ProxyProtocol.class);
    Set<Version> versions = EnumSet.allOf(Version.class);
    for (int i = 0; i < filter.getDisallowedVersionsCount(); i++) {
      ProxyProtocolConfig.Version disallowed = filter.getDisallowedVersions(i);
      versions.remove(
          switch (disallowed) {
            case V1 -> Version.V1;
            case V2 -> Version.V2;
            case UNRECOGNIZED ->
                throw scope.in("disallowed_versions", i).refuse("is no known version");
          });
    }
    if (versions.isEmpty()) {
      throw scope.in("disallowed_versions").refuse("leaves no version that could be read");
    }
    return new dev.outrigger.proxy.config.ProxyProtocol(
        filter.getAllowRequestsWithoutProxyProtocol(), versions);
  }
}
