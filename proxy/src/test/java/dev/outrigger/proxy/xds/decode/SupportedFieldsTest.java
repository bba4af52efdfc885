package dev.outrigger.proxy.xds.decode;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

final class SupportedFieldsTest {

  @Test
  void everyEntryOfTheTableExistsInTheProtocol() {
    Map<String, Descriptor> types = reachable();
    List<String> unknown = new ArrayList<>();
    SupportedFields.table()
        .forEach(
            (type, rules) -> {
              Descriptor descriptor = types.get(type);
              if (descriptor == null) {
                unknown.add(type);
              } else {
                for (String field : rules.keySet()) {
                  if (descriptor.findFieldByName(field) == null) {
                    unknown.add(type + "." + field);
                  }
                }
              }
            });
    assertThat(unknown).isEmpty();
  }

  @Test
  void everyMessageThatIsReadHasItsOwnEntry() {
    Map<String, Descriptor> types = reachable();
    List<String> missing = new ArrayList<>();
    SupportedFields.table()
        .forEach(
            (type, rules) ->
                rules.forEach(
                    (name, rule) -> {
                      FieldDescriptor field =
                          Objects.requireNonNull(types.get(type)).findFieldByName(name);
                      if (rule == SupportedFields.Rule.READ && !isLeaf(field)) {
                        String inner = valueType(field).getFullName();
                        if (!SupportedFields.table().containsKey(inner)) {
                          missing.add(type + "." + name + " -> " + inner);
                        }
                      }
                    }));
    assertThat(missing).isEmpty();
  }

  @Test
  void aRefusalNamesEveryField() {
    Cluster.Builder builder =
        Cluster.newBuilder().setName("c").setCloseConnectionsOnHostHealthFailure(true);
    DroppedFields.set(
        builder,
        Objects.requireNonNull(
            DroppedFields.of("envoy.config.cluster.v3.Cluster")
                .get("lrs_report_endpoint_metrics")));
    // Of a newer Envoy.
    DroppedFields.set(builder, new DroppedFields.Field("later", 5000, false, false));
    Cluster cluster = builder.build();
    Assertions.assertThatThrownBy(
            () ->
                new ClusterDecoder()
                    .decode(cluster, DecodeContext.strict(new ClusterDecoder().typeUrl(), "c")))
        .isInstanceOf(InvalidResourceException.class)
        .hasMessageContaining("close_connections_on_host_health_failure")
        .hasMessageContaining("lrs_report_endpoint_metrics")
        .hasMessageContaining("field number 5000");
  }

  private static boolean isLeaf(FieldDescriptor field) {
    if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
      return true;
    }
    if (field.isMapField()
        && field.getMessageType().findFieldByNumber(2).getJavaType()
            != FieldDescriptor.JavaType.MESSAGE) {
      return true;
    }
    return valueType(field).getFullName().startsWith("google.protobuf.");
  }

  private static Descriptor valueType(FieldDescriptor field) {
    return field.isMapField()
        ? field.getMessageType().findFieldByNumber(2).getMessageType()
        : field.getMessageType();
  }

  private static Map<String, Descriptor> reachable() {
    Map<String, Descriptor> types = new HashMap<>();
    Deque<Descriptor> open = new ArrayDeque<>();
    open.add(Bootstrap.getDescriptor());
    for (String name : KnownTypes.names()) {
      open.add(Objects.requireNonNull(KnownTypes.prototype(name)).getDescriptorForType());
    }
    while (!open.isEmpty()) {
      Descriptor type = open.remove();
      if (types.putIfAbsent(type.getFullName(), type) == null) {
        for (FieldDescriptor field : type.getFields()) {
          if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
            open.add(field.getMessageType());
          }
        }
      }
    }
    return types;
  }
}
