package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceType;
import dev.outrigger.proxy.xds.TypeUrls;
import dev.outrigger.tls.SpiffeId;
import io.envoyproxy.envoy.config.core.v3.Locality;
import io.envoyproxy.envoy.config.core.v3.Metadata;
import io.envoyproxy.envoy.config.endpoint.v3.ClusterLoadAssignment;
import io.envoyproxy.envoy.config.endpoint.v3.LbEndpoint;
import io.envoyproxy.envoy.config.endpoint.v3.LocalityLbEndpoints;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The endpoints of a cluster. */
public final class EndpointDecoder implements ResourceType<ClusterLoadAssignment, EndpointSet> {
  private static final int MAX_PRIORITY = 128;
  private static final String TLS_LABELS = "envoy.transport_socket_match";

  /** The name of our own entry in metadata. */
  static final String OWN = "outrigger.dev";

  /** What an address of an endpoint may be. */
  enum Addressing {
    LITERALS,
    LITERALS_OR_NAMES
  }

  @Override
  public String typeUrl() {
    return TypeUrls.ENDPOINT;
  }

  @Override
  public Class<ClusterLoadAssignment> messageType() {
    return ClusterLoadAssignment.class;
  }

  @Override
  public String nameOf(ClusterLoadAssignment message) {
    return message.getClusterName();
  }

  @Override
  public EndpointSet decode(ClusterLoadAssignment assignment, DecodeContext context)
      throws InvalidResourceException {
    Scope scope = Scope.of(typeUrl(), assignment.getClusterName(), context);
    SupportedFields.check(assignment, scope);
    return decode(assignment, Addressing.LITERALS, scope);
  }

  static EndpointSet decode(ClusterLoadAssignment assignment, Addressing addressing, Scope scope)
      throws InvalidResourceException {
    List<Endpoint> endpoints = new ArrayList<>();
    for (int i = 0; i < assignment.getEndpointsCount(); i++) {
      LocalityLbEndpoints group = assignment.getEndpoints(i);
      Scope at = scope.in("endpoints", i);
      int priority = at.in("priority").number(group.getPriority(), 0, MAX_PRIORITY);
      Locality place = group.getLocality();
      Endpoint.Locality locality =
          new Endpoint.Locality(place.getRegion(), place.getZone(), place.getSubZone());
      for (int j = 0; j < group.getLbEndpointsCount(); j++) {
        endpoints.add(
            endpoint(
                group.getLbEndpoints(j), priority, locality, addressing, at.in("lb_endpoints", j)));
      }
    }
    return new EndpointSet(endpoints);
  }

  private static Endpoint endpoint(
      LbEndpoint endpoint,
      int priority,
      Endpoint.Locality locality,
      Addressing addressing,
      Scope scope)
      throws InvalidResourceException {
    if (!endpoint.hasEndpoint()) {
      throw scope.refuse("expected endpoint");
    }
    Scope at = scope.in("endpoint").in("address");
    SocketAddressConfig address =
        switch (addressing) {
          case LITERALS -> Addresses.literal(endpoint.getEndpoint().getAddress(), at);
          case LITERALS_OR_NAMES ->
              Addresses.literalOrName(endpoint.getEndpoint().getAddress(), at);
        };
    if (address.port() == 0) {
      throw at.in("socket_address").in("port_value").refuse("is 0, expected 1 to 65535");
    }
    int weight =
        endpoint.hasLoadBalancingWeight()
            ? scope.in("load_balancing_weight").atLeast(endpoint.getLoadBalancingWeight(), 1)
            : 1;
    Metadata metadata = endpoint.getMetadata();
    Scope meta = scope.in("metadata");
    Map<String, String> own = texts(metadata, OWN, meta);
    return new Endpoint(
        address,
        endpoint.getEndpoint().getHostname(),
        weight,
        priority,
        health(endpoint, scope.in("health_status")),
        locality,
        texts(metadata, TLS_LABELS, meta),
        identity(own.get("identity"), meta.in("filter_metadata", OWN).in("identity")),
        own.getOrDefault("workload", ""));
  }

  private static @Nullable SpiffeId identity(@Nullable String text, Scope scope)
      throws InvalidResourceException {
    if (text == null) {
      return null;
    }
    try {
      return SpiffeId.parse(text);
    } catch (IllegalArgumentException e) {
      throw scope.refuse("'" + text + "' is no SPIFFE ID: " + e.getMessage());
    }
  }

  private static Endpoint.Health health(LbEndpoint endpoint, Scope scope)
      throws InvalidResourceException {
    return switch (endpoint.getHealthStatus()) {
      // DEGRADED is a healthy one of last resort; a lower priority says the same.
      case UNKNOWN, HEALTHY, DEGRADED -> Endpoint.Health.HEALTHY;
      case UNHEALTHY, TIMEOUT -> Endpoint.Health.UNHEALTHY;
      case DRAINING -> Endpoint.Health.DRAINING;
      case UNRECOGNIZED -> throw scope.refuse("is no known health status");
    };
  }

  /** The entries of one namespace of metadata whose values are text, numbers or flags. */
  static Map<String, String> texts(Metadata metadata, String namespace, Scope scope)
      throws InvalidResourceException {
    @Nullable Struct struct = metadata.getFilterMetadataMap().get(namespace);
    return struct == null ? Map.of() : texts(struct, scope.in("filter_metadata", namespace));
  }

  static Map<String, String> texts(Struct struct, Scope scope) throws InvalidResourceException {
    Map<String, String> texts = new TreeMap<>();
    for (Map.Entry<String, Value> entry : struct.getFieldsMap().entrySet()) {
      Value value = entry.getValue();
      switch (value.getKindCase()) {
        case STRING_VALUE -> texts.put(entry.getKey(), value.getStringValue());
        case NUMBER_VALUE -> {
          double number = value.getNumberValue();
          texts.put(
              entry.getKey(),
              number == Math.rint(number) && Math.abs(number) < 1e15
                  ? Long.toString((long) number)
                  : Double.toString(number));
        }
        case BOOL_VALUE -> texts.put(entry.getKey(), Boolean.toString(value.getBoolValue()));
        case NULL_VALUE, KIND_NOT_SET -> {}
        case STRUCT_VALUE, LIST_VALUE ->
            throw scope.in(entry.getKey()).refuse("expected text, a number or a flag");
      }
    }
    return texts;
  }
}
