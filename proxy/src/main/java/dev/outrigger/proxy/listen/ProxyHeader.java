package dev.outrigger.proxy.listen;

import dev.outrigger.proxy.config.ProxyProtocol;
import dev.outrigger.proxy.config.ProxyProtocol.Version;
import io.netty.buffer.ByteBuf;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The header of the PROXY protocol, versions 1 and 2, at the beginning of a connection. Consumes
 * nothing. Pure: the same bytes give the same answer, however they were cut into segments. Source:
 * HAProxy's proxy-protocol.txt.
 */
sealed interface ProxyHeader {
  /** Longest line of version 1, with its end. */
  int MAX_LINE = 107;

  /** Longest header of version 2 that is read; its type-length-values take nearly all of it. */
  int MAX_BYTES = 16 * 1024;

  /** Not enough bytes yet. */
  record NeedMore() implements ProxyHeader {}

  /** The connection begins with something else, and may. */
  record Absent() implements ProxyHeader {}

  /**
   * It is not as it must be.
   *
   * @param reason one phrase
   */
  record Malformed(String reason) implements ProxyHeader {}

  /**
   * A whole header.
   *
   * @param length in bytes; what follows is the client's
   * @param source who connected to the sender; null where the sender speaks for itself
   * @param destination what that one connected to; null likewise
   */
  record Found(
      int length, @Nullable InetSocketAddress source, @Nullable InetSocketAddress destination)
      implements ProxyHeader {}

  /** Looks at the readable bytes. */
  static ProxyHeader read(ByteBuf seen, ProxyProtocol policy) {
    if (policy.versions().contains(Version.V2)) {
      int same = Format.common(seen, Format.SIGNATURE);
      if (same == Format.SIGNATURE.length) {
        return Format.binary(seen);
      }
      if (same == seen.readableBytes()) {
        return new NeedMore();
      }
    }
    if (policy.versions().contains(Version.V1)) {
      int same = Format.common(seen, Format.WORD);
      if (same == Format.WORD.length) {
        return Format.line(seen);
      }
      if (same == seen.readableBytes()) {
        return new NeedMore();
      }
    }
    return policy.optional() ? new Absent() : new Malformed("it does not begin with a header");
  }

  /** The two forms. */
  final class Format {
    private static final byte[] SIGNATURE = {
      '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'
    };
    private static final byte[] WORD = {'P', 'R', 'O', 'X', 'Y', ' '};
    private static final int FIXED = 16;
    private static final int LOCAL = 0x20;
    private static final int PROXY = 0x21;
    private static final int UNSPECIFIED = 0x00;
    private static final int TCP4 = 0x11;
    private static final int TCP6 = 0x21;
    private static final int CHECKSUM = 0x03;

    private Format() {}

    private static int common(ByteBuf seen, byte[] prefix) {
      int length = Math.min(seen.readableBytes(), prefix.length);
      int same = 0;
      while (same < length && seen.getByte(seen.readerIndex() + same) == prefix[same]) {
        same++;
      }
      return same;
    }

    private static ProxyHeader line(ByteBuf seen) {
      int start = seen.readerIndex();
      int length = Math.min(seen.readableBytes(), MAX_LINE);
      int end = seen.indexOf(start, start + length, (byte) '\n');
      if (end < 0) {
        return length < MAX_LINE ? new NeedMore() : new Malformed("its line does not end");
      }
      if (seen.getByte(end - 1) != '\r') {
        return new Malformed("its line ends without a carriage return");
      }
      String line = seen.toString(start, end - 1 - start, StandardCharsets.ISO_8859_1);
      int whole = end + 1 - start;
      String[] words = line.split(" ", -1);
      if (words[1].equals("UNKNOWN")) {
        return new Found(whole, null, null);
      }
      boolean v6 = words[1].equals("TCP6");
      if (words.length != 6 || !(v6 || words[1].equals("TCP4"))) {
        return new Malformed("its line is not as it must be");
      }
      InetSocketAddress source = address(words[2], words[4], v6);
      InetSocketAddress destination = address(words[3], words[5], v6);
      return source == null || destination == null
          ? new Malformed("its line holds no address where one must be")
          : new Found(whole, source, destination);
    }

