package dev.outrigger.proxy.xds.decode;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads {@code supported-fields.txt}: an unindented line names a message; indented lines below it
 * list fields that are read, or, after {@code harmless}, {@code off-only} or {@code on-only} and
 * before a colon, fields with such a rule and the reason for it.
 */
final class SupportedFieldsTable {
  private SupportedFieldsTable() {}

  static Map<String, Map<String, SupportedFields.Rule>> read() {
    Map<String, Map<String, SupportedFields.Rule>> table = new HashMap<>();
    Map<String, SupportedFields.Rule> current = new HashMap<>();
    for (String line : text().lines().toList()) {
      String content = line.strip();
      if (content.isEmpty() || content.startsWith("#")) {
        continue;
      }
      if (!Character.isWhitespace(line.charAt(0))) {
        current = table.computeIfAbsent(content, _ -> new HashMap<>());
        continue;
      }
      SupportedFields.Rule rule = SupportedFields.Rule.READ;
      int colon = content.indexOf(':');
      String fields = colon < 0 ? content : content.substring(0, colon);
      for (String word : fields.strip().split(" +", -1)) {
        switch (word) {
          case "harmless" -> rule = SupportedFields.Rule.HARMLESS;
          case "off-only" -> rule = SupportedFields.Rule.OFF_ONLY;
          case "on-only" -> rule = SupportedFields.Rule.ON_ONLY;
          default -> current.put(word, rule);
        }
      }
    }
    return table;
  }

  private static String text() {
    try (InputStream in = SupportedFieldsTable.class.getResourceAsStream("supported-fields.txt")) {
      if (in == null) {
        throw new IllegalStateException("supported-fields.txt is missing from this build");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
