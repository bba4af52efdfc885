package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.ref.SoftReference;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The fields that Envoy's messages have and our wire types have not, since the proxy does not read
 * them. In a message they are unknown fields; here they still have their names. The table is read
 * when it is asked for, and may be forgotten again. For any thread.
 */
public final class DroppedFields {
  private static final String TABLE = "/dev/outrigger/api/dropped-fields.txt";

  private static SoftReference<Map<String, Map<String, Field>>> table = new SoftReference<>(null);

  private DroppedFields() {}

  /**
   * A field of Envoy's API.
   *
   * @param implicit whether a false, zero or empty value is the same as none
   */
  public record Field(String name, int number, boolean implicit, boolean deprecated) {}

  /** The dropped fields of a message by name; empty if the message is whole or not Envoy's. */
  public static Map<String, Field> of(String message) {
    return table().getOrDefault(message, Map.of());
  }

  /** The dropped field that a number stands for, null if Envoy's API of this build has none. */
  static @Nullable Field field(String message, int number) {
    for (Field field : of(message).values()) {
      if (field.number() == number) {
        return field;
      }
    }
    return null;
  }

  /** Whether a field that our wire types lack is set in the message. */
  static boolean isSet(Message message, String name) {
    if (message.getUnknownFields().asMap().isEmpty()) {
      return false;
    }
    Field field = of(message.getDescriptorForType().getFullName()).get(name);
    if (field == null) {
      throw new IllegalArgumentException(name + " is not among the dropped fields");
    }
    return message.getUnknownFields().hasField(field.number());
  }

  /** Sets a field that our wire types lack; its value is of no matter to anybody. */
  public static void set(Message.Builder message, Field field) {
    message.setUnknownFields(
        message.getUnknownFields().toBuilder()
            .mergeField(
                field.number(),
                UnknownFieldSet.Field.newBuilder().addLengthDelimited(ByteString.EMPTY).build())
            .build());
  }

  private static synchronized Map<String, Map<String, Field>> table() {
    Map<String, Map<String, Field>> known = table.get();
    if (known == null) {
      known = read();
      table = new SoftReference<>(known);
    }
    return known;
  }

  private static Map<String, Map<String, Field>> read() {
    Map<String, Map<String, Field>> read = new HashMap<>();
    for (String line : text().lines().toList()) {
      String[] words = line.split(" ", -1);
      Map<String, Field> fields = new LinkedHashMap<>();
      for (int i = 1; i < words.length; i++) {
        String word = words[i];
        int equals = word.indexOf('=');
        String name = word.substring(0, equals);
        int number = Integer.parseInt(word.substring(equals + 1).replaceAll("[~!]", ""));
        fields.put(name, new Field(name, number, word.contains("~"), word.endsWith("!")));
      }
      read.put(words[0], fields);
    }
    return read;
  }

  private static String text() {
    try (InputStream in = DroppedFields.class.getResourceAsStream(TABLE)) {
      if (in == null) {
        throw new IllegalStateException(TABLE + " is missing from this build");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
