package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.message.Grpc;

/**
 * The labels of one series. A worker keeps one as a probe that it fills anew for each look-up;
 * those that are keys of a map never change.
 */
final class LabelSet {
  private static final int NO_STATUS = Grpc.NO_STATUS;

  String reporter = "";
  String listener = "";
  String service = "";
  String principal = "";
  String flags = "";
  String code = "";
  String fault = "";
  int status;
  int grpc = NO_STATUS;

  LabelSet fill(String reporter, String listener, String service, String principal) {
    this.reporter = reporter;
    this.listener = listener;
    this.service = service;
    this.principal = principal;
    this.flags = "";
    this.code = "";
    this.fault = "";
    this.status = 0;
    this.grpc = NO_STATUS;
    return this;
  }

  LabelSet ended(int status, String flags, String code, String fault) {
    this.status = status;
    this.flags = flags;
    this.code = code;
    this.fault = fault;
    return this;
  }

  /** The status of a call of gRPC. */
  LabelSet grpc(int grpc) {
    this.grpc = grpc;
    return this;
  }

  /** What a series is counted under that there is no more room for. */
  LabelSet other() {
    return new LabelSet().fill(reporter, "other", "other", "other").ended(status, "other", "", "");
  }

  LabelSet copy() {
    return new LabelSet()
        .fill(reporter, listener, service, principal)
        .ended(status, flags, code, fault)
        .grpc(grpc);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LabelSet that
        && status == that.status
        && grpc == that.grpc
        && service.equals(that.service)
        && listener.equals(that.listener)
        && reporter.equals(that.reporter)
        && flags.equals(that.flags)
        && code.equals(that.code)
        && principal.equals(that.principal)
        && fault.equals(that.fault);
  }

  @Override
  public int hashCode() {
    int hash = 31 * status + grpc;
    hash = 31 * hash + service.hashCode();
    hash = 31 * hash + listener.hashCode();
    hash = 31 * hash + reporter.hashCode();
    hash = 31 * hash + flags.hashCode();
    hash = 31 * hash + code.hashCode();
    hash = 31 * hash + principal.hashCode();
    return 31 * hash + fault.hashCode();
  }
}
