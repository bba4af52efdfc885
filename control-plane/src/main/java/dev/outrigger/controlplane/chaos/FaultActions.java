package dev.outrigger.controlplane.chaos;

import com.google.protobuf.Duration;
import com.google.protobuf.util.Durations;
import dev.outrigger.api.chaos.v1.Abort;
import dev.outrigger.api.chaos.v1.BadCertificate;
import dev.outrigger.api.chaos.v1.BandwidthToxic;
import dev.outrigger.api.chaos.v1.Delay;
import dev.outrigger.api.chaos.v1.Direction;
import dev.outrigger.api.chaos.v1.Distribution;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.Header;
import dev.outrigger.api.chaos.v1.HeaderEdits;
import dev.outrigger.api.chaos.v1.LatencyToxic;
import dev.outrigger.api.chaos.v1.LimitToxic;
import dev.outrigger.api.chaos.v1.PartitionToxic;
import dev.outrigger.api.chaos.v1.Quantile;
import dev.outrigger.api.chaos.v1.RefuseToxic;
import dev.outrigger.api.chaos.v1.Reset;
import dev.outrigger.api.chaos.v1.ResetToxic;
import dev.outrigger.api.chaos.v1.Rewrite;
import dev.outrigger.api.chaos.v1.SlicerToxic;
import dev.outrigger.api.chaos.v1.SlowCloseToxic;
import dev.outrigger.api.chaos.v1.StallToxic;
import dev.outrigger.api.chaos.v1.Throttle;
import dev.outrigger.api.chaos.v1.UpsetHandshake;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.fault.MeshFault;
import dev.outrigger.fault.Spread;
import java.util.List;

/** What a fault does, as proxies are told. Pure. */
final class FaultActions {
  private FaultActions() {}

  static void set(FaultRule.Builder rule, Fault fault) {
    switch (fault) {
      case Fault.Delay(Spread length) -> {
        Wire wire = Wire.of(length);
        rule.setDelay(
            Delay.newBuilder()
                .setFixed(wire.middle)
                .setJitter(wire.jitter)
                .setDistribution(wire.distribution)
                .addAllQuantiles(wire.quantiles));
      }
      case Fault.Abort abort -> {
        Abort.Builder built = Abort.newBuilder().setHttpStatus(abort.httpStatus());
        abort.grpcStatus().ifPresent(built::setGrpcStatus);
        rule.setAbort(built);
      }
      case Fault.Reset _ -> rule.setReset(Reset.getDefaultInstance());
      case Fault.Throttle(long rate) ->
          rule.setThrottle(Throttle.newBuilder().setBytesPerSecond(rate));
      case Fault.Rewrite(var request, var response, var status) -> {
        Rewrite.Builder built =
            Rewrite.newBuilder().setRequest(edits(request)).setResponse(edits(response));
        status.ifPresent(built::setStatus);
        rule.setRewrite(built);
      }
      case Fault.OnBytes toxic -> setToxic(rule, toxic);
      case HandshakeFault handshake -> setHandshake(rule, handshake);
      case MeshFault mesh -> rule.setMeshFault(mesh(mesh));
    }
  }

  private static void setHandshake(FaultRule.Builder rule, HandshakeFault fault) {
    switch (fault) {
      case HandshakeFault.Certificate(var flaw, var shown) ->
          rule.setBadCertificate(
              BadCertificate.newBuilder()
                  .setFlaw(flaw(flaw))
                  .setChain(shown.chain())
                  .setKey(shown.key()));
      case HandshakeFault.Upset(var delay, var then) -> {
        UpsetHandshake.Builder built = UpsetHandshake.newBuilder().setThen(then(then));
        if (!delay.equals(Spread.NONE)) {
          Wire wire = Wire.of(delay);
          built
              .setDelay(wire.middle)
              .setJitter(wire.jitter)
              .setDistribution(wire.distribution)
              .addAllQuantiles(wire.quantiles);
        }
        rule.setUpsetHandshake(built);
      }
    }
  }

  private static BadCertificate.Flaw flaw(HandshakeFault.Flaw flaw) {
    return switch (flaw) {
      case EXPIRED -> BadCertificate.Flaw.EXPIRED;
      case NOT_YET_VALID -> BadCertificate.Flaw.NOT_YET_VALID;
      case WRONG_NAME -> BadCertificate.Flaw.WRONG_NAME;
      case WRONG_TRUST_DOMAIN -> BadCertificate.Flaw.WRONG_TRUST_DOMAIN;
      case MISSING_INTERMEDIATE -> BadCertificate.Flaw.MISSING_INTERMEDIATE;
      case UNTRUSTED -> BadCertificate.Flaw.UNTRUSTED;
    };
  }

