package dev.outrigger.controlplane.kubernetes;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a list in the protobuf of an API server ({@code generated.proto} of k8s.io/api), object by
 * object as it comes, to trees with the names of JSON. Most of a pod is read by nobody, and is
 * passed over by its length. Numbers of fields never change; a field that is to be read must be
 * named here. Confined to its thread.
 */
final class ProtobufList {
  /** By which an API server is asked for this form; custom resources have none. */
  static final String MEDIA_TYPE = "application/vnd.kubernetes.protobuf";

  private static final byte[] MAGIC = {'k', '8', 's', 0};
  private static final int BUFFER = 64 << 10;

  private static final Message TYPE = new Message(text(2, "kind"));
  private static final int TYPE_META = 1;
  private static final int RAW = 2;

  /** The tags of an entry of a map. */
  private static final int KEY = 1 << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;

  private static final int VALUE = 2 << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;

  private static final Message LIST_META = new Message(text(2, "resourceVersion"));
  private static final int LIST_METADATA = 1;
  private static final int ITEMS = 2;

  private static final Message STATUS = new Message(text(3, "message"));

  private static final Message METADATA =
      new Message(
          text(1, "name"),
          text(3, "namespace"),
          text(5, "uid"),
          text(6, "resourceVersion"),
          texts(11, "labels"),
          texts(12, "annotations"));

  private static final Message CONTAINER =
      new Message(
          text(1, "name"),
          many(
              6,
              "ports",
              new Message(text(1, "name"), number(3, "containerPort"), text(4, "protocol"))),
          text(24, "restartPolicy"));

  private static final Message POD =
      new Message(
          one(1, "metadata", METADATA),
          one(
              2,
              "spec",
              new Message(
                  many(2, "containers", CONTAINER),
                  text(8, "serviceAccountName"),
                  text(10, "nodeName"),
                  flag(11, "hostNetwork"),
                  many(20, "initContainers", CONTAINER))),
          one(
              3,
              "status",
              new Message(
                  text(1, "phase"),
                  text(6, "podIP"),
                  many(12, "podIPs", new Message(text(1, "ip"))))));

  private static final Message SLICE =
      new Message(
          one(1, "metadata", METADATA),
          many(
              2,
              "endpoints",
              new Message(
                  new Field(1, "addresses", Form.TEXT, true, null),
                  one(
                      2,
                      "conditions",
                      new Message(flag(1, "ready"), flag(2, "serving"), flag(3, "terminating"))),
                  one(4, "targetRef", new Message(text(1, "kind"), text(3, "name"))),
                  text(7, "zone"),
                  one(8, "hints", new Message(many(1, "forZones", new Message(text(1, "name"))))))),
          many(3, "ports", new Message(text(1, "name"), number(3, "port"))),
          text(4, "addressType"));

  private static final Map<String, Message> KINDS =
      Map.of("Pod", POD, "EndpointSlice", SLICE, "Node", new Message(one(1, "metadata", METADATA)));

  private final CodedInputStream in;

  private ProtobufList(InputStream body) {
    in = CodedInputStream.newInstance(body, BUFFER);
  }

  /** How a field's value is encoded. */
  private enum Form {
    TEXT(WireFormat.WIRETYPE_LENGTH_DELIMITED),
    NUMBER(WireFormat.WIRETYPE_VARINT),
    FLAG(WireFormat.WIRETYPE_VARINT),
    /** An entry of a map from text to text. */
    ENTRY(WireFormat.WIRETYPE_LENGTH_DELIMITED),
    MESSAGE(WireFormat.WIRETYPE_LENGTH_DELIMITED);

    private final int wire;

    Form(int wire) {
      this.wire = wire;
    }
  }

  /**
   * A field that is read.
   *
   * @param name in JSON
   * @param many whether it is a list
   * @param message what is read of it; null unless it is a message
   */
  private record Field(
      int number, String name, Form form, boolean many, @Nullable Message message) {}

  /** What of a message is read. */
  private static final class Message {
    private final @Nullable Field[] byNumber;

    Message(Field... fields) {
      byNumber = new Field[1 + Arrays.stream(fields).mapToInt(Field::number).max().orElse(0)];
      for (Field one : fields) {
        byNumber[one.number()] = one;
      }
    }

    @Nullable Field field(int number) {
      return number < byNumber.length ? byNumber[number] : null;
    }
  }

  private static Field text(int number, String name) {
    return new Field(number, name, Form.TEXT, false, null);
  }

  private static Field number(int number, String name) {
    return new Field(number, name, Form.NUMBER, false, null);
  }

  private static Field flag(int number, String name) {
    return new Field(number, name, Form.FLAG, false, null);
  }

  private static Field texts(int number, String name) {
    return new Field(number, name, Form.ENTRY, false, null);
  }

  private static Field one(int number, String name, Message message) {
    return new Field(number, name, Form.MESSAGE, false, message);
  }

