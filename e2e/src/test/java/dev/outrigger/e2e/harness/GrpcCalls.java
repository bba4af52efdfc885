package dev.outrigger.e2e.harness;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Unary calls of one gRPC channel through the caller's sidecar, one after the other. */
public final class GrpcCalls implements AutoCloseable {
  private static final Metadata.Key<String> FAULT =
      Metadata.Key.of("x-outrigger-fault", Metadata.ASCII_STRING_MARSHALLER);

  private static final MethodDescriptor<byte[], byte[]> EMPTY =
      MethodDescriptor.<byte[], byte[]>newBuilder()
          .setType(MethodType.UNARY)
          .setFullMethodName("grpc.testing.TestService/EmptyCall")
          .setRequestMarshaller(new Bytes())
          .setResponseMarshaller(new Bytes())
          .build();

  private final ManagedChannel channel;

  /** To the service {@code words}. */
  public GrpcCalls(ChaosMesh mesh) {
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", mesh.outbound())
            .usePlaintext()
            .overrideAuthority("words.shop")
            // What a fault does is to be seen, not to be tried again.
            .disableRetry()
            .build();
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** How a call ended, and after how many milliseconds. */
  public record Call(Status.Code code, double millis, @Nullable String fault) {}

  /** Calls so often. */
  public List<Call> call(int count) {
    List<Call> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(one());
    }
    return all;
  }

  private Call one() {
    long began = System.nanoTime();
    Status.Code code = Status.Code.OK;
    String fault = null;
    try {
      byte[] _ =
          ClientCalls.blockingUnaryCall(
              channel,
              EMPTY,
              CallOptions.DEFAULT.withDeadlineAfter(30, TimeUnit.SECONDS),
              new byte[0]);
    } catch (StatusRuntimeException e) {
      code = e.getStatus().getCode();
      Metadata trailers = e.getTrailers();
      fault = trailers == null ? null : trailers.get(FAULT);
    }
    return new Call(code, (System.nanoTime() - began) / 1e6, fault);
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
