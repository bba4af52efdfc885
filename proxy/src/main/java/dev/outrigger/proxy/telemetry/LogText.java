package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.LogFormat;
import dev.outrigger.proxy.config.LogFormat.Member;
import dev.outrigger.proxy.config.LogFormat.Node;
import dev.outrigger.proxy.config.LogFormat.Piece;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A compiled format: writes one whole line, without its end. */
@FunctionalInterface
interface LogText {
  void write(LogLine line, LogEntry entry);

  static LogText of(LogFormat format, LogValues values) {
    return switch (format) {
      case LogFormat.Standard _ -> new StandardLine();
      case LogFormat.Text text -> {
        LogValue[] pieces = pieces(text.pieces(), text.omitEmpty(), values);
        yield (line, entry) -> {
          line.asText();
          for (LogValue piece : pieces) {
            boolean _ = piece.write(line, entry);
          }
        };
      }
      case LogFormat.Json json -> {
        LogValue root = node(json.root(), json.omitEmpty(), values);
        yield (line, entry) -> {
          line.asJson();
          boolean _ = root.write(line, entry);
        };
      }
    };
  }

  private static LogValue[] pieces(List<Piece> pieces, boolean omitEmpty, LogValues values) {
    LogValue[] made = new LogValue[pieces.size()];
    for (int i = 0; i < made.length; i++) {
      made[i] =
          switch (pieces.get(i)) {
            case Piece.Literal literal -> literal(LogLine.ascii(literal.text()));
            case Piece.Value value -> omitEmpty ? values.of(value) : orDash(values.of(value));
          };
    }
    return made;
  }

  private static LogValue literal(byte[] bytes) {
    return (line, _) -> {
      line.raw(bytes);
      return true;
    };
  }

  private static LogValue orDash(LogValue value) {
    return (line, entry) -> {
      if (!value.write(line, entry)) {
        line.raw('-');
      }
      return true;
    };
  }

  /** Writes a value and says whether it is there; where it is not, nothing is written. */
  private static LogValue node(Node node, boolean omitEmpty, LogValues values) {
    return switch (node) {
      case Node.Constant constant -> literal(LogLine.ascii(constant.json()));
      case Node.Members members -> members(members, omitEmpty, values);
      case Node.Items items -> items(items, omitEmpty, values);
      case Node.Words words -> words(words.pieces(), omitEmpty, values);
    };
  }

  private static LogValue words(List<Piece> pieces, boolean omitEmpty, LogValues values) {
    if (pieces.size() == 1 && pieces.getFirst() instanceof Piece.Value only) {
      LogValue value = values.of(only);
      if (LogValues.isNumber(only)) {
        return value;
      }
      return (line, entry) -> {
        int start = line.length();
        line.raw('"');
        if (!value.write(line, entry)) {
          line.backTo(start);
          return false;
        }
        line.raw('"');
        return true;
      };
    }
    LogValue[] parts = pieces(escaped(pieces), omitEmpty, values);
    return (line, entry) -> {
      line.raw('"');
      for (LogValue part : parts) {
        boolean _ = part.write(line, entry);
      }
      line.raw('"');
      return true;
    };
  }

  private static List<Piece> escaped(List<Piece> pieces) {
    return pieces.stream()
        .<Piece>map(
            piece ->
                switch (piece) {
                  case Piece.Literal literal -> new Piece.Literal(quoted(literal.text()));
                  case Piece.Value value -> value;
                })
        .toList();
  }

  private static LogValue members(Node.Members members, boolean omitEmpty, LogValues values) {
    byte[][] names = new byte[members.members().size()][];
    LogValue[] parts = new LogValue[names.length];
    for (int i = 0; i < names.length; i++) {
      Member member = members.members().get(i);
      names[i] = LogLine.ascii("\"" + quoted(member.name()) + "\":");
      parts[i] = orNull(node(member.value(), omitEmpty, values), omitEmpty);
    }
    return (line, entry) -> {
      line.raw('{');
      boolean first = true;
      for (int i = 0; i < parts.length; i++) {
        int start = line.length();
        if (!first) {
          line.raw(',');
        }
        line.raw(names[i]);
        if (parts[i].write(line, entry)) {
          first = false;
        } else {
          line.backTo(start);
        }
      }
      line.raw('}');
      return true;
    };
  }

  private static LogValue items(Node.Items items, boolean omitEmpty, LogValues values) {
    LogValue[] parts =
        items.items().stream()
            .map(item -> orNull(node(item, omitEmpty, values), false))
            .toArray(LogValue[]::new);
    return (line, entry) -> {
      line.raw('[');
      for (int i = 0; i < parts.length; i++) {
        if (i > 0) {
          line.raw(',');
        }
        boolean _ = parts[i].write(line, entry);
      }
      line.raw(']');
      return true;
    };
  }

  private static LogValue orNull(LogValue value, boolean omitEmpty) {
    if (omitEmpty) {
      return value;
    }
    byte[] none = LogLine.ascii("null");
    return (line, entry) -> {
      if (!value.write(line, entry)) {
        line.raw(none);
      }
      return true;
    };
  }

  static String quoted(String text) {
    LogLine line = new LogLine(text.length() + 16);
    line.maxText(0);
    StringBuilder all = new StringBuilder();
    for (int from = 0; from < text.length(); from += LogLine.MAX_TEXT) {
      line.clear();
      line.text(text.substring(from, Math.min(text.length(), from + LogLine.MAX_TEXT)));
      all.append(new String(line.bytes(), 0, line.length(), StandardCharsets.UTF_8));
    }
    return all.toString();
  }
}
