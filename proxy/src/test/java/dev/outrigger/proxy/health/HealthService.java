package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.Endpoint;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server of grpc-java that has {@code grpc.health.v1.Health}, with its messages as bytes. */
final class HealthService implements AutoCloseable {
  private static final Context.Key<String> HEAD = Context.key("head");

  private final Map<String, byte[]> answers = new ConcurrentHashMap<>();
  final List<String> asked = new CopyOnWriteArrayList<>();
  private final Server server;

  HealthService() throws IOException {
    MethodDescriptor<byte[], byte[]> check =
        MethodDescriptor.<byte[], byte[]>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("grpc.health.v1.Health/Check")
            .setRequestMarshaller(new Bytes())
            .setResponseMarshaller(new Bytes())
            .build();
    ServerServiceDefinition service =
        ServerServiceDefinition.builder("grpc.health.v1.Health")
            .addMethod(check, ServerCalls.asyncUnaryCall(this::check))
            .build();
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .directExecutor()
            .addService(ServerInterceptors.intercept(service, new Heads()))
            .build()
            .start();
  }

  /** What the service says of a name; of others it says NOT_FOUND. */
  void says(String name, byte[] response) {
    answers.put(name, response);
  }

  Endpoint endpoint() {
    return Endpoints.at("127.0.0.1", server.getPort());
  }

  private void check(byte[] request, StreamObserver<byte[]> to) {
    // A tag, a length of one or two bytes, the name.
    int at = request.length > 1 && request[1] < 0 ? 3 : Math.min(2, request.length);
    String name = new String(request, at, request.length - at, StandardCharsets.UTF_8);
    String[] head = HEAD.get().split(" ", 2);
    asked.add(head[0] + " " + name + " " + head[1]);
    byte[] answer = answers.get(name);
    if (answer == null) {
      to.onError(Status.NOT_FOUND.asException());
    } else {
      to.onNext(answer);
      to.onCompleted();
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private static final class Heads implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      String head =
          call.getAuthority()
              + " "
              + get(headers, "content-type")
              + " "
              + get(headers, "user-agent")
              + (get(headers, "x-probe") == null ? "" : " " + get(headers, "x-probe"));
      return Contexts.interceptCall(Context.current().withValue(HEAD, head), call, headers, next);
    }

    private static String get(Metadata headers, String name) {
      return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
    }
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
}
