package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided;
import io.envoyproxy.envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest;
import io.envoyproxy.envoy.extensions.load_balancing_policies.random.v3.Random;
import io.envoyproxy.envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin;

/** How an endpoint is chosen. */
final class BalancingDecoder {
  private static final int DEFAULT_CHOICES = 2;
  private static final int MAX_CHOICES = 100;

  private BalancingDecoder() {}

  static LbPolicy decode(Cluster cluster, Scope scope) throws InvalidResourceException {
    boolean original = cluster.getType() == Cluster.DiscoveryType.ORIGINAL_DST;
    if (cluster.hasLoadBalancingPolicy()) {
      return byExtension(cluster, original, scope.in("load_balancing_policy"));
    }
    Scope at = scope.in("lb_policy");
    boolean provided = cluster.getLbPolicy() == Cluster.LbPolicy.CLUSTER_PROVIDED;
    if (original != provided) {
      throw at.refuse("CLUSTER_PROVIDED and type ORIGINAL_DST go together");
    }
    return switch (cluster.getLbPolicy()) {
      case ROUND_ROBIN, CLUSTER_PROVIDED -> new LbPolicy.RoundRobin();
      case RANDOM -> new LbPolicy.Random();
      case LEAST_REQUEST -> {
        var config = cluster.getLeastRequestLbConfig();
        yield new LbPolicy.LeastRequest(
            config.hasChoiceCount()
                ? scope
                    .in("least_request_lb_config")
                    .in("choice_count")
                    .number(config.getChoiceCount(), 2, MAX_CHOICES)
                : DEFAULT_CHOICES);
      }
      case LOAD_BALANCING_POLICY_CONFIG ->
          throw scope.in("load_balancing_policy").refuse("is required by lb_policy");
      case RING_HASH, MAGLEV, UNRECOGNIZED ->
          throw at.refuse(
              "is " + cluster.getLbPolicy() + ", expected ROUND_ROBIN, RANDOM or LEAST_REQUEST");
    };
  }

  /** The first policy that is known counts, as the field's description says. */
  private static LbPolicy byExtension(Cluster cluster, boolean original, Scope scope)
      throws InvalidResourceException {
    for (int i = 0; i < cluster.getLoadBalancingPolicy().getPoliciesCount(); i++) {
      Any any =
          cluster
              .getLoadBalancingPolicy()
              .getPolicies(i)
              .getTypedExtensionConfig()
              .getTypedConfig();
      Scope at = scope.in("policies", i).in("typed_extension_config").in("typed_config");
      if (original != any.is(ClusterProvided.class)) {
        throw at.refuse("ClusterProvided and type ORIGINAL_DST go together");
      }
      if (any.is(RoundRobin.class) || any.is(ClusterProvided.class)) {
        return new LbPolicy.RoundRobin();
      }
      if (any.is(Random.class)) {
        return new LbPolicy.Random();
      }
      if (any.is(LeastRequest.class)) {
        LeastRequest config = at.unpack(any, LeastRequest.class);
        return new LbPolicy.LeastRequest(
            config.hasChoiceCount()
                ? at.in("choice_count").number(config.getChoiceCount(), 2, MAX_CHOICES)
                : DEFAULT_CHOICES);
      }
    }
    throw scope.refuse("names no policy that is supported: RoundRobin, Random, LeastRequest");
  }
}
