package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import dev.outrigger.api.http.v1.Forwarded;
import dev.outrigger.proxy.config.ForwardedPolicy;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;

/** What is done with {@code forwarded}: a message of ours where Envoy has other detections. */
final class ForwardedDecoder {
  private ForwardedDecoder() {}

  static ForwardedPolicy decode(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    ForwardedPolicy policy = ForwardedPolicy.NONE;
    for (int i = 0; i < manager.getOriginalIpDetectionExtensionsCount(); i++) {
      Any any = manager.getOriginalIpDetectionExtensions(i).getTypedConfig();
      Scope at = scope.in("original_ip_detection_extensions", i);
      if (!any.is(Forwarded.class)) {
        at.in("typed_config").unsupported("expected outrigger.http.v1.Forwarded");
        continue;
      }
      if (!policy.equals(ForwardedPolicy.NONE)) {
        throw at.refuse("says a second time what is done with forwarded");
      }
      policy = policy(at.unpack(any, Forwarded.class), at.in("typed_config"));
    }
    return policy;
  }

  private static ForwardedPolicy policy(Forwarded forwarded, Scope scope)
      throws InvalidResourceException {
    String by = forwarded.getBy();
    if (!by.isEmpty() && !ForwardedPolicy.isObfuscated(by)) {
      throw scope
          .in("by")
          .refuse("is '" + by + "', expected an underscore before letters, digits, '.', '_', '-'");
    }
    ForwardedPolicy.Sent sent =
        switch (forwarded.getSent()) {
          case KEEP -> ForwardedPolicy.Sent.AS_IT_CAME;
          case REMOVE -> ForwardedPolicy.Sent.NOT_AT_ALL;
          case APPEND -> ForwardedPolicy.Sent.APPENDED;
          case UNRECOGNIZED -> throw scope.in("sent").refuse("is no known choice");
        };
    if (sent != ForwardedPolicy.Sent.APPENDED && (!by.isEmpty() || forwarded.getHost())) {
      throw scope
          .in(by.isEmpty() ? "host" : "by")
          .refuse("is part of an element, and none is put behind without sent: APPEND");
    }
    return new ForwardedPolicy(sent, forwarded.getClientAddress(), by, forwarded.getHost());
  }
}
