package dev.outrigger.proxy.outcome;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Why the proxy itself ended an exchange or a connection, in the words of an operator. What is said
 * to the caller for each is decided in one place, {@link ErrorReplies}.
 */
public sealed interface ProxyError {

  /** Who caused it. */
  Origin origin();

  /** Whether no byte can have reached the application, so that a retry is safe for any method. */
  boolean requestUntouched();

  /** One sentence of detail for logs and the reply's body; never a secret. */
  String detail();

  /** No virtual host or route matches. */
  record NoRoute(String host, String path) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.LOCAL;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "no route for host " + host + ", path " + path;
    }
  }

  /** The route names a cluster that is not there. */
  record NoCluster(String cluster) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.CONTROL_PLANE;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "cluster " + cluster + " is not configured";
    }
  }

  /** Every endpoint is unhealthy, ejected or draining, or there is none. */
  record NoHealthyEndpoint(String cluster, int known, int healthy) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.UPSTREAM;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "cluster " + cluster + " has " + known + " endpoints, " + healthy + " of them healthy";
    }
  }

  /** The endpoint refused the connection, or could not be reached. */
  record ConnectRefused(String endpoint, String reason) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.UPSTREAM;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "connecting to " + endpoint + " failed: " + reason;
    }
  }

  /** The connection was not open in time. */
  record ConnectTimedOut(String endpoint, Duration after) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.UPSTREAM;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "connecting to " + endpoint + " took longer than " + after.toMillis() + " ms";
    }
  }

  /** The TLS handshake failed, on our side or theirs. */
  record TlsRejected(Origin origin, String peer, String reason) implements ProxyError {
    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "TLS with " + peer + " failed: " + reason;
    }
  }

  /** A limit on connections, waiting or active exchanges was reached. */
  record PoolOverflow(String cluster, Limit limit, int value) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.LOCAL;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "cluster " + cluster + " reached its limit of " + value + " " + limit.words;
    }

    /** Which limit. */
    public enum Limit {
      CONNECTIONS("connections"),
      PENDING("waiting requests"),
      REQUESTS("active requests");

      private final String words;

      Limit(String words) {
        this.words = words;
      }
    }
  }

  /** A time limit passed. */
  record DeadlinePassed(Timer timer, Duration after, boolean requestUntouched)
      implements ProxyError {
    @Override
    public Origin origin() {
      return switch (timer) {
        case ROUTE, STREAM, PER_TRY, PER_TRY_IDLE -> Origin.UPSTREAM;
        case REQUEST_HEADERS, REQUEST, REQUEST_BODY, STREAM_IDLE -> Origin.DOWNSTREAM;
      };
    }

    @Override
    public String detail() {
      return timer.words + " timeout of " + after.toMillis() + " ms passed";
    }

    /** Which timer. */
    public enum Timer {
      ROUTE("route"),
      STREAM("stream"),
      PER_TRY("per-try"),
      PER_TRY_IDLE("per-try idle"),
      REQUEST_HEADERS("request header"),
      REQUEST("request"),
      REQUEST_BODY("request body"),
      STREAM_IDLE("stream idle");

      private final String words;

      Timer(String words) {
        this.words = words;
      }
    }
  }

  /** The upstream ended the exchange before its answer was whole. */
  record UpstreamReset(String endpoint, How how, boolean requestUntouched) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.UPSTREAM;
    }

    @Override
    public String detail() {
      return endpoint + " " + how.words;
    }

    /** How it ended. */
    public enum How {
      /** Closed in order, before or within the answer. */
      CLOSED("closed the connection before its answer was whole"),
      /** RST, or the stream was reset. */
      RESET("reset the connection before its answer was whole");

      private final String words;

      How(String words) {
        this.words = words;
      }
    }
  }

  /** The client went away before its answer was whole. */
  record DownstreamGone(String reason) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.DOWNSTREAM;
    }

    @Override
    public boolean requestUntouched() {
      return false;
    }

    @Override
    public String detail() {
      return reason;
    }
  }

  /** A peer sent what its protocol does not allow. */
  record ProtocolViolation(Origin origin, String what) implements ProxyError {
    @Override
    public boolean requestUntouched() {
      return origin == Origin.DOWNSTREAM;
    }

    @Override
    public String detail() {
      return what;
    }
  }

  /** A request's body comes in a transfer coding that is not known here. */
  record UnknownCoding(String coding) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.DOWNSTREAM;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "the only transfer-encoding is chunked, and not " + coding;
    }
  }

  /** An authorization or authentication policy refused. */
  record Denied(String policy, String reason) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.LOCAL;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return policy + ": " + reason;
    }
  }

  /** The client asked for another protocol, or for CONNECT, and the route does not allow it. */
  record UpgradeRefused(String protocol) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.LOCAL;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "the route does not let " + protocol + " through";
    }
  }

  /** A rate limit refused. */
  record RateLimited(String limit) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.LOCAL;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "rate limit " + limit;
    }
  }

  /**
   * An experiment did this on purpose.
   *
   * @param status what the experiment asks to be answered; 0 resets instead
   * @param grpcStatus what a gRPC caller is told; null maps the HTTP status
   */
  record FaultInjected(String experiment, int status, @Nullable Integer grpcStatus)
      implements ProxyError {
    /** What the caller is told of it when an attempt met it: not the caller is reset then. */
    public FaultInjected asAnswer() {
      return status == 0 ? new FaultInjected(experiment, 503, grpcStatus) : this;
    }

    @Override
    public Origin origin() {
      return Origin.LOCAL;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "fault injected by experiment " + experiment;
    }
  }

  /** The proxy is shutting down and takes nothing new. */
  record Draining() implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.LOCAL;
    }

    @Override
    public boolean requestUntouched() {
      return true;
    }

    @Override
    public String detail() {
      return "the proxy is shutting down";
    }
  }

  /** A message exceeds a limit. */
  record TooLarge(Origin origin, What what, int limit) implements ProxyError {
    @Override
    public boolean requestUntouched() {
      return origin == Origin.DOWNSTREAM;
    }

    @Override
    public String detail() {
      return what.words + " exceed the limit of " + limit;
    }

    /** What is too large. */
    public enum What {
      HEADERS("headers"),
      HEADER_COUNT("header fields"),
      URI("the request target's bytes"),
      BODY("body bytes");

      private final String words;

      What(String words) {
        this.words = words;
      }
    }
  }

  /** Our own mistake: an extension threw, or an invariant broke. */
  record Bug(String where) implements ProxyError {
    @Override
    public Origin origin() {
      return Origin.LOCAL;
    }

    @Override
    public boolean requestUntouched() {
      return false;
    }

    @Override
    public String detail() {
      return "internal error in " + where;
    }
  }
}
