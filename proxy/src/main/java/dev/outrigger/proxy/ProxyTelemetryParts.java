package dev.outrigger.proxy;

import dev.outrigger.proxy.bootstrap.LoadedBootstrap;
import dev.outrigger.proxy.telemetry.Unrecorded;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.proxy.worker.Worker;

/** Telemetry and admin of one process, made before the workers and ended after them. */
final class ProxyTelemetryParts implements AutoCloseable {
  private ProxyTelemetryParts() {}

  static ProxyTelemetryParts start() {
    return new ProxyTelemetryParts();
  }

  WorkerTelemetry forWorker(Worker worker) {
    return new Unrecorded(worker.random());
  }

  void serveAdmin(ProxyServer server, LoadedBootstrap bootstrap, Runnable quit) {}

  @Override
  public void close() {}
}
