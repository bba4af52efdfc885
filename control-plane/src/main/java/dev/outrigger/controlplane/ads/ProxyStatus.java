package dev.outrigger.controlplane.ads;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is known about one stream.
 *
 * @param stream number of the stream in this process
 * @param node the proxy's own name
 * @param workload what it stands beside, as name and namespace with a dot between
 * @param cluster the proxy's group, as it says it
 * @param identity what it proved to be; empty on the plain port
 * @param agent its program and version, as it says it
 * @param variant the form of the protocol that it speaks
 * @param connectedSince when the stream began
 * @param settled the last change of what proxies should have ({@link NackLedger#changes}) up to
 *     which it has answered all that it was to be sent; negative for none yet
 * @param types by type URL
 */
public record ProxyStatus(
    long stream,
    String node,
    String workload,
    String cluster,
    String identity,
    String agent,
    Variant variant,
    Instant connectedSince,
    long settled,
    Map<String, TypeStatus> types) {
  public ProxyStatus {
    types = Map.copyOf(types);
  }

  /**
   * How far one type is.
   *
   * @param acked the version last accepted as a whole; empty before the first
   * @param ackedAt when
   * @param pending the version sent and not answered; empty if none
   * @param pendingSince when it was sent
   * @param rejections resources that the proxy refused and that have not been accepted since
   */
  public record TypeStatus(
      String acked,
      @Nullable Instant ackedAt,
      String pending,
      @Nullable Instant pendingSince,
      List<Rejection> rejections) {
    static final TypeStatus NONE = new TypeStatus("", null, "", null, List.of());

    public TypeStatus {
      rejections = List.copyOf(rejections);
    }
  }

  /**
   * A resource that a proxy refused.
   *
   * @param resource its name
   * @param version of the resource
   * @param nonce of the response that carried it
   * @param reason in the proxy's words
   * @param when it was refused
   */
  public record Rejection(
      String resource, String version, String nonce, String reason, Instant when) {}
}
