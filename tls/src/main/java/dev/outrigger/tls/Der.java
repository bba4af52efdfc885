package dev.outrigger.tls;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.util.Arrays;

/**
 * The little of ASN.1 DER (X.690) that keys, requests and names need: a reader over a byte range,
 * and writers that return bytes.
 */
final class Der {
  static final int INTEGER = 0x02;
  static final int BIT_STRING = 0x03;
  static final int OCTET_STRING = 0x04;
  static final int OBJECT_IDENTIFIER = 0x06;
  static final int SEQUENCE = 0x30;
  static final int SET = 0x31;

  private final byte[] bytes;
  private final int end;
  private int position;

  private Der(byte[] bytes, int position, int end) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  static Der reader(byte[] bytes) {
    return new Der(bytes, 0, bytes.length);
  }

  /** Thrown for bytes that are not what they should be; becomes an error of its caller's kind. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String message) {
      super(message);
    }
  }

  boolean atEnd() {
    return position == end;
  }

  /** The tag of the next value. */
  int peekTag() throws MalformedException {
    if (atEnd()) {
      throw new MalformedException("it ends too early");
    }
    return bytes[position] & 0xff;
  }

  /** Steps over the next value's tag and length, and gives a reader of its content. */
  Der next(int expectedTag) throws MalformedException {
    int tag = peekTag();
    if (tag != expectedTag) {
      throw new MalformedException(
          String.format("byte %d has the tag %02x, expected %02x", position, tag, expectedTag));
    }
    return next();
  }

  /** Like {@link #next(int)}, whatever the tag. */
  Der next() throws MalformedException {
    int tag = peekTag();
    if ((tag & 0x1f) == 0x1f) {
      throw new MalformedException("byte " + position + " has a long tag");
    }
    int at = position + 1;
    if (at >= end) {
      throw new MalformedException("it ends too early");
    }
    int length = bytes[at++] & 0xff;
    if (length >= 0x80) {
      int count = length & 0x7f;
      if (count == 0 || count > 3 || at + count > end) {
        throw new MalformedException("byte " + position + " has a bad length");
      }
      length = 0;
      for (int i = 0; i < count; i++) {
        length = (length << 8) | (bytes[at++] & 0xff);
      }
    }
    if (length > end - at) {
      throw new MalformedException("it ends too early");
    }
    position = at + length;
    return new Der(bytes, at, position);
  }

  /** The bytes that are left. */
  byte[] rest() {
    return Arrays.copyOfRange(bytes, position, end);
  }

  BigInteger integer() throws MalformedException {
    byte[] value = next(INTEGER).rest();
    if (value.length == 0) {
      throw new MalformedException("an integer is empty");
    }
    return new BigInteger(value);
  }

  static byte[] value(int tag, byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    out.write(tag);
    if (length < 0x80) {
      out.write(length);
    } else {
      int count = (39 - Integer.numberOfLeadingZeros(length)) / 8;
      out.write(0x80 | count);
      for (int shift = (count - 1) * 8; shift >= 0; shift -= 8) {
        out.write(length >>> shift);
      }
    }
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  static byte[] integer(int number) {
    return value(INTEGER, BigInteger.valueOf(number).toByteArray());
  }

  /** An object identifier from its content in hexadecimal. */
  static byte[] oid(String hex) {
    return value(OBJECT_IDENTIFIER, java.util.HexFormat.of().parseHex(hex));
  }

  static byte[] bitString(byte[] content) {
    return value(BIT_STRING, new byte[] {0}, content);
  }
}
