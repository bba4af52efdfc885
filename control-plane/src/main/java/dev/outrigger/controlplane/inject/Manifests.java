package dev.outrigger.controlplane.inject;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * A stream of YAML or JSON documents as it was written. Putting all texts one after the other gives
 * the stream again, byte for byte.
 */
public record Manifests(List<Document> documents) {
  /** More than any cluster takes in one object, many times over. */
  public static final int MAX_CHARACTERS = 16 << 20;

  public Manifests {
    documents = List.copyOf(documents);
  }

  /**
   * One document.
   *
   * @param text as written, with its separator
   * @param json what it says; null where there is no mapping, such as in a comment alone
   */
  public record Document(String text, @Nullable JsonObject json) {}

  /**
   * Reads a stream.
   *
   * @throws IllegalArgumentException if it is not YAML, with line and column
   */
  public static Manifests parse(String stream) {
    if (stream.length() > MAX_CHARACTERS) {
      throw new IllegalArgumentException("more than " + MAX_CHARACTERS + " characters");
    }
    List<Document> documents = new ArrayList<>();
    int line = 0;
    for (String text : split(stream)) {
      documents.add(new Document(text, json(text, line)));
      line += (int) text.chars().filter(c -> c == '\n').count();
    }
    return new Manifests(documents);
  }

  /** A separator stands at the begin of a line, and can stand nowhere else. */
  private static List<String> split(String stream) {
    List<String> texts = new ArrayList<>();
    int begin = 0;
    for (int at = 0; at < stream.length(); ) {
      int end = stream.indexOf('\n', at);
      end = end < 0 ? stream.length() : end + 1;
      if (at > begin
          && stream.startsWith("---", at)
          && (at + 3 >= end || Character.isWhitespace(stream.charAt(at + 3)))) {
        texts.add(stream.substring(begin, at));
        begin = at;
      }
      at = end;
    }
    texts.add(stream.substring(begin));
    return texts;
  }

  private static @Nullable JsonObject json(String text, int lines) {
    if (text.lines()
        .allMatch(line -> line.isBlank() || line.startsWith("#") || line.startsWith("%"))) {
      return null;
    }
    try {
      @Nullable Node root = compose(text);
      JsonElement json = root == null ? null : YamlJson.of(root);
      return json != null && json.isJsonObject() ? json.getAsJsonObject() : null;
    } catch (MarkedYamlEngineException e) {
      String place =
          e.getProblemMark()
              .map(mark -> (lines + mark.getLine() + 1) + ":" + (mark.getColumn() + 1) + ": ")
              .orElse("");
      throw new IllegalArgumentException(place + e.getProblem(), e);
    } catch (YamlEngineException e) {
      throw new IllegalArgumentException((lines + 1) + ": " + e.getMessage(), e);
    }
  }

  /** The node of one document; null if there is none. */
  static @Nullable Node compose(String text) {
    return new Compose(
            LoadSettings.builder()
                .setSchema(new CoreSchema())
                .setCodePointLimit(MAX_CHARACTERS)
                .setMaxAliasesForCollections(100)
                .build())
        .composeString(text)
        .orElse(null);
  }

  /**
   * The document with what was injected. All that was written stays as it is, comments too; where
   * that cannot be, as below an anchor that is used twice, the document is written anew.
   */
  public static String text(Document document, Injection injection) {
    if (injection.patch().isEmpty()) {
      return document.text();
    }
    @Nullable String spliced = YamlSplice.apply(document.text(), injection);
    if (spliced != null) {
      return spliced;
    }
    boolean separated = document.text().startsWith("---");
    return (separated ? "---\n" : "") + YamlText.block(injection.object(), 0) + "\n";
  }

  /** Whether {@link #text} kept all that was written. */
  public static boolean keeps(Document document, Injection injection) {
    return injection.patch().isEmpty() || YamlSplice.apply(document.text(), injection) != null;
  }

  @Override
  public String toString() {
    return documents.stream().map(Document::text).collect(Collectors.joining());
  }
}
