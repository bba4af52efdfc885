package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.outcome.ProxyError;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the filters of one exchange: forwards on the request way, backwards on the response way.
 * What a filter throws is caught here, once, and ends the exchange with an internal error.
 */
@SuppressWarnings("ReferenceEquality") // the very same object is meant
final class FilterChain implements Suspended {
  private static final Logger LOG = LoggerFactory.getLogger(FilterChain.class);
  private static final HttpFilter[] NONE = {};

  private final Exchange exchange;
  private HttpFilter[] filters = NONE;
  private int count;
  private int next;

  FilterChain(Exchange exchange) {
    this.exchange = exchange;
  }

  /** Asks each factory, then runs what was made. */
  void start(List<HttpFilter.Factory> factories) {
    for (int i = 0; i < factories.size(); i++) {
      @Nullable HttpFilter made;
      try {
        made = factories.get(i).newFilter(exchange.head(), exchange);
      } catch (RuntimeException e) {
        thrown(factories.get(i), e);
        return;
      }
      if (made != null) {
        if (filters == NONE) {
          filters = new HttpFilter[factories.size()];
        }
        filters[count++] = made;
      }
    }
    proceed();
  }

  @Override
  public void resumed() {
    proceed();
  }

  @Override
  public void replied(LocalReply reply) {
    end(reply);
  }

  void onResponse(ResponseHead response) {
    for (int i = count - 1; i >= 0 && !exchange.finished(); i--) {
      Verdict verdict;
      try {
        verdict = filters[i].onResponse(response, exchange);
      } catch (RuntimeException e) {
        thrown(filters[i], e);
        return;
      }
      switch (verdict) {
        case Verdict.Proceed _ -> {}
        case Verdict.Suspend _ -> {
          // Holding an answer back would need a buffer for its body: not offered to filters.
          thrown(filters[i], new IllegalStateException("suspended on the response way"));
          return;
        }
        case Verdict.Reply reply -> end(reply.reply());
      }
    }
  }

  void onLocalReply(ResponseHead reply) {
    for (int i = count - 1; i >= 0; i--) {
      try {
        filters[i].onLocalReply(reply, exchange);
      } catch (RuntimeException e) {
        LOG.error("filter {} failed on a reply", filters[i], e);
        exchange.bug("filter");
      }
    }
  }

  void onFinish(Outcome outcome) {
    for (int i = 0; i < count; i++) {
      try {
        filters[i].onFinish(outcome);
      } catch (RuntimeException e) {
        LOG.error("filter {} failed at the end of an exchange", filters[i], e);
        exchange.bug("filter");
      }
    }
  }

  private void proceed() {
    while (next < count && !exchange.finished()) {
      HttpFilter filter = filters[next++];
      Verdict verdict;
      try {
        verdict = filter.onRequest(exchange.head(), exchange);
      } catch (RuntimeException e) {
        thrown(filter, e);
        return;
      }
      if (exchange.explanation() != null) {
        ExchangeSteps.filtered(exchange.explanation(), filter, verdict);
      }
      switch (verdict) {
        case Verdict.Proceed _ -> {}
        case Verdict.Suspend _ -> {
          exchange.suspend(this);
          return;
        }
        case Verdict.Reply reply -> {
          end(reply.reply());
          return;
        }
      }
    }
    if (!exchange.finished()) {
      exchange.filtersPassed();
    }
  }

  private void end(LocalReply reply) {
    switch (reply) {
      case LocalReply.Failure failure -> exchange.fail(failure.error());
      case LocalReply.Answer answer -> exchange.answer(answer);
    }
  }

  private void thrown(Object where, RuntimeException e) {
    LOG.error("filter {} failed", where, e);
    exchange.bug("filter");
    exchange.fail(new ProxyError.Bug("filter " + where.getClass().getSimpleName()));
  }
}
