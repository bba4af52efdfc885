package dev.outrigger.proxy.listen;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.oneLine;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import dev.outrigger.proxy.fuzz.Cuts;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;

/** First bytes of a connection: the same verdict however they are cut, and soon. */
public final class ProtocolDetectorFuzz {
  private ProtocolDetectorFuzz() {}

  /** The input is what a client sends first. */
  public static void fuzzerTestOneInput(byte[] input) {
    for (int kind = 1; kind < 4; kind++) {
      boolean tls = (kind & 1) != 0;
      boolean http = (kind & 2) != 0;
      Detection whole = detect(input, input.length, tls, http);
      for (List<byte[]> pieces : Cuts.of(input)) {
        Detection cut = new Detection.NeedMore();
        int there = 0;
        for (byte[] piece : pieces) {
          there += piece.length;
          cut = detect(input, there, tls, http);
          if (!(cut instanceof Detection.NeedMore)) {
            break;
          }
        }
        same(whole, cut, "first bytes in pieces are another protocol");
      }
      sound(whole, input.length);
    }
  }

  private static Detection detect(byte[] input, int length, boolean tls, boolean http) {
    ByteBuf bytes = Unpooled.wrappedBuffer(input, 0, length);
    Detection found = ProtocolDetector.detect(bytes, tls, http);
    check(bytes.readerIndex() == 0, "detection consumed bytes");
    bytes.release();
    return found;
  }

  private static void sound(Detection found, int length) {
    switch (found) {
      case Detection.NeedMore _ ->
          check(length < ProtocolDetector.MAX_BYTES, "detection waits for more than its bound");
      case Detection.Tls hello -> {
        String name = hello.serverName();
        if (name != null) {
          oneLine(name, "a server name");
          check(!name.isEmpty() && name.length() <= 255, "a server name of any length");
          check(
              name.chars().allMatch(c -> c > ' ' && c < 0x7f), "a server name is no host: " + name);
        }
        for (String protocol : hello.alpn()) {
          check(!protocol.isEmpty(), "an empty protocol name");
        }
      }
      case Detection.Http1 _, Detection.Http2 _, Detection.Opaque _ -> {}
    }
  }
}
