package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.proxy.config.LogFormat.Member;
import dev.outrigger.proxy.config.LogFormat.Node;
import dev.outrigger.proxy.config.LogFormat.Piece;
import dev.outrigger.proxy.config.LogFormatException;
import dev.outrigger.proxy.config.LogFormatParser;
import dev.outrigger.proxy.extension.InvalidResourceException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The formats of access logs: text with operators, and JSON objects with such text in them. */
final class LogFormatDecoder {
  private static final int MAX_DEPTH = 8;

  private LogFormatDecoder() {}

  /** The pieces of one text; the end of the line is ours. */
  static List<Piece> pieces(String text, Scope scope) throws InvalidResourceException {
    String line = text;
    while (line.endsWith("\n") || line.endsWith("\r")) {
      line = line.substring(0, line.length() - 1);
    }
    if (line.isEmpty()) {
      throw scope.refuse("is required and must not be empty");
    }
    return parse(line, scope);
  }

  static Node.Members members(Struct struct, boolean sorted, Scope scope)
      throws InvalidResourceException {
    if (struct.getFieldsCount() == 0) {
      throw scope.refuse("is required and must not be empty");
    }
    return members(struct, sorted, scope, 0);
  }

  private static Node.Members members(Struct struct, boolean sorted, Scope scope, int depth)
      throws InvalidResourceException {
    if (depth > MAX_DEPTH) {
      throw scope.refuse("is nested more than " + MAX_DEPTH + " deep");
    }
    List<Member> members = new ArrayList<>();
    for (Map.Entry<String, Value> field : struct.getFieldsMap().entrySet()) {
      Scope at = scope.in(field.getKey());
      members.add(new Member(field.getKey(), node(field.getValue(), sorted, at, depth)));
    }
    if (sorted) {
      members.sort(Comparator.comparing(Member::name));
    }
    return new Node.Members(members);
  }

  private static Node node(Value value, boolean sorted, Scope scope, int depth)
      throws InvalidResourceException {
    return switch (value.getKindCase()) {
      case STRING_VALUE -> new Node.Words(parse(value.getStringValue(), scope));
      case NUMBER_VALUE -> {
        double number = value.getNumberValue();
        yield new Node.Constant(
            number == Math.rint(number) && Math.abs(number) < 1e15
                ? Long.toString((long) number)
                : Double.toString(number));
      }
      case BOOL_VALUE -> new Node.Constant(Boolean.toString(value.getBoolValue()));
      case STRUCT_VALUE -> members(value.getStructValue(), sorted, scope, depth + 1);
      case LIST_VALUE -> {
        if (depth > MAX_DEPTH) {
          throw scope.refuse("is nested more than " + MAX_DEPTH + " deep");
        }
        List<Node> items = new ArrayList<>();
        for (int i = 0; i < value.getListValue().getValuesCount(); i++) {
          items.add(
              node(value.getListValue().getValues(i), sorted, scope.in("[" + i + "]"), depth + 1));
        }
        yield new Node.Items(items);
      }
      case NULL_VALUE, KIND_NOT_SET -> new Node.Constant("null");
    };
  }

  private static List<Piece> parse(String text, Scope scope) throws InvalidResourceException {
    try {
      return LogFormatParser.parse(text);
    } catch (LogFormatException e) {
      throw scope.refuse(String.valueOf(e.getMessage()));
    }
  }
}
