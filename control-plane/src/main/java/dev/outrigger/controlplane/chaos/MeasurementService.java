package dev.outrigger.controlplane.chaos;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.chaos.v1.MeasurementEnd;
import dev.outrigger.api.chaos.v1.MeasurementsGrpc;
import dev.outrigger.controlplane.ads.AdsService;
import dev.outrigger.tls.SpiffeId;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import org.jspecify.annotations.Nullable;

/**
 * Takes what proxies measure while faults act (ours: {@code outrigger.chaos.v1.Measurements}). A
 * proxy speaks only for the workload that it is.
 */
public final class MeasurementService extends MeasurementsGrpc.MeasurementsImplBase {
  private static final int MAX_WINDOWS = 5000;

  private final ExperimentRunner experiments;
  private final Shadows shadows;

  public MeasurementService(ExperimentRunner experiments, Shadows shadows) {
    this.experiments = experiments;
    this.shadows = shadows;
  }

  @Override
  public StreamObserver<Measurement> send(StreamObserver<MeasurementEnd> answer) {
    @Nullable SpiffeId caller = AdsService.CALLER.get();
    ServerCallStreamObserver<MeasurementEnd> call =
        (ServerCallStreamObserver<MeasurementEnd>) answer;
    return new StreamObserver<>() {
      private boolean over;

      @Override
      public void onNext(Measurement measurement) {
        if (over) {
          return;
        }
        if (measurement.getWindowsCount() > MAX_WINDOWS
            || measurement.getSightingsCount() > MAX_WINDOWS
            || measurement.getEjectionsCount() > MAX_WINDOWS) {
          end(Status.RESOURCE_EXHAUSTED.withDescription("more than " + MAX_WINDOWS + " windows"));
        } else if (!experiments.measured(measurement, caller)) {
          end(
              Status.PERMISSION_DENIED.withDescription(
                  caller + " does not speak for " + measurement.getWorkload()));
        } else {
          shadows.measured(measurement);
        }
      }

      private void end(Status status) {
        over = true;
        call.onError(status.asRuntimeException());
      }

      @Override
      public void onError(Throwable cause) {
        over = true;
      }

      @Override
      public void onCompleted() {
        if (!over) {
          over = true;
          call.onNext(MeasurementEnd.getDefaultInstance());
          call.onCompleted();
        }
      }
    };
  }
}
