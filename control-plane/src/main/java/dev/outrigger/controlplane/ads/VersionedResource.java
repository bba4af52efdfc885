package dev.outrigger.controlplane.ads;

import com.google.protobuf.Any;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.Durations;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A resource as it goes on the wire. Immutable. */
public final class VersionedResource {
  private final Any body;
  private final String version;
  private final @Nullable Duration ttl;

  /** Read once for all proxies, and the same by every thread; empty where none are needed. */
  private volatile @Nullable String endpoints;

  private VersionedResource(Any body, String version, @Nullable Duration ttl) {
    this.body = body;
    this.version = version;
    this.ttl = ttl;
  }

  /** As it goes into delta responses, under the name that it had there last: always the same. */
  private volatile @Nullable Resource wire;

  /** Packed once, sent to many. */
  public Any body() {
    return body;
  }

  /** Decided by the content alone, so that every replica and every restart gives the same. */
  public String version() {
    return version;
  }

  /** The lease under which it is sent (xDS: {@code Resource.ttl}); null sends it for good. */
  public @Nullable Duration ttl() {
    return ttl;
  }

  /** Bytes of the message itself. */
  int size() {
    return body.getValue().size();
  }

  /** A resource without a lease, its version the first 64 bits of the SHA-256 of its bytes. */
  public static VersionedResource of(Message message) {
    return of(message, null);
  }

  /** The same under a lease, which is not part of the version. */
  public static VersionedResource of(Message message, @Nullable Duration ttl) {
    byte[] bytes = new byte[message.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    // Map fields have no order of their own; without this two replicas could disagree.
    out.useDeterministicSerialization();
    try {
      message.writeTo(out);
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
      return new VersionedResource(
          Any.newBuilder()
              .setTypeUrl("type.googleapis.com/" + message.getDescriptorForType().getFullName())
              .setValue(com.google.protobuf.UnsafeByteOperations.unsafeWrap(bytes))
              .build(),
          HexFormat.of().formatHex(hash, 0, 8),
          ttl);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** As it goes into delta responses. */
  Resource wire(String name) {
    @Nullable Resource known = wire;
    if (known == null || !known.getName().equals(name)) {
      Resource.Builder made =
          Resource.newBuilder().setName(name).setVersion(version).setResource(body);
      if (ttl != null) {
        made.setTtl(Durations.fromNanos(ttl.toNanos()));
      }
      known = made.build();
      wire = known;
    }
    return known;
  }

  /** Of a cluster: the name of the endpoints that it needs; null where it needs none. */
  @Nullable String endpoints() {
    @Nullable String known = endpoints;
    if (known == null) {
      known = readEndpoints();
      endpoints = known;
    }
    return known.isEmpty() ? null : known;
  }

  private String readEndpoints() {
    try {
      Cluster cluster = body.unpack(Cluster.class);
      if (cluster.getType() != Cluster.DiscoveryType.EDS) {
        return "";
      }
      String service = cluster.getEdsClusterConfig().getServiceName();
      return service.isEmpty() ? cluster.getName() : service;
    } catch (InvalidProtocolBufferException e) {
      // Not a cluster at all: the proxy will say so.
      return "";
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || other instanceof VersionedResource that
            && version.equals(that.version)
            && body.equals(that.body)
            && Objects.equals(ttl, that.ttl);
  }

  @Override
  public int hashCode() {
    return version.hashCode();
  }

  @Override
  public String toString() {
    return body.getTypeUrl() + "@" + version;
  }
}
