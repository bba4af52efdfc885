package dev.outrigger.proxy.xds.decode;

import dev.outrigger.api.chaos.v1.BadCertificate;
import dev.outrigger.api.chaos.v1.Distribution;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.HeaderEdits;
import dev.outrigger.api.chaos.v1.Quantile;
import dev.outrigger.api.chaos.v1.UpsetHandshake;
import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.fault.MeshFault;
import dev.outrigger.fault.Spread;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.tls.PemException;
import dev.outrigger.tls.WorkloadIdentity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** What a fault does (ours: {@code outrigger.chaos.v1.FaultRule.action}). Stateless. */
final class FaultActionDecoder {
  private static final int MAX_QUANTILES = 100;

  private FaultActionDecoder() {}

  static Fault decode(FaultRule message, Scope scope) throws InvalidResourceException {
    return switch (message.getActionCase()) {
      case DELAY -> {
        var delay = message.getDelay();
        Scope at = scope.in("delay");
        yield checked(
            at,
            () ->
                new Fault.Delay(
                    spread(
                        at,
                        "fixed",
                        delay.getFixed(),
                        delay.getJitter(),
                        delay.getDistribution(),
                        delay.getQuantilesList())));
      }
      case ABORT -> {
        Scope at = scope.in("abort");
        var abort = message.getAbort();
        int http = at.in("http_status").number(abort.getHttpStatus(), 200, 599);
        yield new Fault.Abort(
            http,
            abort.hasGrpcStatus()
                ? OptionalInt.of(at.in("grpc_status").number(abort.getGrpcStatus(), 0, 16))
                : OptionalInt.empty());
      }
      case RESET -> new Fault.Reset();
      case THROTTLE ->
          checked(
              scope.in("throttle"),
              () -> new Fault.Throttle(message.getThrottle().getBytesPerSecond()));
      case REWRITE -> {
        var rewrite = message.getRewrite();
        Scope at = scope.in("rewrite");
        yield checked(
            at,
            () ->
                new Fault.Rewrite(
                    edits(rewrite.getRequest()),
                    edits(rewrite.getResponse()),
                    rewrite.hasStatus()
                        ? OptionalInt.of(rewrite.getStatus())
                        : OptionalInt.empty()));
      }
      case LATENCY_TOXIC -> {
        var toxic = message.getLatencyToxic();
        Scope at = scope.in("latency_toxic");
        yield checked(
            at,
            () ->
                new Fault.Latency(
                    spread(
                        at,
                        "latency",
                        toxic.getLatency(),
                        toxic.getJitter(),
                        toxic.getDistribution(),
                        toxic.getQuantilesList()),
                    direction(toxic.getDirection(), at)));
      }
      case BANDWIDTH_TOXIC -> {
        var toxic = message.getBandwidthToxic();
        Scope at = scope.in("bandwidth_toxic");
        yield checked(
            at,
            () ->
                new Fault.Bandwidth(
                    toxic.getBytesPerSecond(), direction(toxic.getDirection(), at)));
      }
      case STALL_TOXIC -> {
        var toxic = message.getStallToxic();
        Scope at = scope.in("stall_toxic");
        yield checked(
            at,
            () ->
                new Fault.Stall(
                    at.in("timeout").duration(toxic.getTimeout()),
                    direction(toxic.getDirection(), at)));
      }
      case PARTITION_TOXIC ->
          new Fault.Partition(
              direction(message.getPartitionToxic().getDirection(), scope.in("partition_toxic")));
      case RESET_TOXIC -> {
        Scope at = scope.in("reset_toxic").in("after");
        Duration after = at.duration(message.getResetToxic().getAfter());
        yield checked(at, () -> new Fault.ResetPeer(after));
      }
      case SLOW_CLOSE_TOXIC -> {
        var toxic = message.getSlowCloseToxic();
        Scope at = scope.in("slow_close_toxic");
        yield checked(
            at,
            () ->
                new Fault.SlowClose(
                    at.in("delay").positive(toxic.getDelay()),
                    direction(toxic.getDirection(), at)));
      }
      case LIMIT_TOXIC -> {
        var toxic = message.getLimitToxic();
        Scope at = scope.in("limit_toxic");
        yield checked(
            at, () -> new Fault.Limit(toxic.getBytes(), direction(toxic.getDirection(), at)));
      }
      case SLICER_TOXIC -> {
        var toxic = message.getSlicerToxic();
        Scope at = scope.in("slicer_toxic");
        yield checked(
            at,
            () ->
                new Fault.Slicer(
                    toxic.getAverageSize(),
                    toxic.getSizeVariation(),
                    at.in("delay").duration(toxic.getDelay()),
                    direction(toxic.getDirection(), at)));
      }
      case REFUSE_TOXIC -> new Fault.Refuse();
      case BAD_CERTIFICATE ->
          certificate(
              message.getBadCertificate(), message.getObserveOnly(), scope.in("bad_certificate"));
      case UPSET_HANDSHAKE -> upset(message.getUpsetHandshake(), scope.in("upset_handshake"));
      case MESH_FAULT -> mesh(message.getMeshFault(), scope.in("mesh_fault"));
      case ACTION_NOT_SET ->
          throw scope.refuse(
              "does nothing: expected delay, abort, reset, latency_toxic or another action");
    };
  }

