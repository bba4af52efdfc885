package dev.outrigger.proxy.message;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The header fields of one message, in order, as bytes: what arrived is forwarded as it arrived,
 * and strings are made only of what someone asks for. Names keep their case and are compared
 * without it; values have no leading or trailing white space.
 *
 * <p>Mutable and confined to one worker. Fields are slices of one array; setting a field appends to
 * the array, removing one drops its slot.
 */
public final class Headers {
  private static final int SLOT = 5; // hash, name offset, name length, value offset, value length

  private byte[] bytes;
  private int used;
  private int[] slots;
  private int size;

  /** No fields, with room for a few. */
  public Headers() {
    this(new byte[256], 0, 16);
  }

  /**
   * Fields over bytes that were already read, for a decoder that then calls {@link #addSlice}.
   *
   * @param bytes taken over, not copied
   * @param used how many of them are in use
   */
  public Headers(byte[] bytes, int used, int expectedFields) {
    this.bytes = bytes;
    this.used = used;
    this.slots = new int[expectedFields * SLOT];
  }

  /** The hash of a name, equal for names that differ only in case. */
  public static int hashOf(byte[] name) {
    return hash(name, 0, name.length);
  }

  /** The same, of a part. */
  static int hash(byte[] bytes, int offset, int length) {
    int h = length;
    for (int i = offset, end = offset + length; i < end; i++) {
      h = 31 * h + (bytes[i] | 0x20);
    }
    return h;
  }

  /** Adds a field whose name and value already lie in the array given to the constructor. */
  public void addSlice(int nameOffset, int nameLength, int valueOffset, int valueLength) {
    addSlot(hash(bytes, nameOffset, nameLength), nameOffset, nameLength, valueOffset, valueLength);
  }

  /** Adds a field after those there are. */
  public void add(HeaderName name, String value) {
    int nameOffset = append(name.bytes);
    int valueLength = value.length();
    int valueOffset = appendAscii(value);
    addSlot(name.hash, nameOffset, name.bytes.length, valueOffset, valueLength);
  }

  /** Adds a field after those there are, its name as written. */
  public void add(String name, String value) {
    byte[] nameBytes = name.getBytes(StandardCharsets.ISO_8859_1);
    int nameOffset = append(nameBytes);
    int valueOffset = appendAscii(value);
    addSlot(
        hash(bytes, nameOffset, nameBytes.length),
        nameOffset,
        nameBytes.length,
        valueOffset,
        value.length());
  }

  /** Adds a field whose name and value are copied from bytes that were already checked. */
  public void add(
      byte[] name, int nameAt, int nameLength, byte[] value, int valueAt, int valueLength) {
    int nameOffset = reserve(nameLength);
    System.arraycopy(name, nameAt, bytes, nameOffset, nameLength);
    int valueOffset = reserve(valueLength);
    System.arraycopy(value, valueAt, bytes, valueOffset, valueLength);
    addSlot(hash(bytes, nameOffset, nameLength), nameOffset, nameLength, valueOffset, valueLength);
  }

  /**
   * The same, of a name whose hash is known.
   *
   * @param nameHash as {@link #hashOf} says
   */
  public void add(int nameHash, byte[] name, byte[] value, int valueAt, int valueLength) {
    int nameOffset = append(name);
    int valueOffset = reserve(valueLength);
    System.arraycopy(value, valueAt, bytes, valueOffset, valueLength);
    addSlot(nameHash, nameOffset, name.length, valueOffset, valueLength);
  }

  /** Replaces all fields of this name by one, in the place of the first. */
  public void set(HeaderName name, String value) {
    int slot = find(name, 0);
    if (slot < 0) {
      add(name, value);
      return;
    }
    int offset = appendAscii(value);
    slots[slot + 3] = offset;
    slots[slot + 4] = value.length();
    removeFrom(name, slot + SLOT);
  }

  /** Replaces all fields of this name by one whose value is copied from bytes without line ends. */
  public void set(HeaderName name, byte[] value, int valueLength) {
    int slot = find(name, 0);
    if (slot < 0) {
      int nameOffset = append(name.bytes);
      int offset = reserve(valueLength);
      System.arraycopy(value, 0, bytes, offset, valueLength);
      addSlot(name.hash, nameOffset, name.bytes.length, offset, valueLength);
      return;
    }
    int offset = reserve(valueLength);
    System.arraycopy(value, 0, bytes, offset, valueLength);
    slots[slot + 3] = offset;
    slots[slot + 4] = valueLength;
    removeFrom(name, slot + SLOT);
  }

  /** Drops all fields of this name; returns whether there were any. */
  public boolean remove(HeaderName name) {
    return removeFrom(name, 0);
  }

  /** Drops the field at an index. */
  public void removeAt(int index) {
    int at = index * SLOT;
    System.arraycopy(slots, at + SLOT, slots, at, (size - index - 1) * SLOT);
    size--;
  }

  /** The first value of this name, or null. */
  public @Nullable String get(HeaderName name) {
    int slot = find(name, 0);
    return slot < 0 ? null : text(slots[slot + 3], slots[slot + 4]);
  }

  /** The first value of this name, or null; {@link #get(HeaderName)} is cheaper. */
  public @Nullable String get(String name) {
    return get(HeaderName.of(name));
  }

  /** All values of this name, in order. */
  public List<String> all(HeaderName name) {
    List<String> values = new ArrayList<>(2);
    for (int slot = find(name, 0); slot >= 0; slot = find(name, slot + SLOT)) {
      values.add(text(slots[slot + 3], slots[slot + 4]));
    }
    return values;
  }

