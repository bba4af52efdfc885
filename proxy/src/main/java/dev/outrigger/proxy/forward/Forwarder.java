package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.ExchangeHandler;
import dev.outrigger.proxy.http.RequestFlow;
import dev.outrigger.proxy.upstream.Upstreams;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.WorkerConfined;
import java.util.List;

/** Sends exchanges to the endpoints of their clusters. Confined to its worker's event loop. */
@WorkerConfined
public final class Forwarder implements ExchangeHandler {
  private final Worker worker;
  private final Upstreams upstreams;
  private final List<AttemptFilter> filters;

  /**
   * @param filters asked in this order before each attempt
   */
  public Forwarder(Worker worker, Upstreams upstreams, List<AttemptFilter> filters) {
    this.worker = worker;
    this.upstreams = upstreams;
    this.filters = List.copyOf(filters);
  }

  @Override
  public RequestFlow begin(Exchange exchange) {
    return new Forwarding(this, exchange);
  }

  Worker worker() {
    return worker;
  }

  Upstreams upstreams() {
    return upstreams;
  }

  List<AttemptFilter> filters() {
    return filters;
  }
}
