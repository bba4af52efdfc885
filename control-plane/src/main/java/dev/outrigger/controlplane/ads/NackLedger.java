package dev.outrigger.controlplane.ads;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.Status;
import dev.outrigger.controlplane.ads.ProxyStatus.Rejection;
import dev.outrigger.controlplane.ads.ProxyStatus.TypeStatus;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.service.discovery.v3.ResourceError;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/**
 * Who has accepted and who has refused what. Fed by the sessions, read by anyone; every value read
 * is a consistent picture of one stream.
 */
public final class NackLedger {
  private static final int MAX_REASON = 2048;

  private final InstantSource clock;
  private final Map<Long, ProxyStatus> streams = new ConcurrentHashMap<>();
  private final AtomicLong changes = new AtomicLong();

  public NackLedger(InstantSource clock) {
    this.clock = clock;
  }

  /** All open streams, the oldest first. */
  public List<ProxyStatus> proxies() {
    List<ProxyStatus> all = new ArrayList<>(streams.values());
    all.sort(Comparator.comparingLong(ProxyStatus::stream));
    return all;
  }

  /**
   * How often what proxies should have may have changed. Who reads this after something became
   * desired finds it with every proxy that is {@linkplain ProxyStatus#settled settled} up to here.
   */
  public long changes() {
    return changes.get();
  }

  /** What proxies should have may have changed; before any session is told. */
  void onChange() {
    var _ = changes.incrementAndGet();
  }

  void onSettled(long stream, long change) {
    streams.computeIfPresent(stream, (key, was) -> with(was, change, was.types()));
  }

  void onOpen(long stream, ProxyNode proxy, Variant variant) {
    Node node = proxy.node();
    streams.put(
        stream,
        new ProxyStatus(
            stream,
            node.getId(),
            proxy.workload() + "." + proxy.namespace(),
            node.getCluster(),
            proxy.identity() == null ? "" : proxy.identity().toString(),
            agentOf(node),
            variant,
            clock.instant(),
            -1,
            Map.of()));
  }

  void onClose(long stream) {
    streams.remove(stream);
  }

  void onPush(long stream, PendingPush push) {
    Instant now = clock.instant();
    change(
        stream,
        push.typeUrl(),
        was -> new TypeStatus(was.acked(), was.ackedAt(), push.version(), now, was.rejections()));
  }

  void onAck(long stream, PendingPush push) {
    Instant now = clock.instant();
    change(
        stream,
        push.typeUrl(),
        was -> {
          List<Rejection> left = new ArrayList<>(was.rejections());
          // A heartbeat says nothing about what was refused before.
          left.removeIf(
              one ->
                  push.resources().containsKey(one.resource())
                      || push.removed().contains(one.resource()));
          return new TypeStatus(push.version(), now, "", null, left);
        });
  }

  void onNack(long stream, PendingPush push, Status error) {
    Instant now = clock.instant();
    Map<String, String> reasons = reasonsOf(push, error);
    change(
        stream,
        push.typeUrl(),
        was -> {
          Map<String, Rejection> all = new LinkedHashMap<>();
          for (Rejection one : was.rejections()) {
            if (!push.resources().containsKey(one.resource())
                && !push.removed().contains(one.resource())) {
              all.put(one.resource(), one);
            }
          }
          reasons.forEach(
              (name, reason) -> {
                VersionedResource resource = push.resources().get(name);
                all.put(
                    name,
                    new Rejection(
                        name,
                        resource == null ? push.version() : resource.version(),
                        push.nonce(),
                        reason,
                        now));
              });
          return new TypeStatus(was.acked(), was.ackedAt(), "", null, List.copyOf(all.values()));
        });
  }

  private void change(long stream, String typeUrl, UnaryOperator<TypeStatus> step) {
    streams.computeIfPresent(
        stream,
        (key, was) -> {
          Map<String, TypeStatus> types = new HashMap<>(was.types());
          types.put(typeUrl, step.apply(types.getOrDefault(typeUrl, TypeStatus.NONE)));
          return with(was, was.settled(), types);
        });
  }

  private static ProxyStatus with(ProxyStatus was, long settled, Map<String, TypeStatus> types) {
    return new ProxyStatus(
        was.stream(),
        was.node(),
        was.workload(),
        was.cluster(),
        was.identity(),
        was.agent(),
        was.variant(),
        was.connectedSince(),
        settled,
        types);
  }

  /**
   * Which resources were meant. Our proxies say it in the details; of others we look for the names
   * in the text, and where none is there every resource of the push is suspect.
   */
  private static Map<String, String> reasonsOf(PendingPush push, Status error) {
    Map<String, String> reasons = new LinkedHashMap<>();
    for (Any detail : error.getDetailsList()) {
      if (detail.is(ResourceError.class)) {
        try {
          ResourceError one = detail.unpack(ResourceError.class);
          reasons.put(one.getResourceName().getName(), cut(one.getErrorDetail().getMessage()));
        } catch (InvalidProtocolBufferException e) {
          // The text is still there.
        }
      }
    }
    if (!reasons.isEmpty()) {
      return reasons;
    }
    String reason = cut(error.getMessage());
    Set<String> names = new TreeSet<>(push.resources().keySet());
    names.removeIf(name -> !error.getMessage().contains(name));
    for (String name : names.isEmpty() ? new TreeSet<>(push.resources().keySet()) : names) {
      reasons.put(name, reason);
    }
    if (reasons.isEmpty()) {
      reasons.put("", reason);
    }
    return reasons;
  }

  private static String cut(String reason) {
    return reason.length() <= MAX_REASON ? reason : reason.substring(0, MAX_REASON) + "…";
  }

  private static String agentOf(Node node) {
    String version =
        node.hasUserAgentBuildVersion()
            ? node.getUserAgentBuildVersion().getVersion().getMajorNumber()
                + "."
                + node.getUserAgentBuildVersion().getVersion().getMinorNumber()
                + "."
                + node.getUserAgentBuildVersion().getVersion().getPatch()
            : node.getUserAgentVersion();
    return (node.getUserAgentName() + " " + version).trim();
  }
}
