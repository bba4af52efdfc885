package dev.outrigger.proxy.http.filter.grpcweb;

import dev.outrigger.proxy.http.RequestTransform;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Undoes base64 as it comes. Each group of four characters stands for itself, so that pieces with a
 * padding of their own may follow each other, as gRPC-Web has it.
 */
final class FromText implements RequestTransform {
  private static final byte[] VALUES = new byte[128];
  private static final int NONE = -1;

  static {
    Arrays.fill(VALUES, (byte) NONE);
    String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < alphabet.length(); i++) {
      VALUES[alphabet.charAt(i)] = (byte) i;
    }
  }

  private final ByteBufAllocator alloc;
  private int group; // the values so far
  private int digits;
  private int padding;

  FromText(ByteBufAllocator alloc) {
    this.alloc = alloc;
  }

  @Override
  public @Nullable ByteBuf onBody(ByteBuf bytes) {
    ByteBuf out = alloc.buffer(bytes.readableBytes() / 4 * 3 + 3);
    try {
      while (bytes.isReadable()) {
        if (!take(bytes.readByte(), out)) {
          out.release();
          return null;
        }
      }
      return out;
    } finally {
      bytes.release();
    }
  }

  private boolean take(byte b, ByteBuf out) {
    if (b == '=') {
      if (digits < 2) {
        return false;
      }
      padding++;
    } else if (padding > 0 || b < 0 || VALUES[b] == NONE) {
      return false;
    } else {
      group = group << 6 | VALUES[b];
      digits++;
    }
    if (digits + padding == 4) {
      int bits = group << 6 * padding;
      for (int i = 0; i < 3 - padding; i++) {
        out.writeByte(bits >>> 16 - 8 * i);
      }
      group = 0;
      digits = 0;
      padding = 0;
    }
    return true;
  }

  @Override
  public boolean complete() {
    return digits == 0 && padding == 0;
  }
}
