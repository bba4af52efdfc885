package dev.outrigger.controlplane.inject;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.util.IdentityHashMap;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** What a YAML node says, as JSON. Aliases and merge keys are carried out. */
final class YamlJson {
  /** A bomb of aliases grows far beyond this. */
  private static final int MAX_NODES = 1_000_000;

  private final IdentityHashMap<Node, Boolean> open = new IdentityHashMap<>();
  private int nodes;

  private YamlJson() {}

  /**
   * @throws YamlEngineException if it cannot be said in JSON
   */
  static JsonElement of(Node node) {
    return new YamlJson().convert(node);
  }

  private JsonElement convert(Node node) {
    if (++nodes > MAX_NODES) {
      throw new YamlEngineException("more than " + MAX_NODES + " values");
    }
    if (node instanceof ScalarNode scalar) {
      return scalar(scalar);
    }
    if (open.put(node, true) != null) {
      throw new YamlEngineException("an anchor contains itself");
    }
    JsonElement json =
        switch (node) {
          case SequenceNode sequence -> {
            JsonArray array = new JsonArray();
            sequence.getValue().forEach(element -> array.add(convert(element)));
            yield array;
          }
          case MappingNode mapping -> object(mapping);
          default -> throw new YamlEngineException("this cannot be said in JSON");
        };
    open.remove(node);
    return json;
  }

  private JsonObject object(MappingNode mapping) {
    JsonObject object = new JsonObject();
    JsonObject merged = new JsonObject();
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        throw new YamlEngineException("the key of a mapping must be a text");
      }
      JsonElement value = convert(tuple.getValueNode());
      if (key.isPlain() && key.getValue().equals("<<")) {
        merge(value, merged);
      } else {
        object.add(key.getValue(), value);
      }
    }
    merged
        .asMap()
        .forEach(
            (name, value) -> {
              if (!object.has(name)) {
                object.add(name, value);
              }
            });
    return object;
  }

  private static void merge(JsonElement value, JsonObject into) {
    if (value.isJsonArray()) {
      value.getAsJsonArray().forEach(one -> merge(one, into));
    } else if (value.isJsonObject()) {
      value
          .getAsJsonObject()
          .asMap()
          .forEach(
              (name, member) -> {
                if (!into.has(name)) {
                  into.add(name, member);
                }
              });
    }
  }

  private static JsonElement scalar(ScalarNode scalar) {
    String text = scalar.getValue();
    Tag tag = scalar.getTag();
    if (tag.equals(Tag.NULL)) {
      return JsonNull.INSTANCE;
    }
    if (tag.equals(Tag.BOOL)) {
      return new JsonPrimitive(text.equalsIgnoreCase("true"));
    }
    if (tag.equals(Tag.INT) && text.matches("[-+]?[0-9]{1,18}")) {
      return new JsonPrimitive(Long.parseLong(text));
    }
    if (tag.equals(Tag.FLOAT)
        && text.matches("[-+]?[0-9]{0,40}(\\.[0-9]{0,40})?([eE][-+]?[0-9]{1,3})?")) {
      try {
        return new JsonPrimitive(new BigDecimal(text));
      } catch (NumberFormatException _) {
        return new JsonPrimitive(text);
      }
    }
    return new JsonPrimitive(text);
  }
}
