package dev.outrigger.controlplane.snapshot;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.UInt32Value;
import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.AggregatedConfigSource;
import io.envoyproxy.envoy.config.core.v3.ApiVersion;
import io.envoyproxy.envoy.config.core.v3.CidrRange;
import io.envoyproxy.envoy.config.core.v3.ConfigSource;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/** Small messages that stand everywhere. */
final class Protos {
  /** Whatever is named comes over the one stream. */
  static final ConfigSource ADS =
      ConfigSource.newBuilder()
          .setAds(AggregatedConfigSource.getDefaultInstance())
          .setResourceApiVersion(ApiVersion.V3)
          .build();

  private Protos() {}

  /** Packed so that equal messages have equal bytes, also where they hold maps. */
  static Any pack(Message message) {
    byte[] bytes = new byte[message.getSerializedSize()];
    var out = com.google.protobuf.CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      message.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Any.newBuilder()
        .setTypeUrl("type.googleapis.com/" + message.getDescriptorForType().getFullName())
        .setValue(com.google.protobuf.UnsafeByteOperations.unsafeWrap(bytes))
        .build();
  }

  static com.google.protobuf.Duration duration(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  static UInt32Value number(int value) {
    return UInt32Value.of(value);
  }

  static Address address(String host, int port) {
    return Address.newBuilder()
        .setSocketAddress(SocketAddress.newBuilder().setAddress(host).setPortValue(port))
        .build();
  }

  /** Exactly this address. */
  static CidrRange only(String address) {
    return CidrRange.newBuilder()
        .setAddressPrefix(address)
        .setPrefixLen(number(address.indexOf(':') >= 0 ? 128 : 32))
        .build();
  }

  static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  static Struct struct(Map<String, String> entries) {
    Struct.Builder struct = Struct.newBuilder();
    new TreeMap<>(entries).forEach((key, value) -> struct.putFields(key, text(value)));
    return struct.build();
  }
}
