package dev.outrigger.controlplane.snapshot;

import com.google.protobuf.Message;
import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.ObjectKey;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.snapshot.OutboundPart.Part;
import io.envoyproxy.envoy.config.listener.v3.FilterChain;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What proxies that capture get for one service that they call: all that it takes to call it, so
 * that the whole is put together of such parts, and only parts are made again that a change
 * concerns. Immutable.
 *
 * @param claims addresses with their ports that are this one's
 * @param detected ports where it depends on the first bytes what is done
 * @param keys of all objects that it is made of; those that hold for everything are not among them
 * @param namespaces whose workloads it may be made of, each of them
 */
record CalledService(
    List<FilterChain> chains,
    Set<String> claims,
    Set<Integer> detected,
    Part part,
    Set<ObjectKey> keys,
    Set<String> namespaces) {
  CalledService {
    chains = List.copyOf(chains);
    claims = Set.copyOf(claims);
    detected = Set.copyOf(detected);
    keys = Collections.unmodifiableSet(keys);
    namespaces = Set.copyOf(namespaces);
  }

  /**
   * Makes it.
   *
   * @param taken claims of others, which go before it
   * @param before the last of the same service, whose resources stay where they are equal
   */
  static CalledService of(
      DesiredState state,
      Service service,
      Callers callers,
      Set<String> taken,
      @Nullable CalledService before) {
    Clusters clusters = new Clusters(state, callers.node(), callers.zone());
    OutboundListeners outbound =
        new OutboundListeners(
            state, callers.node(), clusters, new Filters(state.mesh(), callers.node()));
    Set<String> claims = new HashSet<>(taken);
    Set<Integer> detected = new TreeSet<>();
    List<FilterChain> chains = outbound.chainsOf(service, claims, detected);
    claims.removeAll(taken);
    @Nullable Part old = before == null ? null : before.part();
    Part part =
        new Part(
            versioned(
                outbound.routes().values(),
                one -> one.getName(),
                old == null ? null : old.routes()),
            versioned(
                clusters.clusters(), one -> one.getName(), old == null ? null : old.clusters()),
            versioned(
                clusters.endpoints(),
                one -> one.getClusterName(),
                old == null ? null : old.endpoints()));
    Set<ObjectKey> keys = new HashSet<>();
    Set<String> namespaces = new HashSet<>();
    clusters.looked().add(service.serviceName());
    for (ServiceName name : clusters.looked()) {
      keys.add(new ObjectKey(MeshObject.Kind.SERVICE, name.namespace(), name.name()));
      @Nullable Service looked = state.service(name);
      if (looked == null) {
        continue;
      }
      if (looked.members() == null) {
        namespaces.add(name.namespace());
      } else {
        for (String member : looked.members().keySet()) {
          keys.add(new ObjectKey(MeshObject.Kind.WORKLOAD, name.namespace(), member));
        }
      }
    }
    // The same list for the same chains: by that it is seen that a listener stays.
    return new CalledService(
        before != null && before.chains().equals(chains) ? before.chains() : chains,
        claims,
        detected,
        part,
        keys,
        namespaces);
  }

  /** Whether none of what has changed concerns it. */
  boolean isUntouchedBy(StateChange change) {
    return change.isDisjoint(keys)
        && namespaces.stream().noneMatch(change.namespacesOfWorkloads()::contains);
  }

  static <M extends Message> Map<String, VersionedResource> versioned(
      Iterable<M> all, Function<M, String> name, @Nullable Map<String, VersionedResource> before) {
    Map<String, VersionedResource> versioned = new TreeMap<>();
    for (M one : all) {
      VersionedResource made = VersionedResource.of(one);
      @Nullable VersionedResource old = before == null ? null : before.get(name.apply(one));
      versioned.put(name.apply(one), made.equals(old) ? old : made);
    }
    return versioned;
  }
}
