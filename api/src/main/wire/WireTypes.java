import com.google.protobuf.DescriptorProtos.FileOptions;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.GenericDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Writes the part of Envoy's API that we speak as .proto files, so that the proxy need not carry
 * the rest: a thousand generated classes and their descriptors are memory in every pod.
 *
 * <p>Run by the build with Envoy's whole API on the class path: {@code WireTypes PROTOS TABLE
 * LIST...}. A list has messages as unindented lines and below each, indented, the fields that are
 * kept; {@code *} keeps all. Fields' words {@code harmless}, {@code off-only}, {@code on-only} and
 * what follows a colon are of no matter here. Messages that are only the type of a kept field stay
 * as empty ones. What was dropped goes into the table, so that it can still be called by its name:
 * a line per message, then {@code name=number}, with {@code ~} where a false, zero or empty value is
 * the same as none, and {@code !} where Envoy deprecates it.
 */
final class WireTypes {
  private static final Set<String> WORDS = Set.of("harmless", "off-only", "on-only");

  /** Where the Java classes of a protobuf package are. */
  private static final Map<String, String> JAVA =
      Map.of("envoy.", "io.envoyproxy.envoy.", "xds.", "com.github.xds.");

  /** Fields to keep, by message. */
  private final Map<String, Set<String>> kept = new TreeMap<>();

  private final Map<String, FileDescriptor> files = new TreeMap<>();
  private final Set<String> messages = new TreeSet<>();
  private final Set<String> enums = new TreeSet<>();
  private final Map<String, StringBuilder> dropped = new TreeMap<>();

  public static void main(String[] args) throws IOException, ReflectiveOperationException {
    WireTypes types = new WireTypes();
    for (String list : List.of(args).subList(2, args.length)) {
      types.read(Path.of(list));
    }
    types.close();
    types.write(Path.of(args[0]), Path.of(args[1]));
  }

  private void read(Path list) throws IOException {
    String message = "";
    for (String line : Files.readAllLines(list)) {
      String content = line.strip();
      if (content.isEmpty() || content.startsWith("#")) {
        continue;
      }
      if (!Character.isWhitespace(line.charAt(0))) {
        message = content;
        kept.computeIfAbsent(message, _ -> new TreeSet<>());
        continue;
      }
      for (String word : content.split(":", 2)[0].strip().split(" +")) {
        if (!WORDS.contains(word)) {
          kept.get(message).add(word);
        }
      }
    }
  }

  private static Descriptor find(String message) throws ReflectiveOperationException {
    for (Map.Entry<String, String> prefix : JAVA.entrySet()) {
      if (message.startsWith(prefix.getKey())) {
        // Packages are in lower case; a dot between two classes is a dollar.
        String name = prefix.getValue() + message.substring(prefix.getKey().length());
        String type = name.replaceAll("(\\.[A-Z]\\w*)(?=\\.)", "$1\u0000").replace("\u0000.", "$");
        try {
          return (Descriptor) Class.forName(type).getMethod("getDescriptor").invoke(null);
        } catch (ClassNotFoundException e) {
          throw new IllegalArgumentException("Envoy's API has no message " + message, e);
        }
      }
    }
    throw new IllegalArgumentException("no package of Envoy's API: " + message);
  }

  /** Adds every type that a kept field has. */
  private void close() throws ReflectiveOperationException {
    Deque<Descriptor> todo = new ArrayDeque<>();
    for (Map.Entry<String, Set<String>> entry : kept.entrySet()) {
      Descriptor message = find(entry.getKey());
      for (String field : entry.getValue()) {
        if (!field.equals("*") && message.findFieldByName(field) == null) {
          throw new IllegalArgumentException(entry.getKey() + " has no field " + field);
        }
      }
      todo.add(message);
    }
    while (!todo.isEmpty()) {
      Descriptor message = todo.remove();
      if (foreign(message) || !messages.add(message.getFullName())) {
        continue;
      }
      files.put(message.getFile().getName(), message.getFile());
      if (message.getContainingType() != null) {
        todo.add(message.getContainingType());
      }
      for (FieldDescriptor field : fields(message)) {
        FieldDescriptor value =
            field.isMapField() ? field.getMessageType().findFieldByName("value") : field;
        if (value.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
          todo.add(value.getMessageType());
        } else if (value.getJavaType() == FieldDescriptor.JavaType.ENUM
            && !foreign(value.getEnumType())) {
          enums.add(value.getEnumType().getFullName());
          files.put(value.getEnumType().getFile().getName(), value.getEnumType().getFile());
          if (value.getEnumType().getContainingType() != null) {
            todo.add(value.getEnumType().getContainingType());
          }
        }
      }
    }
  }

  private static boolean foreign(GenericDescriptor type) {
    return type.getFullName().startsWith("google.");
  }

  private List<FieldDescriptor> fields(Descriptor message) {
    Set<String> names = kept.getOrDefault(message.getFullName(), Set.of());
    return message.getFields().stream()
        .filter(field -> names.contains("*") || names.contains(field.getName()))
        .toList();
  }

  private void write(Path protos, Path table) throws IOException {
    Map<Path, String> wanted = new LinkedHashMap<>();
    for (FileDescriptor file : files.values()) {
      wanted.put(protos.resolve(file.getName()), new Printer(file).text());
    }
    StringBuilder lines = new StringBuilder();
    dropped.forEach((message, fields) -> lines.append(message).append(fields).append('\n'));
    wanted.put(table, lines.toString());
    Files.createDirectories(protos);
    boolean changed = false;
    for (Path path : filesIn(protos)) {
      if (!wanted.containsKey(path)) {
        Files.delete(path);
        changed = true;
      }
    }
    for (Map.Entry<Path, String> file : wanted.entrySet()) {
      // What has not changed keeps its time, or all that depends on it is compiled again.
      if (!Files.exists(file.getKey())
          || !Files.readString(file.getKey()).equals(file.getValue())) {
        Files.createDirectories(file.getKey().getParent());
        Files.writeString(file.getKey(), file.getValue());
        changed = true;
      }
    }
    if (changed) {
      // What was made of them before may belong to nothing any more.
      for (String made : List.of("generated-sources", "protobuf-maven-plugin", "classes")) {
        for (Path path : filesIn(protos.resolveSibling("..").normalize().resolve(made))) {
          Files.delete(path);
        }
      }
    }
  }

