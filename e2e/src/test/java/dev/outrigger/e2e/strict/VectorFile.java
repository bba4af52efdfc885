package dev.outrigger.e2e.strict;

import dev.outrigger.e2e.strict.Vector.Field;
import dev.outrigger.e2e.strict.Vector.Step;
import dev.outrigger.e2e.strict.Vector.Verdict;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Reads a file of vectors. Each begins with {@code [name] verdict option... ; source}; then come
 * lines of bytes, or frames with their fields indented. {@code \r \n \t \0 \xNN \\} stand for
 * bytes, {@code *N} before a line repeats it, {@code ~} waits, {@code #} is a comment.
 */
final class VectorFile {
  private final String file;
  private final List<Vector> vectors = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private List<Step> steps = new ArrayList<>();
  private ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private List<Field> fields = new ArrayList<>();
  private String heading = "";
  private String frame = "";

  private VectorFile(String file) {
    this.file = file;
  }

  static List<Vector> read(String file) {
    VectorFile reading = new VectorFile(file);
    try (InputStream in = VectorFile.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException(file + " is missing");
      }
      new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().forEach(reading::line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    reading.vector();
    return reading.vectors;
  }

  private void line(String line) {
    if (line.isBlank() || line.startsWith("#")) {
      return;
    }
    if (line.startsWith("[")) {
      vector();
      heading = line;
    } else if (line.equals("~")) {
      flushBytes();
      flushFrame();
      steps.add(new Step.Wait());
    } else if (file.contains("http2")) {
      frameLine(line);
    } else {
      int times = times(line);
      byte[] text = unescape(times > 1 ? line.substring(line.indexOf(' ') + 1) : line);
      for (int i = 0; i < times; i++) {
        bytes.writeBytes(text);
      }
    }
  }

  private void frameLine(String line) {
    if (!line.startsWith("  ")) {
      flushFrame();
      frame = line;
      return;
    }
    String field = line.substring(2);
    int times = times(field);
    if (times > 1) {
      field = field.substring(field.indexOf(' ') + 1);
    }
    int equals = field.indexOf(" =");
    if (equals < 0) {
      throw new IllegalStateException(file + ": no ' =' in " + line);
    }
    String value = field.substring(equals + 2);
    String name = text(field.substring(0, equals));
    String plain = text(value.startsWith(" ") ? value.substring(1) : value);
    for (int i = 0; i < times; i++) {
      fields.add(new Field(name.replace("%d", "" + i), plain));
    }
  }

  private void flushBytes() {
    if (bytes.size() > 0) {
      steps.add(new Step.Bytes(bytes.toByteArray()));
      bytes = new ByteArrayOutputStream();
    }
  }

  /** A frame is {@code kind [stream] [end] [|bytes]}. */
  private void flushFrame() {
    if (frame.isEmpty()) {
      return;
    }
    int bar = frame.indexOf('|');
    byte[] payload = bar < 0 ? new byte[0] : unescape(frame.substring(bar + 1));
    int stream = 1;
    boolean end = false;
    String[] words = (bar < 0 ? frame : frame.substring(0, bar)).strip().split(" +", -1);
    for (int i = 1; i < words.length; i++) {
      if (words[i].equals("end")) {
        end = true;
      } else {
        stream = Integer.parseInt(words[i]);
      }
    }
    steps.add(
        switch (words[0]) {
          case "headers" -> new Step.Head(stream, end, fields);
          case "data" -> new Step.Body(stream, end, payload);
          case "reset" -> new Step.Reset(stream);
          default -> throw new IllegalStateException(file + ": no such frame: " + frame);
        });
    fields = new ArrayList<>();
    frame = "";
  }

  private void vector() {
    if (heading.isEmpty()) {
      return;
    }
    flushBytes();
    flushFrame();
    int close = heading.indexOf(']');
    int semicolon = heading.indexOf(';');
    if (close < 0 || semicolon < 0 || steps.isEmpty()) {
      throw new IllegalStateException(file + ": not whole: " + heading);
    }
    String name = heading.substring(1, close);
    if (!names.add(name)) {
      throw new IllegalStateException(file + ": twice: " + name);
    }
    String[] words = heading.substring(close + 1, semicolon).strip().split(" +", -1);
    Set<String> options = new HashSet<>();
    int messages = 1;
    for (int i = 1; i < words.length; i++) {
      if (words[i].startsWith("n=")) {
        messages = Integer.parseInt(words[i].substring(2));
      } else {
        options.add(words[i]);
      }
    }
    vectors.add(
        new Vector(
            name,
            Verdict.valueOf(words[0].toUpperCase(Locale.ROOT)),
            messages,
            options,
            heading.substring(semicolon + 1).strip(),
            steps));
    steps = new ArrayList<>();
    heading = "";
  }

  private static int times(String line) {
    int space = line.indexOf(' ');
    return line.matches("\\*[0-9]+ .*") ? Integer.parseInt(line.substring(1, space)) : 1;
  }

  private static String text(String escaped) {
    return new String(unescape(escaped), StandardCharsets.ISO_8859_1);
  }

  private static byte[] unescape(String text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        out.write(c);
        continue;
      }
      char next = text.charAt(++i);
      switch (next) {
        case 'r' -> out.write('\r');
        case 'n' -> out.write('\n');
        case 't' -> out.write('\t');
        case '0' -> out.write(0);
        case '\\' -> out.write('\\');
        case 'x' -> {
          out.write(Integer.parseInt(text.substring(i + 1, i + 3), 16));
          i += 2;
        }
        default -> throw new IllegalStateException("no such escape: \\" + next);
      }
    }
    return out.toByteArray();
  }
}