  private static Fault certificate(BadCertificate message, boolean observeOnly, Scope at)
      throws InvalidResourceException {
    HandshakeFault.Flaw flaw =
        switch (message.getFlaw()) {
          case EXPIRED -> HandshakeFault.Flaw.EXPIRED;
          case NOT_YET_VALID -> HandshakeFault.Flaw.NOT_YET_VALID;
          case WRONG_NAME -> HandshakeFault.Flaw.WRONG_NAME;
          case WRONG_TRUST_DOMAIN -> HandshakeFault.Flaw.WRONG_TRUST_DOMAIN;
          case MISSING_INTERMEDIATE -> HandshakeFault.Flaw.MISSING_INTERMEDIATE;
          case UNTRUSTED -> HandshakeFault.Flaw.UNTRUSTED;
          case FLAW_UNSPECIFIED, UNRECOGNIZED ->
              throw at.in("flaw").refuse("is not known to this version");
        };
    if (observeOnly) {
      return new HandshakeFault.Certificate(flaw, HandshakeFault.Credential.NONE);
    }
    String chain = at.in("chain").required(message.getChain());
    String key = at.in("key").required(message.getKey());
    try {
      WorkloadIdentity.parse(chain, key);
    } catch (PemException e) {
      throw at.refuse("cannot be shown: " + e.getMessage());
    }
    return new HandshakeFault.Certificate(flaw, new HandshakeFault.Credential(chain, key));
  }

  private static Fault upset(UpsetHandshake message, Scope at) throws InvalidResourceException {
    HandshakeFault.Then then =
        switch (message.getThen()) {
          case GO_ON -> HandshakeFault.Then.GO_ON;
          case SILENCE -> HandshakeFault.Then.SILENCE;
          case RESET -> HandshakeFault.Then.RESET;
          case ALERT -> HandshakeFault.Then.ALERT;
          case UNRECOGNIZED -> throw at.in("then").refuse("is not known to this version");
        };
    boolean late = message.hasDelay() || message.getQuantilesCount() > 0;
    return checked(
        at,
        () ->
            new HandshakeFault.Upset(
                late
                    ? spread(
                        at,
                        "delay",
                        message.getDelay(),
                        message.getJitter(),
                        message.getDistribution(),
                        message.getQuantilesList())
                    : Spread.NONE,
                then));
  }

  private static Fault mesh(dev.outrigger.api.chaos.v1.MeshFault message, Scope at)
      throws InvalidResourceException {
    return switch (message) {
      case STALE_CONFIGURATION -> MeshFault.STALE_CONFIGURATION;
      case LOST_STREAM -> MeshFault.LOST_STREAM;
      case FAILING_AUTHORITY -> MeshFault.FAILING_AUTHORITY;
      case MESH_FAULT_UNSPECIFIED, UNRECOGNIZED -> throw at.refuse("is not known to this version");
    };
  }

  private static Fault.HeaderEdits edits(HeaderEdits message) {
    return new Fault.HeaderEdits(
        message.getSetList().stream()
            .map(header -> new Fault.Header(header.getName(), header.getValue()))
            .toList(),
        message.getRemoveList());
  }

  private static Spread spread(
      Scope at,
      String middleName,
      com.google.protobuf.Duration middle,
      com.google.protobuf.Duration jitter,
      Distribution distribution,
      List<Quantile> quantiles)
      throws InvalidResourceException {
    if (!quantiles.isEmpty()) {
      return table(at.in("quantiles"), quantiles);
    }
    Duration around = at.in(middleName).positive(middle);
    Duration width = at.in("jitter").duration(jitter);
    return switch (distribution) {
      case UNIFORM -> new Spread.Uniform(around, width);
      case NORMAL -> new Spread.Normal(around, width);
      case PARETO -> new Spread.Pareto(around, width);
      case UNRECOGNIZED -> throw at.in("distribution").refuse("is not known to this version");
    };
  }

  private static Spread table(Scope at, List<Quantile> quantiles) throws InvalidResourceException {
    if (quantiles.size() > MAX_QUANTILES) {
      throw at.refuse("has " + quantiles.size() + " entries, expected at most " + MAX_QUANTILES);
    }
    List<Spread.Point> points = new ArrayList<>();
    for (Quantile one : quantiles) {
      points.add(
          new Spread.Point(
              at.in("ppm").number(one.getPpm(), 0, 1_000_000),
              at.in("value").duration(one.getValue())));
    }
    return new Spread.Table(points);
  }

  private static Direction direction(dev.outrigger.api.chaos.v1.Direction direction, Scope at)
      throws InvalidResourceException {
    return switch (direction) {
      case BOTH -> Direction.BOTH;
      case UPSTREAM -> Direction.UPSTREAM;
      case DOWNSTREAM -> Direction.DOWNSTREAM;
      case UNRECOGNIZED -> throw at.in("direction").refuse("is not known to this version");
    };
  }

  private interface Making {
    Fault fault() throws InvalidResourceException;
  }

  /** What a fault itself does not allow is the message's mistake. */
  private static Fault checked(Scope scope, Making making) throws InvalidResourceException {
    try {
      return making.fault();
    } catch (IllegalArgumentException e) {
      throw scope.refuse(String.valueOf(e.getMessage()));
    }
  }
}
