package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.route.RouteMatch;
import dev.outrigger.proxy.telemetry.Explanation;
import dev.outrigger.proxy.telemetry.Explanation.About;
import dev.outrigger.proxy.telemetry.WorkerTelemetry;
import dev.outrigger.tls.PeerIdentity;

/** What an exchange has to say for itself, to those who may ask. */
final class ExchangeSteps {
  private ExchangeSteps() {}

  static void begun(Explanation explanation, Exchange exchange) {
    RequestHead head = exchange.head();
    ConnectionFacts facts = exchange.facts();
    PeerIdentity peer = facts.peer();
    explanation.note(
        About.REQUEST,
        head.method()
            + " "
            + head.authority()
            + head.pathOnly()
            + " by "
            + head.version()
            + " at listener "
            + facts.listener()
            + " ("
            + hop(facts)
            + "), from "
            + facts.remote()
            + (peer == null || peer.spiffeId() == null ? ", not proved" : ", " + peer.spiffeId())
            + ", configuration "
            + exchange.settings().snapshot().sequence());
    for (String asked : exchange.settings().routes().explain(head)) {
      explanation.note(About.ROUTE, asked);
    }
    RouteMatch found = exchange.route();
    explanation.note(About.ROUTE, found == null ? "no route" : chosen(found));
  }

  private static String chosen(RouteMatch found) {
    return switch (found.action()) {
      case Action.Forward forward ->
          "route "
              + found.route().name()
              + " leads to cluster "
              + found.cluster()
              + (forward.clusters().size() > 1
                  ? ", drawn by weight among " + forward.clusters().size()
                  : "");
      case Action.Direct direct ->
          "route " + found.route().name() + " answers " + direct.status() + " itself";
      case Action.Redirect redirect ->
          "route " + found.route().name() + " redirects with " + redirect.status();
    };
  }

  static void filtered(Explanation explanation, HttpFilter filter, Verdict verdict) {
    String name = filter.getClass().getSimpleName();
    explanation.note(
        About.FILTER,
        switch (verdict) {
          case Verdict.Proceed _ -> name + " lets it pass";
          case Verdict.Suspend _ -> name + " holds it";
          case Verdict.Reply _ -> name + " answers in its place";
        });
  }

  /** Puts what is known by now on the answer. */
  static void answered(Explanation explanation, Exchange exchange, ResponseHead response) {
    explanation.note(About.ANSWER, "the client is answered " + response.status());
    response
        .headers()
        .add(
            HeaderName.OUTRIGGER_EXPLANATION,
            explanation.header(hop(exchange.facts()), exchange.record().requestId()));
  }

  static void over(
      Explanation explanation, Exchange exchange, Outcome outcome, WorkerTelemetry telemetry) {
    explanation.note(
        About.OUTCOME,
        switch (outcome) {
          case Outcome.Answered answered ->
              "the endpoint's answer " + answered.status() + " is whole";
          case Outcome.AnsweredLocally answered -> "answered here with " + answered.status();
          case Outcome.Failed failed ->
              ErrorReplies.replyFor(failed.error()).code()
                  + ": "
                  + failed.error().detail()
                  + (failed.responseBegun() ? ", after the answer had begun" : "");
        });
    telemetry.explained(
        explanation, exchange.head(), exchange.facts(), exchange.record().requestId(), outcome);
  }

  private static String hop(ConnectionFacts facts) {
    return facts.inbound() ? "inbound" : "outbound";
  }
}
