package dev.outrigger.proxy.telemetry;

/**
 * The labels of one series. A worker keeps one as a probe that it fills anew for each look-up;
 * those that are keys of a map never change.
 */
final class LabelSet {
  String reporter = "";
  String listener = "";
  String service = "";
  String principal = "";
  String flags = "";
  String code = "";
  String fault = "";
  int status;

  LabelSet fill(String reporter, String listener, String service, String principal) {
    this.reporter = reporter;
    this.listener = listener;
    this.service = service;
    this.principal = principal;
    this.flags = "";
    this.code = "";
    this.fault = "";
    this.status = 0;
    return this;
  }

  LabelSet ended(int status, String flags, String code, String fault) {
    this.status = status;
    this.flags = flags;
    this.code = code;
    this.fault = fault;
    return this;
  }

  /** What a series is counted under that there is no more room for. */
  LabelSet other() {
    return new LabelSet().fill(reporter, "other", "other", "other").ended(status, "other", "", "");
  }

  LabelSet copy() {
    return new LabelSet()
        .fill(reporter, listener, service, principal)
        .ended(status, flags, code, fault);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LabelSet that
        && status == that.status
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
    int hash = status;
    hash = 31 * hash + service.hashCode();
    hash = 31 * hash + listener.hashCode();
    hash = 31 * hash + reporter.hashCode();
    hash = 31 * hash + flags.hashCode();
    hash = 31 * hash + code.hashCode();
    hash = 31 * hash + principal.hashCode();
    return 31 * hash + fault.hashCode();
  }
}
