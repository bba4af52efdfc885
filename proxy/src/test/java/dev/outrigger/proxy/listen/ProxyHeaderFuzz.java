package dev.outrigger.proxy.listen;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import dev.outrigger.proxy.config.ProxyProtocol;
import dev.outrigger.proxy.config.ProxyProtocol.Version;
import dev.outrigger.proxy.fuzz.Cuts;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;

/** Headers of the PROXY protocol: the same verdict however they are cut, and within bounds. */
public final class ProxyHeaderFuzz {
  private ProxyHeaderFuzz() {}

  /** The input is what a client sends first. */
  public static void fuzzerTestOneInput(byte[] input) {
    for (boolean optional : new boolean[] {false, true}) {
      ProxyProtocol policy = new ProxyProtocol(optional, EnumSet.allOf(Version.class));
      ProxyHeader whole = read(input, input.length, policy);
      for (List<byte[]> pieces : Cuts.of(input)) {
        ProxyHeader cut = new ProxyHeader.NeedMore();
        int there = 0;
        for (byte[] piece : pieces) {
          there += piece.length;
          cut = read(input, there, policy);
          if (!(cut instanceof ProxyHeader.NeedMore)) {
            break;
          }
        }
        same(whole, cut, "a header in pieces is another");
      }
      sound(whole, input, optional);
    }
  }

  private static ProxyHeader read(byte[] input, int length, ProxyProtocol policy) {
    ByteBuf bytes = Unpooled.wrappedBuffer(input, 0, length);
    ProxyHeader found = ProxyHeader.read(bytes, policy);
    check(bytes.readerIndex() == 0, "reading a header consumed bytes");
    bytes.release();
    return found;
  }

  private static void sound(ProxyHeader header, byte[] input, boolean optional) {
    switch (header) {
      case ProxyHeader.NeedMore _ ->
          check(input.length < ProxyHeader.MAX_BYTES, "a header is waited for without end");
      case ProxyHeader.Absent _ -> check(optional, "a header that must be there lacks");
      case ProxyHeader.Malformed _ -> {}
      case ProxyHeader.Found found -> {
        check(found.length() >= 15 && found.length() <= input.length, "a header of no length");
        InetSocketAddress source = found.source();
        InetSocketAddress destination = found.destination();
        check((source == null) == (destination == null), "half a connection");
        if (source != null
            && destination != null
            && input[0] == 'P'
            && source.getAddress() instanceof Inet4Address) {
          // There is one way only to write it.
          String line =
              "PROXY TCP4 %s %s %d %d\r\n"
                  .formatted(
                      source.getAddress().getHostAddress(),
                      destination.getAddress().getHostAddress(),
                      source.getPort(),
                      destination.getPort());
          String read = new String(input, 0, found.length(), StandardCharsets.ISO_8859_1);
          if (read.startsWith("PROXY TCP4")) {
            same(line, read, "a line is not what was understood");
          }
        }
      }
    }
  }
}
