package dev.outrigger.controlplane;

import dev.outrigger.api.replica.v1.Answer;
import dev.outrigger.api.replica.v1.Asked;
import dev.outrigger.api.replica.v1.LeaderGrpc;
import dev.outrigger.controlplane.access.Caller;
import dev.outrigger.controlplane.access.Role;
import dev.outrigger.controlplane.ads.AdsService;
import dev.outrigger.controlplane.api.Answering;
import dev.outrigger.controlplane.api.ApiReply;
import dev.outrigger.tls.SpiffeId;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Answers what clients asked of replicas that do not lead (ours: {@code
 * outrigger.replica.v1.Leader}); to those with the control plane's own identity alone. One that
 * does not lead any more refuses, as it does its own clients. Thread-safe.
 */
final class LeaderService extends LeaderGrpc.LeaderImplBase {
  private final Supplier<SpiffeId> controlPlane;
  private volatile @Nullable Answering answering;

  /**
   * @param controlPlane the identity that replicas share
   */
  LeaderService(Supplier<SpiffeId> controlPlane) {
    this.controlPlane = controlPlane;
  }

  /** From now on by these routes; until then nothing is answered. */
  void answerBy(Answering routes) {
    answering = routes;
  }

  @Override
  public void ask(Asked asked, StreamObserver<Answer> call) {
    if (!controlPlane.get().equals(AdsService.CALLER.get())) {
      call.onError(
          Status.PERMISSION_DENIED
              .withDescription("only another replica of the control plane passes requests on")
              .asRuntimeException());
      return;
    }
    Answering routes = answering;
    if (routes == null) {
      call.onError(
          Status.UNAVAILABLE
              .withDescription("this replica has only begun to start")
              .asRuntimeException());
      return;
    }
    Caller caller;
    try {
      caller =
          new Caller(
              asked.getCaller(),
              Role.valueOf(asked.getRole()),
              Set.copyOf(asked.getNamespacesList()));
    } catch (IllegalArgumentException e) {
      call.onError(
          Status.INVALID_ARGUMENT
              .withDescription("unknown role " + asked.getRole())
              .asRuntimeException());
      return;
    }
    ApiReply reply =
        routes.passedOn(
            asked.getMethod(), asked.getPath(), asked.getBody(), asked.getFrom(), caller);
    call.onNext(
        Answer.newBuilder()
            .setStatus(reply.status())
            .setContentType(reply.contentType())
            .setBody(reply.body())
            .build());
    call.onCompleted();
  }
}