  private static Field many(int number, String name, Message message) {
    return new Field(number, name, Form.MESSAGE, true, message);
  }

  /** Whether lists of a kind are read in this form. */
  static boolean has(String kind) {
    return KINDS.containsKey(kind);
  }

  /**
   * Reads a list.
   *
   * @param kind of the objects
   * @param each takes the tree of each, its own from then on
   * @return the version of the list
   * @throws IOException if it is none of that kind, or is not whole; some may have been taken
   */
  static String read(InputStream body, String kind, Consumer<Map<String, Object>> each)
      throws IOException {
    Message item = Objects.requireNonNull(KINDS.get(kind));
    ProtobufList list = new ProtobufList(body);
    list.enter(kind + "List");
    return list.list(item, each);
  }

  /**
   * The message of a {@code Status}, by which an API server refuses.
   *
   * @throws IOException if it is none
   */
  static String refusal(InputStream body) throws IOException {
    ProtobufList status = new ProtobufList(body);
    status.enter("Status");
    return status.fields(STATUS).get("message") instanceof String message ? message : "";
  }

  /** Goes to where the object begins that is inside; its end is a limit from then on. */
  private void enter(String kind) throws IOException {
    if (!Arrays.equals(in.readRawBytes(MAGIC.length), MAGIC)) {
      throw new IOException("what was answered is not protobuf of Kubernetes");
    }
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int number = WireFormat.getTagFieldNumber(tag);
      if (number == TYPE_META) {
        @Nullable Object said = message(TYPE).get("kind");
        if (!kind.equals(said)) {
          throw new IOException("a " + kind + " is not what was answered, but a " + said);
        }
      } else if (number == RAW) {
        var _ = begin();
        return;
      } else {
        skip(tag);
      }
    }
    throw new IOException("a " + kind + " is not what was answered");
  }

  private String list(Message item, Consumer<Map<String, Object>> each) throws IOException {
    @Nullable String version = null;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case LIST_METADATA ->
            version =
                message(LIST_META).get("resourceVersion") instanceof String text ? text : null;
        case ITEMS -> each.accept(message(item));
        default -> skip(tag);
      }
    }
    checkWhole();
    if (version == null) {
      throw new IOException("the list says no version");
    }
    return version;
  }

  private Map<String, Object> message(Message read) throws IOException {
    int outer = begin();
    Map<String, Object> tree = fields(read);
    in.popLimit(outer);
    return tree;
  }

  private Map<String, Object> fields(Message read) throws IOException {
    Map<String, Object> tree = new LinkedHashMap<>();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      @Nullable Field field = read.field(WireFormat.getTagFieldNumber(tag));
      if (field == null) {
        skip(tag);
        continue;
      }
      if (WireFormat.getTagWireType(tag) != field.form().wire) {
        throw new IOException("`" + field.name() + "` is not encoded as it should be");
      }
      Object value = value(field, tree);
      if (field.many()) {
        list(tree, field.name()).add(value);
      } else if (!value.equals("")) {
        // Go writes empty text, which JSON leaves out.
        tree.put(field.name(), value);
      }
    }
    checkWhole();
    return tree;
  }

  @SuppressWarnings("unchecked") // A name has one form.
  private static List<Object> list(Map<String, Object> tree, String name) {
    return (List<Object>) tree.computeIfAbsent(name, key -> new ArrayList<>(4));
  }

  private Object value(Field field, Map<String, Object> tree) throws IOException {
    return switch (field.form()) {
      case TEXT -> in.readString();
      case NUMBER -> in.readInt64();
      case FLAG -> in.readBool();
      case ENTRY -> entry(tree.get(field.name()));
      case MESSAGE -> message(Objects.requireNonNull(field.message()));
    };
  }

  /** Reads one into the map that is there already, if there is one. */
  @SuppressWarnings("unchecked") // A name has one form.
  private Map<String, String> entry(@Nullable Object there) throws IOException {
    Map<String, String> texts = there == null ? new LinkedHashMap<>() : (Map<String, String>) there;
    String key = "";
    String value = "";
    int outer = begin();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (tag) {
        case KEY -> key = in.readString();
        case VALUE -> value = in.readString();
        default -> skip(tag);
      }
    }
    checkWhole();
    in.popLimit(outer);
    texts.put(key, value);
    return texts;
  }

  /** Begins what has its length in front; says where what is around it ends. */
  private int begin() throws IOException {
    return in.pushLimit(in.readRawVarint32());
  }

  /** A stream that ends too early looks like the end of a message. */
  private void checkWhole() throws IOException {
    if (in.getBytesUntilLimit() != 0) {
      throw new IOException("what was answered broke off");
    }
  }

  private void skip(int tag) throws IOException {
    if (!in.skipField(tag)) {
      throw new IOException("a group ends that did not begin");
    }
  }
}