  private static List<Path> filesIn(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  /** One file. */
  private final class Printer {
    private final FileDescriptor file;
    private final Set<String> imports = new TreeSet<>();
    private final StringBuilder body = new StringBuilder();

    Printer(FileDescriptor file) {
      this.file = file;
    }

    String text() {
      for (EnumDescriptor type : file.getEnumTypes()) {
        print(type, "");
      }
      for (Descriptor message : file.getMessageTypes()) {
        print(message, "");
      }
      for (ServiceDescriptor service : file.getServices()) {
        print(service);
      }
      FileOptions options = file.getOptions();
      StringBuilder head = new StringBuilder("syntax = \"proto3\";\n\n");
      head.append("package ").append(file.getPackage()).append(";\n\n");
      for (String path : imports) {
        head.append("import \"").append(path).append("\";\n");
      }
      head.append("\noption java_package = \"").append(options.getJavaPackage()).append("\";\n");
      head.append("option java_outer_classname = \"");
      head.append(options.getJavaOuterClassname()).append("\";\n");
      head.append("option java_multiple_files = ").append(options.getJavaMultipleFiles());
      return head.append(";\n").append(body).toString();
    }

    private void print(ServiceDescriptor service) {
      List<MethodDescriptor> methods =
          service.getMethods().stream()
              .filter(method -> kept.containsKey(method.getInputType().getFullName()))
              .toList();
      if (methods.isEmpty()) {
        return;
      }
      body.append("\nservice ").append(service.getName()).append(" {\n");
      for (MethodDescriptor method : methods) {
        body.append("  rpc ").append(method.getName()).append('(');
        body.append(method.isClientStreaming() ? "stream " : "").append(of(method.getInputType()));
        body.append(") returns (").append(method.isServerStreaming() ? "stream " : "");
        body.append(of(method.getOutputType())).append(");\n");
      }
      body.append("}\n");
    }

    private void print(EnumDescriptor type, String indent) {
      if (!enums.contains(type.getFullName())) {
        return;
      }
      body.append('\n').append(indent).append("enum ").append(type.getName()).append(" {\n");
      if (type.toProto().getOptions().getAllowAlias()) {
        body.append(indent).append("  option allow_alias = true;\n");
      }
      for (EnumValueDescriptor value : type.getValues()) {
        body.append(indent).append("  ").append(value.getName()).append(" = ");
        body.append(value.getNumber()).append(";\n");
      }
      body.append(indent).append("}\n");
    }

    private void print(Descriptor message, String indent) {
      if (!messages.contains(message.getFullName())) {
        return;
      }
      List<FieldDescriptor> fields = fields(message);
      StringBuilder left = new StringBuilder();
      for (FieldDescriptor field : message.getFields()) {
        if (!fields.contains(field)) {
          left.append(' ').append(field.getName()).append('=').append(field.getNumber());
          left.append(!field.hasPresence() && !field.isRepeated() ? "~" : "");
          left.append(field.getOptions().getDeprecated() ? "!" : "");
        }
      }
      if (!left.isEmpty()) {
        dropped.put(message.getFullName(), left);
      }
      String inner = indent + "  ";
      body.append('\n').append(indent).append("message ").append(message.getName()).append(" {\n");
      for (EnumDescriptor type : message.getEnumTypes()) {
        print(type, inner);
      }
      for (Descriptor nested : message.getNestedTypes()) {
        if (!nested.getOptions().getMapEntry()) {
          print(nested, inner);
        }
      }
      List<OneofDescriptor> done = new ArrayList<>();
      for (FieldDescriptor field : fields) {
        OneofDescriptor oneof = field.getRealContainingOneof();
        if (oneof == null) {
          print(field, inner);
        } else if (!done.contains(oneof)) {
          done.add(oneof);
          body.append(inner).append("oneof ").append(oneof.getName()).append(" {\n");
          oneof.getFields().stream()
              .filter(fields::contains)
              .forEach(choice -> print(choice, inner + "  "));
          body.append(inner).append("}\n");
        }
      }
      body.append(indent).append("}\n");
    }

    private void print(FieldDescriptor field, String indent) {
      body.append(indent);
      if (field.isMapField()) {
        Descriptor entry = field.getMessageType();
        body.append("map<").append(type(entry.findFieldByName("key"))).append(", ");
        body.append(type(entry.findFieldByName("value"))).append("> ");
      } else {
        body.append(field.isRepeated() ? "repeated " : field.toProto().getProto3Optional() ? "optional " : "");
        body.append(type(field)).append(' ');
      }
      body.append(field.getName()).append(" = ").append(field.getNumber());
      body.append(field.getOptions().getDeprecated() ? " [deprecated = true]" : "").append(";\n");
    }

    private String type(FieldDescriptor field) {
      return switch (field.getJavaType()) {
        case MESSAGE -> of(field.getMessageType());
        case ENUM -> of(field.getEnumType());
        default -> field.getType().name().toLowerCase(java.util.Locale.ROOT);
      };
    }

    private String of(GenericDescriptor type) {
      if (!type.getFile().getName().equals(file.getName())) {
        imports.add(type.getFile().getName());
      }
      return "." + type.getFullName();
    }
  }
}
