package dev.outrigger.controlplane.inject;

import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.CollectionNode;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * Carries a patch out on the text of a YAML document: lines are put in, and all others stay as they
 * were written. What comes out is read again and must say what the injection says, so that a layout
 * that is not understood can never give a wrong pod.
 */
final class YamlSplice {
  private YamlSplice() {}

  /** The new text; null if it cannot be made this way. */
  static @Nullable String apply(String text, Injection injection) {
    String now = text;
    try {
      for (PatchStep step : injection.patch()) {
        @Nullable Node root = Manifests.compose(now);
        @Nullable String next = root == null ? null : new One(now, root).apply(step);
        if (next == null) {
          return null;
        }
        now = next;
      }
      @Nullable Node root = Manifests.compose(now);
      return root != null && YamlJson.of(root).equals(injection.object()) ? now : null;
    } catch (YamlEngineException _) {
      return null;
    }
  }

  /** One step on one text. */
  private record One(String text, Node root) {

    @Nullable String apply(PatchStep step) {
      List<String> path = step.path();
      @Nullable Node parent = root;
      for (String name : path.subList(0, path.size() - 1)) {
        parent = parent == null ? null : child(parent, name);
      }
      if (parent == null || isShared(parent)) {
        return null;
      }
      String last = path.getLast();
      return switch (step) {
        case PatchStep.Add add -> add(parent, last, add.value());
        case PatchStep.Replace replace -> {
          @Nullable Node old = child(parent, last);
          yield old == null || isShared(old) ? null : replace(parent, old, replace.value());
        }
      };
    }

    private static @Nullable Node child(Node parent, String name) {
      if (parent instanceof SequenceNode sequence) {
        return sequence.getValue().get(Integer.parseInt(name));
      }
      if (parent instanceof MappingNode mapping) {
        for (NodeTuple tuple : mapping.getValue()) {
          if (tuple.getKeyNode() instanceof ScalarNode key && key.getValue().equals(name)) {
            return tuple.getValueNode();
          }
        }
      }
      return null;
    }

    /** At the front, where the indentation is known and no comment can be torn off. */
    private @Nullable String add(Node parent, String name, JsonElement value) {
      boolean mapping = parent instanceof MappingNode;
      if (!(parent instanceof CollectionNode<?> collection)
          || (!mapping && !name.equals("0"))
          || parent.getStartMark().isEmpty()) {
        return null;
      }
      boolean empty = collection.getValue().isEmpty();
      int start = offset(parent.getStartMark().get());
      if (collection.getFlowStyle() == FlowStyle.FLOW) {
        int inside = text.indexOf(mapping ? '{' : '[', start) + 1;
        String put = (mapping ? new JsonPrimitive(name) + ": " : "") + value + (empty ? "" : ", ");
        return text.substring(0, inside) + put + text.substring(inside);
      }
      int column = parent.getStartMark().get().getColumn();
      String put =
          mapping ? YamlText.member(name, value, column) : "- " + YamlText.block(value, column + 2);
      return text.substring(0, start) + put + "\n" + " ".repeat(column) + text.substring(start);
    }

    private @Nullable String replace(Node parent, Node old, JsonElement value) {
      if (old.getStartMark().isEmpty() || parent.getStartMark().isEmpty()) {
        return null;
      }
      int start = offset(old.getStartMark().get());
      int end = end(old);
      if (end < 0) {
        return null;
      }
      boolean block =
          old instanceof CollectionNode<?> collection
              && collection.getFlowStyle() == FlowStyle.BLOCK;
      String put =
          block
              ? YamlText.block(value, old.getStartMark().get().getColumn())
              : (start > 0 && !Character.isWhitespace(text.charAt(start - 1)) ? " " : "") + value;
      return text.substring(0, start) + put + text.substring(end);
    }

    /** Where the last thing that belongs to a node ends; -1 if that is not known. */
    private int end(Node node) {
      if (node instanceof CollectionNode<?> collection
          && collection.getFlowStyle() == FlowStyle.BLOCK
          && !collection.getValue().isEmpty()) {
        // A block collection ends where the next thing begins, with comments before it.
        return end(
            switch (collection.getValue().getLast()) {
              case NodeTuple tuple -> tuple.getValueNode();
              case Node element -> element;
              default -> throw new YamlEngineException("neither an element nor a member");
            });
      }
      if (node instanceof ScalarNode scalar
          && !scalar.isPlain()
          && text.charAt(offset(scalar.getStartMark().orElseThrow())) != '"'
          && text.charAt(offset(scalar.getStartMark().orElseThrow())) != '\'') {
        return -1;
      }
      return node.getEndMark().map(this::offset).orElse(-1);
    }

    private int offset(Mark mark) {
      return text.offsetByCodePoints(0, mark.getIndex());
    }

    /** Whether an alias leads to it too, which would see the change. */
    private boolean isShared(Node wanted) {
      IdentityHashMap<Node, Integer> seen = new IdentityHashMap<>();
      count(root, seen);
      return seen.getOrDefault(wanted, 0) > 1;
    }

    /** What stands below something shared is shared as well. */
    private static void count(Node node, IdentityHashMap<Node, Integer> seen) {
      int times = seen.merge(node, 1, Integer::sum);
      if (times > 2) {
        return;
      }
      if (node instanceof SequenceNode sequence) {
        sequence.getValue().forEach(element -> count(element, seen));
      } else if (node instanceof MappingNode mapping) {
        mapping.getValue().forEach(tuple -> count(tuple.getValueNode(), seen));
      }
    }
  }
}