  private static UpsetHandshake.Then then(HandshakeFault.Then then) {
    return switch (then) {
      case GO_ON -> UpsetHandshake.Then.GO_ON;
      case SILENCE -> UpsetHandshake.Then.SILENCE;
      case RESET -> UpsetHandshake.Then.RESET;
      case ALERT -> UpsetHandshake.Then.ALERT;
    };
  }

  private static dev.outrigger.api.chaos.v1.MeshFault mesh(MeshFault fault) {
    return switch (fault) {
      case STALE_CONFIGURATION -> dev.outrigger.api.chaos.v1.MeshFault.STALE_CONFIGURATION;
      case LOST_STREAM -> dev.outrigger.api.chaos.v1.MeshFault.LOST_STREAM;
      case FAILING_AUTHORITY -> dev.outrigger.api.chaos.v1.MeshFault.FAILING_AUTHORITY;
    };
  }

  private static HeaderEdits edits(Fault.HeaderEdits edits) {
    HeaderEdits.Builder built = HeaderEdits.newBuilder().addAllRemove(edits.remove());
    for (Fault.Header header : edits.set()) {
      built.addSet(Header.newBuilder().setName(header.name()).setValue(header.value()));
    }
    return built.build();
  }

  private static void setToxic(FaultRule.Builder rule, Fault.OnBytes fault) {
    Direction direction = direction(fault.direction());
    switch (fault) {
      case Fault.Latency(Spread length, _) -> {
        Wire wire = Wire.of(length);
        rule.setLatencyToxic(
            LatencyToxic.newBuilder()
                .setLatency(wire.middle)
                .setJitter(wire.jitter)
                .setDistribution(wire.distribution)
                .addAllQuantiles(wire.quantiles)
                .setDirection(direction));
      }
      case Fault.Bandwidth(long rate, _) ->
          rule.setBandwidthToxic(
              BandwidthToxic.newBuilder().setBytesPerSecond(rate).setDirection(direction));
      case Fault.Stall(var timeout, _) ->
          rule.setStallToxic(
              StallToxic.newBuilder().setTimeout(duration(timeout)).setDirection(direction));
      case Fault.Partition _ ->
          rule.setPartitionToxic(PartitionToxic.newBuilder().setDirection(direction));
      case Fault.ResetPeer(var after) ->
          rule.setResetToxic(ResetToxic.newBuilder().setAfter(duration(after)));
      case Fault.SlowClose(var delay, _) ->
          rule.setSlowCloseToxic(
              SlowCloseToxic.newBuilder().setDelay(duration(delay)).setDirection(direction));
      case Fault.Limit(long bytes, _) ->
          rule.setLimitToxic(LimitToxic.newBuilder().setBytes(bytes).setDirection(direction));
      case Fault.Slicer(int size, int variation, var delay, _) ->
          rule.setSlicerToxic(
              SlicerToxic.newBuilder()
                  .setAverageSize(size)
                  .setSizeVariation(variation)
                  .setDelay(duration(delay))
                  .setDirection(direction));
      case Fault.Refuse _ -> rule.setRefuseToxic(RefuseToxic.getDefaultInstance());
    }
  }

  private record Wire(
      Duration middle, Duration jitter, Distribution distribution, List<Quantile> quantiles) {
    static Wire of(Spread spread) {
      return switch (spread) {
        case Spread.Uniform(var middle, var jitter) ->
            new Wire(duration(middle), duration(jitter), Distribution.UNIFORM, List.of());
        case Spread.Normal(var mean, var deviation) ->
            new Wire(duration(mean), duration(deviation), Distribution.NORMAL, List.of());
        case Spread.Pareto(var mean, var deviation) ->
            new Wire(duration(mean), duration(deviation), Distribution.PARETO, List.of());
        case Spread.Table(var points) ->
            new Wire(
                Duration.getDefaultInstance(),
                Duration.getDefaultInstance(),
                Distribution.UNIFORM,
                points.stream()
                    .map(
                        point ->
                            Quantile.newBuilder()
                                .setPpm(point.ppm())
                                .setValue(duration(point.value()))
                                .build())
                    .toList());
      };
    }
  }

  private static Direction direction(dev.outrigger.fault.Direction direction) {
    return switch (direction) {
      case BOTH -> Direction.BOTH;
      case UPSTREAM -> Direction.UPSTREAM;
      case DOWNSTREAM -> Direction.DOWNSTREAM;
    };
  }

  private static Duration duration(java.time.Duration duration) {
    return Durations.fromNanos(duration.toNanos());
  }
}
