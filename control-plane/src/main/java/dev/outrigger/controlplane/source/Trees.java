package dev.outrigger.controlplane.source;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** Objects of maps, lists and scalars as the tree that the YAML reader gives, without places. */
final class Trees {
  private Trees() {}

  /** As a document of YAML. */
  static String yaml(Tree tree) {
    return new Dump(DumpSettings.builder().setDefaultFlowStyle(FlowStyle.BLOCK).build())
        .dumpToString(tree.fields());
  }

  static Node node(@Nullable Object value) {
    return switch (value) {
      case null -> scalar(Tag.NULL, "null");
      case Map<?, ?> map -> {
        List<NodeTuple> tuples = new ArrayList<>();
        map.forEach(
            (key, one) ->
                tuples.add(new NodeTuple(scalar(Tag.STR, String.valueOf(key)), node(one))));
        yield new MappingNode(Tag.MAP, tuples, FlowStyle.BLOCK);
      }
      case Iterable<?> list -> {
        List<Node> elements = new ArrayList<>();
        list.forEach(one -> elements.add(node(one)));
        yield new SequenceNode(Tag.SEQ, elements, FlowStyle.BLOCK);
      }
      case Boolean flag -> scalar(Tag.BOOL, flag.toString());
      case Integer _, Long _, Short _, java.math.BigInteger _ -> scalar(Tag.INT, value.toString());
      case Number number -> scalar(Tag.FLOAT, number.toString());
      default -> scalar(Tag.STR, value.toString());
    };
  }

  private static Node scalar(Tag tag, String text) {
    return new ScalarNode(tag, text, ScalarStyle.PLAIN);
  }
}