    private static @Nullable InetSocketAddress address(String host, String port, boolean v6) {
      boolean valid =
          v6
              ? NetUtil.isValidIpV6Address(host) && host.indexOf('%') < 0 && host.indexOf('[') < 0
              : NetUtil.isValidIpV4Address(host);
      int number = port(port);
      byte[] bytes = valid ? NetUtil.createByteArrayFromIpAddressString(host) : null;
      if (bytes == null || number < 0) {
        return null;
      }
      InetAddress address = of(bytes);
      boolean other = !v6 && !address.getHostAddress().equals(host); // such as 10.0.0.01
      return other ? null : new InetSocketAddress(address, number);
    }

    /** Decimal, without zeros in front; negative where it is no port. */
    private static int port(String text) {
      if (text.isEmpty() || text.length() > 5 || (text.length() > 1 && text.charAt(0) == '0')) {
        return -1;
      }
      int port = 0;
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (c < '0' || c > '9') {
          return -1;
        }
        port = port * 10 + c - '0';
      }
      return port > 65535 ? -1 : port;
    }

    private static ProxyHeader binary(ByteBuf seen) {
      int start = seen.readerIndex();
      if (seen.readableBytes() < FIXED) {
        return new NeedMore();
      }
      int command = seen.getUnsignedByte(start + 12);
      int family = seen.getUnsignedByte(start + 13);
      int rest = seen.getUnsignedShort(start + 14);
      if (command != LOCAL && command != PROXY) {
        return new Malformed("its version or command is unknown");
      }
      if (FIXED + rest > MAX_BYTES) {
        return new Malformed("it is longer than " + MAX_BYTES + " bytes");
      }
      boolean spokenFor = command == PROXY && family != UNSPECIFIED;
      int size = family == TCP4 ? 4 : 16;
      if (spokenFor && family != TCP4 && family != TCP6) {
        return new Malformed("it is not of a TCP connection");
      }
      int addresses = spokenFor ? 2 * size + 4 : 0;
      if (rest < addresses) {
        return new Malformed("it ends within its addresses");
      }
      if (seen.readableBytes() < FIXED + rest) {
        return new NeedMore();
      }
      if (!spokenFor) {
        return new Found(FIXED + rest, null, null); // what else it says is to be skipped
      }
      String wrong = values(seen, start + FIXED + addresses, start + FIXED + rest);
      if (wrong != null) {
        return new Malformed(wrong);
      }
      int ports = start + FIXED + 2 * size;
      return new Found(
          FIXED + rest,
          address(seen, start + FIXED, size, ports),
          address(seen, start + FIXED + size, size, ports + 2));
    }

    private static InetSocketAddress address(ByteBuf seen, int at, int size, int port) {
      byte[] bytes = new byte[size];
      seen.getBytes(at, bytes);
      return new InetSocketAddress(of(bytes), seen.getUnsignedShort(port));
    }

    private static InetAddress of(byte[] bytes) {
      try {
        return InetAddress.getByAddress(bytes);
      } catch (UnknownHostException e) {
        throw new IllegalArgumentException("an address of " + bytes.length + " bytes", e);
      }
    }

    /** Checks the type-length-values: their lengths, and the checksum if there is one. */
    private static @Nullable String values(ByteBuf seen, int from, int end) {
      int at = from;
      int sum = -1;
      while (at < end) {
        if (end - at < 3 || seen.getUnsignedShort(at + 1) > end - at - 3) {
          return "it ends within a value";
        }
        int length = seen.getUnsignedShort(at + 1);
        if (seen.getByte(at) == CHECKSUM) {
          if (length != 4 || sum >= 0) {
            return "its checksum is none";
          }
          sum = at + 3;
        }
        at += 3 + length;
      }
      return sum < 0 || holds(seen, sum, end) ? null : "its checksum is wrong";
    }

    /** The checksum covers the whole header, with zeros in its own place. */
    private static boolean holds(ByteBuf seen, int sum, int end) {
      byte[] header = new byte[end - seen.readerIndex()];
      seen.getBytes(seen.readerIndex(), header);
      int own = sum - seen.readerIndex();
      Arrays.fill(header, own, own + 4, (byte) 0);
      CRC32C crc = new CRC32C();
      crc.update(header);
      return crc.getValue() == seen.getUnsignedInt(sum);
    }
  }
}
