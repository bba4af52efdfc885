package dev.outrigger.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.TreeMap;

/** What each code means, from the resource {@code codes.txt}. */
final class CodePages {

  /**
   * One code.
   *
   * @param seen how it shows: status and flag, or severity
   * @param meaning paragraphs
   * @param causes likely ones, the likeliest first
   * @param look what to look at
   */
  record Page(
      String code,
      String seen,
      String title,
      String meaning,
      List<String> causes,
      List<String> look) {
    Page {
      causes = List.copyOf(causes);
      look = List.copyOf(look);
    }
  }

  private CodePages() {}

  /** All pages by code, in alphabetical order. */
  static SequencedMap<String, Page> all() {
    SequencedMap<String, Page> pages = new TreeMap<>();
    for (String block : text().split("\n\n", -1)) {
      Page page = parse(block.strip());
      if (pages.put(page.code(), page) != null) {
        throw new IllegalStateException(page.code() + " has two pages");
      }
    }
    return pages;
  }

  private static Page parse(String block) {
    String[] head = block.lines().findFirst().orElseThrow().split(" *\\| *", 3);
    StringBuilder meaning = new StringBuilder();
    List<String> causes = new ArrayList<>();
    List<String> look = new ArrayList<>();
    for (String line : block.lines().skip(1).toList()) {
      if (line.startsWith("- ")) {
        causes.add(line.substring(2));
      } else if (line.startsWith("> ")) {
        look.add(line.substring(2));
      } else {
        meaning.append(meaning.isEmpty() ? "" : "\n").append(line);
      }
    }
    return new Page(head[0], head[1], head[2], meaning.toString(), causes, look);
  }

  private static String text() {
    try (InputStream in =
        Objects.requireNonNull(CodePages.class.getResourceAsStream("codes.txt"), "codes.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
