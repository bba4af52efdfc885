package dev.outrigger.controlplane;

import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.concurrent.atomic.LongAdder;

/** Counts the calls of a service by how they end. */
final class SuccessCounter implements ServerInterceptor {
  private final LongAdder succeeded = new LongAdder();
  private final LongAdder refused = new LongAdder();

  long succeeded() {
    return succeeded.sum();
  }

  long refused() {
    return refused.sum();
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    return next.startCall(
        new ForwardingServerCall.SimpleForwardingServerCall<>(call) {
          @Override
          public void close(Status status, Metadata trailers) {
            (status.isOk() ? succeeded : refused).increment();
            super.close(status, trailers);
          }
        },
        headers);
  }
}
