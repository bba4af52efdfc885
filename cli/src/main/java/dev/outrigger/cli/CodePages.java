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

/**
 * What each code and each flag means, from the resources {@code codes.txt} and {@code flags.txt}. A
 * page's lines begin with {@code "- "} for a cause, {@code "> "} for what to look at, {@code "@ "}
 * for who says it, {@code "! "} for what to do, {@code "$ "} for an example; others are its
 * meaning.
 */
final class CodePages {

  /**
   * One code.
   *
   * @param seen how it shows: status and flag, or severity
   * @param meaning paragraphs
   * @param causes likely ones, the likeliest first
   * @param look what to look at
   * @param who which side says it, or empty
   * @param remedies what to do
   * @param example lines as they may be seen
   */
  record Page(
      String code,
      String seen,
      String title,
      String meaning,
      List<String> causes,
      List<String> look,
      String who,
      List<String> remedies,
      List<String> example) {
    Page {
      causes = List.copyOf(causes);
      look = List.copyOf(look);
      remedies = List.copyOf(remedies);
      example = List.copyOf(example);
    }
  }

  private CodePages() {}

  /** All pages by code, in alphabetical order. */
  static SequencedMap<String, Page> all() {
    SequencedMap<String, Page> pages = new TreeMap<>();
    for (String block : text("codes.txt").split("\n\n", -1)) {
      Page page = parse(block.strip());
      if (pages.put(page.code(), page) != null) {
        throw new IllegalStateException(page.code() + " has two pages");
      }
    }
    return pages;
  }

  /** What each flag of the access log means, in alphabetical order. */
  static SequencedMap<String, String> flags() {
    SequencedMap<String, String> flags = new TreeMap<>();
    for (String line : text("flags.txt").lines().toList()) {
      String[] parts = line.split(" *\\| *", 2);
      flags.put(parts[0], parts[1]);
    }
    return flags;
  }

  private static Page parse(String block) {
    String[] head = block.lines().findFirst().orElseThrow().split(" *\\| *", 3);
    StringBuilder meaning = new StringBuilder();
    List<String> causes = new ArrayList<>();
    List<String> look = new ArrayList<>();
    List<String> remedies = new ArrayList<>();
    List<String> example = new ArrayList<>();
    String who = "";
    for (String line : block.lines().skip(1).toList()) {
      if (line.startsWith("- ")) {
        causes.add(line.substring(2));
      } else if (line.startsWith("> ")) {
        look.add(line.substring(2));
      } else if (line.startsWith("! ")) {
        remedies.add(line.substring(2));
      } else if (line.startsWith("$ ")) {
        example.add(line.substring(2));
      } else if (line.startsWith("@ ")) {
        who = line.substring(2);
      } else {
        meaning.append(meaning.isEmpty() ? "" : "\n").append(line);
      }
    }
    return new Page(
        head[0], head[1], head[2], meaning.toString(), causes, look, who, remedies, example);
  }

  private static String text(String resource) {
    try (InputStream in =
        Objects.requireNonNull(CodePages.class.getResourceAsStream(resource), resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
