package dev.outrigger.controlplane;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.outrigger.api.replica.v1.Answer;
import dev.outrigger.api.replica.v1.Asked;
import dev.outrigger.api.replica.v1.LeaderGrpc;
import dev.outrigger.controlplane.api.ApiReply;
import dev.outrigger.controlplane.api.ApiRequest;
import dev.outrigger.controlplane.api.LeaderLine;
import dev.outrigger.controlplane.ca.ServingIdentity;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import dev.outrigger.controlplane.chaos.Refusal;
import dev.outrigger.controlplane.chaos.Replicas;
import dev.outrigger.tls.TlsSetupException;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Asks the replica that leads what clients ask of this one and only that one may do. A connection
 * for each question: people ask seldom, and the next question may be for another. Thread-safe.
 */
final class LeaderClient implements LeaderLine {
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final ServingIdentity identity;
  private final InstantSource clock;
  private final Replicas replicas;
  private final ExperimentRunner experiments;

  /**
   * @param experiments of this replica, told what the other one did
   */
  LeaderClient(
      ServingIdentity identity,
      InstantSource clock,
      Replicas replicas,
      ExperimentRunner experiments) {
    this.identity = identity;
    this.clock = clock;
    this.replicas = replicas;
    this.experiments = experiments;
  }

  @Override
  public @Nullable ApiReply ask(String method, String path, ApiRequest request) {
    String leader = replicas.leader();
    if (replicas.leads() || !replicas.isLed() || leader.isEmpty()) {
      return null;
    }
    Answer answer;
    try {
      @Nullable ManagedChannel channel = ReplicaChannel.open(identity, leader, clock);
      if (channel == null) {
        return null; // Not one of ours.
      }
      try {
        answer =
            LeaderGrpc.newBlockingStub(channel)
                .withDeadlineAfter(PATIENCE.toNanos(), TimeUnit.NANOSECONDS)
                .ask(
                    Asked.newBuilder()
                        .setMethod(method)
                        .setPath(path)
                        .setBody(request.body())
                        .setFrom(request.from())
                        .setCaller(request.caller().name())
                        .setRole(request.caller().role().name())
                        .addAllNamespaces(List.copyOf(request.caller().namespaces()))
                        .build());
      } finally {
        channel.shutdownNow();
      }
    } catch (StatusRuntimeException | TlsSetupException | IllegalArgumentException e) {
      return ApiReply.refusal(
          Refusal.FOLLOWS.status(),
          Refusal.FOLLOWS.id(),
          "another replica of the control plane leads, %s, and does not answer (%s);"
                  .formatted(leader, reason(e))
              + " look whether it was done, and try again in a moment");
    }
    ApiReply reply = new ApiReply(answer.getStatus(), answer.getContentType(), answer.getBody());
    if (reply.status() < 300) {
      hear(method, request, reply);
    }
    return reply;
  }

  private static String reason(Exception e) {
    return e instanceof StatusRuntimeException status
        ? status.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED
            ? "not within " + PATIENCE.toSeconds() + " s"
            : String.valueOf(status.getMessage())
        : String.valueOf(e.getMessage());
  }

  /** Whoever asked here looks here next. */
  private void hear(String method, ApiRequest request, ApiReply reply) {
    if (method.equals("DELETE")) {
      experiments.heard(String.join("/", request.parameters()), null);
      return;
    }
    try {
      JsonObject json = JsonParser.parseString(reply.body()).getAsJsonObject();
      if (json.has("event")) {
        ExperimentRun run = ExperimentRun.parse(reply.body());
        experiments.heard(run.experiment(), run);
      }
    } catch (JsonParseException | IllegalStateException | IllegalArgumentException e) {
      // It says nothing of where an experiment stands.
    }
  }
}
