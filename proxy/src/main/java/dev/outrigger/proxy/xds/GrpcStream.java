package dev.outrigger.proxy.xds;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The gRPC side of a stream: one response is read at a time, and nothing is heard once it is
 * closed.
 *
 * @param <Q> the request
 * @param <R> the response
 */
final class GrpcStream<Q, R> implements ClientResponseObserver<Q, R> {
  private final AdsStream.Events events;
  private final Function<R, Received> decode;
  private @Nullable ClientCallStreamObserver<Q> call;
  private boolean closed;

  GrpcStream(AdsStream.Events events, Function<R, Received> decode) {
    this.events = events;
    this.decode = decode;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> stream) {
    call = stream;
    stream.disableAutoRequestWithInitial(1);
  }

  @Override
  public void onNext(R response) {
    if (!closed) {
      events.onReceived(decode.apply(response));
    }
  }

  @Override
  public void onError(Throwable cause) {
    Status status = Status.fromThrowable(cause);
    StringBuilder reason = new StringBuilder(status.getCode().name());
    if (status.getDescription() != null) {
      reason.append(": ").append(status.getDescription());
    }
    for (Throwable at = status.getCause(); at != null; at = at.getCause()) {
      reason.append(": ").append(at.getMessage());
    }
    end(reason.toString());
  }

  @Override
  public void onCompleted() {
    end("the control plane ended the stream");
  }

  void send(Q request) {
    if (!closed) {
      Objects.requireNonNull(call).onNext(request);
    }
  }

  void readNext() {
    if (!closed) {
      Objects.requireNonNull(call).request(1);
    }
  }

  void close() {
    if (!closed) {
      closed = true;
      Objects.requireNonNull(call).cancel("closed by the proxy", null);
    }
  }

  private void end(String reason) {
    if (!closed) {
      closed = true;
      events.onClosed(reason);
    }
  }
}
