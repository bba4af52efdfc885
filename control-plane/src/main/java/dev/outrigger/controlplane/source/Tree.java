package dev.outrigger.controlplane.source;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An object of a cluster, as maps, lists and scalars. The API server has checked its shape, so what
 * is not as expected is simply not there.
 */
record Tree(Map<?, ?> fields) {
  private static final Tree EMPTY = new Tree(Map.of());

  static Tree of(@Nullable Object value) {
    return value instanceof Map<?, ?> map ? new Tree(map) : EMPTY;
  }

  /** What is there, level by level; an empty one where nothing is. */
  Tree at(String... names) {
    Tree tree = this;
    for (String name : names) {
      tree = of(tree.fields.get(name));
    }
    return tree;
  }

  boolean has(String name) {
    return fields.get(name) != null;
  }

  @Nullable Object value(String name) {
    return fields.get(name);
  }

  /** Text, or empty. */
  String text(String name) {
    return fields.get(name) instanceof String text ? text : "";
  }

  boolean flag(String name, boolean otherwise) {
    return fields.get(name) instanceof Boolean flag ? flag : otherwise;
  }

  long number(String name, long otherwise) {
    return fields.get(name) instanceof Number number ? number.longValue() : otherwise;
  }

  List<Tree> trees(String name) {
    List<Tree> trees = new ArrayList<>();
    for (Object one : list(name)) {
      trees.add(of(one));
    }
    return trees;
  }

  List<String> texts(String name) {
    List<String> texts = new ArrayList<>();
    for (Object one : list(name)) {
      if (one instanceof String text) {
        texts.add(text);
      }
    }
    return texts;
  }

  private List<?> list(String name) {
    return fields.get(name) instanceof List<?> list ? list : List.of();
  }

  Map<String, String> textMap(String name) {
    Map<String, String> texts = new LinkedHashMap<>();
    at(name)
        .fields
        .forEach(
            (key, value) -> {
              if (key instanceof String text && value instanceof String other) {
                texts.put(text, other);
              }
            });
    return texts;
  }
}
