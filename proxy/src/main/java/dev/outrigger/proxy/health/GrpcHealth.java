package dev.outrigger.proxy.health;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The two messages of {@code grpc.health.v1.Health/Check} as bytes: {@code HealthCheckRequest} has
 * the service's name as field 1, {@code HealthCheckResponse} the status as field 1.
 */
final class GrpcHealth {
  private static final int FIELD_1_TEXT = 1 << 3 | 2;
  private static final int FIELD_1_NUMBER = 1 << 3;
  private static final int PREFIX = 5; // a flag for compression, then the length
  private static final int SERVING = 1;

  private GrpcHealth() {}

  /** The whole body of a call. */
  static ByteBuf request(String service, ByteBufAllocator alloc) {
    byte[] name = service.getBytes(StandardCharsets.UTF_8);
    ByteBuf message = alloc.buffer(PREFIX + 6 + name.length);
    message.writeByte(0).writeInt(0);
    if (name.length > 0) {
      message.writeByte(FIELD_1_TEXT);
      for (int rest = name.length; ; rest >>>= 7) {
        if (rest < 0x80) {
          message.writeByte(rest);
          break;
        }
        message.writeByte(rest & 0x7f | 0x80);
      }
      message.writeBytes(name);
    }
    return message.setInt(1, message.readableBytes() - PREFIX);
  }

  /** Collects what the service says. */
  static final class Reader {
    private static final int MAX_BYTES = 1024;

    private final byte[] bytes = new byte[MAX_BYTES];
    private int used;

    /** Takes some of the body; false if there is too much. */
    boolean read(ByteBuf part) {
      int length = part.readableBytes();
      if (length > MAX_BYTES - used) {
        return false;
      }
      part.readBytes(bytes, used, length);
      used += length;
      return true;
    }

    /** What the call came to, with the status that its trailers bear. */
    ProbeResult judge(@Nullable CharSequence grpcStatus) {
      if (grpcStatus == null) {
        return new ProbeResult.Wrong("the call ended without a status");
      }
      if (!grpcStatus.toString().equals("0")) {
        return new ProbeResult.Wrong("gRPC status " + grpcStatus);
      }
      return switch (serving()) {
        case SERVING -> new ProbeResult.Passed();
        case 0 -> new ProbeResult.Wrong("UNKNOWN");
        case 2 -> new ProbeResult.Wrong("NOT_SERVING");
        case 3 -> new ProbeResult.Wrong("SERVICE_UNKNOWN");
        default -> new ProbeResult.Wrong("the answer is no HealthCheckResponse");
      };
    }

    /** The status, 0 where it is left out, or -1 if this is no such message. */
    private int serving() {
      if (used < PREFIX || bytes[0] != 0) {
        return -1;
      }
      int length =
          (bytes[1] & 0xff) << 24
              | (bytes[2] & 0xff) << 16
              | (bytes[3] & 0xff) << 8
              | bytes[4] & 0xff;
      if (length != used - PREFIX) {
        return -1;
      }
      if (length == 0) {
        return 0;
      }
      // A status fits one byte, and no other field is known.
      return length == 2 && bytes[PREFIX] == FIELD_1_NUMBER ? bytes[PREFIX + 1] : -1;
    }
  }
}