  /**
   * Writes the name of a field that has this one, whatever its case, as it is written here.
   *
   * @param fromIndex where to begin to look for it
   * @return where the field is, or -1 if there is none
   */
  public int nameAs(String written, int fromIndex) {
    int slot = find(HeaderName.of(written), fromIndex * SLOT);
    if (slot < 0) {
      return -1;
    }
    for (int i = 0; i < written.length(); i++) {
      bytes[slots[slot + 1] + i] = (byte) written.charAt(i);
    }
    return slot / SLOT;
  }

  /** Whether there is a field of this name. */
  public boolean contains(HeaderName name) {
    return find(name, 0) >= 0;
  }

  /** How many fields have this name. */
  public int count(HeaderName name) {
    int count = 0;
    for (int slot = find(name, 0); slot >= 0; slot = find(name, slot + SLOT)) {
      count++;
    }
    return count;
  }

  /** The index of the first field of this name at or after an index, or -1. */
  public int indexOf(HeaderName name, int fromIndex) {
    int slot = find(name, fromIndex * SLOT);
    return slot < 0 ? -1 : slot / SLOT;
  }

  /** Whether the first value of this name equals ASCII text, without regard to case. */
  public boolean valueEqualsIgnoreCase(HeaderName name, String lowerCase) {
    int slot = find(name, 0);
    if (slot < 0 || slots[slot + 4] != lowerCase.length()) {
      return false;
    }
    int offset = slots[slot + 3];
    for (int i = 0; i < lowerCase.length(); i++) {
      int b = bytes[offset + i];
      if (b >= 'A' && b <= 'Z') {
        b |= 0x20;
      }
      if (b != lowerCase.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** Number of fields. */
  public int size() {
    return size;
  }

  public String nameAt(int index) {
    return text(slots[index * SLOT + 1], slots[index * SLOT + 2]);
  }

  public String valueAt(int index) {
    return text(slots[index * SLOT + 3], slots[index * SLOT + 4]);
  }

  /** Whether the field at an index has this name. */
  public boolean nameIs(int index, HeaderName name) {
    return matches(index * SLOT, name);
  }

  /** The array under the fields, for an encoder; offsets below point into it. Not to be changed. */
  public byte[] array() {
    return bytes;
  }

  /** A hash of the name at an index, equal for names that differ only in case. */
  public int nameHash(int index) {
    return slots[index * SLOT];
  }

  public int nameOffset(int index) {
    return slots[index * SLOT + 1];
  }

  public int nameLength(int index) {
    return slots[index * SLOT + 2];
  }

  public int valueOffset(int index) {
    return slots[index * SLOT + 3];
  }

  public int valueLength(int index) {
    return slots[index * SLOT + 4];
  }

  /** A copy that shares nothing; a retry sends from one. */
  public Headers copy() {
    Headers copy = new Headers(Arrays.copyOf(bytes, Math.max(used, 16)), used, 0);
    copy.slots = Arrays.copyOf(slots, Math.max(size * SLOT, SLOT));
    copy.size = size;
    return copy;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < size; i++) {
      text.append(nameAt(i)).append(": ").append(valueAt(i)).append('\n');
    }
    return text.toString();
  }

  private String text(int offset, int length) {
    return new String(bytes, offset, length, StandardCharsets.ISO_8859_1);
  }

  private int find(HeaderName name, int fromSlot) {
    for (int slot = fromSlot, end = size * SLOT; slot < end; slot += SLOT) {
      if (matches(slot, name)) {
        return slot;
      }
    }
    return -1;
  }

  private boolean matches(int slot, HeaderName name) {
    if (slots[slot] != name.hash || slots[slot + 2] != name.bytes.length) {
      return false;
    }
    int offset = slots[slot + 1];
    byte[] wanted = name.bytes;
    for (int i = 0; i < wanted.length; i++) {
      int b = bytes[offset + i];
      if (b >= 'A' && b <= 'Z') {
        b |= 0x20;
      }
      if (b != wanted[i]) {
        return false;
      }
    }
    return true;
  }

  private boolean removeFrom(HeaderName name, int fromSlot) {
    int slot = find(name, fromSlot);
    boolean removed = slot >= 0;
    while (slot >= 0) {
      removeAt(slot / SLOT);
      slot = find(name, slot);
    }
    return removed;
  }

  private void addSlot(int hash, int nameOffset, int nameLength, int valueOffset, int valueLength) {
    int at = size * SLOT;
    if (at == slots.length) {
      slots = Arrays.copyOf(slots, Math.max(slots.length * 2, 8 * SLOT));
    }
    slots[at] = hash;
    slots[at + 1] = nameOffset;
    slots[at + 2] = nameLength;
    slots[at + 3] = valueOffset;
    slots[at + 4] = valueLength;
    size++;
  }

  private int append(byte[] more) {
    int at = reserve(more.length);
    System.arraycopy(more, 0, bytes, at, more.length);
    return at;
  }

  // The one way from a String to bytes that copies once and makes no array of its own.
  @SuppressWarnings("deprecation")
  private int appendAscii(String more) {
    int length = more.length();
    int at = reserve(length);
    more.getBytes(0, length, bytes, at);
    for (int i = at, end = at + length; i < end; i++) {
      byte b = bytes[i];
      if (b == '\r' || b == '\n' || b == 0) {
        bytes[i] = ' '; // no text, wherever it comes from, ends a line or a message
      }
    }
    return at;
  }

  private int reserve(int length) {
    int at = used;
    if (at + length > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, at + length));
    }
    used = at + length;
    return at;
  }
}
