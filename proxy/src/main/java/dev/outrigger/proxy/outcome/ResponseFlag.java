package dev.outrigger.proxy.outcome;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** The short words of access logs, as operators know them from Envoy, in its order. */
public enum ResponseFlag {
  /** Nothing to remark. */
  NONE("-", "-"),
  /** No healthy upstream. */
  UH("UH", "NoHealthyUpstream"),
  /** The upstream did not answer in time. */
  UT("UT", "UpstreamRequestTimeout"),
  /** A local reset. */
  LR("LR", "LocalReset"),
  /** The upstream reset the stream. */
  UR("UR", "UpstreamRemoteReset"),
  /** Connecting to the upstream failed. */
  UF("UF", "UpstreamConnectionFailure"),
  /** The upstream closed the connection. */
  UC("UC", "UpstreamConnectionTermination"),
  /** A pool or breaker was full. */
  UO("UO", "UpstreamOverflow"),
  /** No route. */
  NR("NR", "NoRouteFound"),
  /** A delay was injected. */
  DI("DI", "DelayInjected"),
  /** An error was injected. */
  FI("FI", "FaultInjected"),
  /** A rate limit refused. */
  RL("RL", "RateLimited"),
  /** An authorization policy refused. */
  UAEX("UAEX", "UnauthorizedExternalService"),
  /** The client went away. */
  DC("DC", "DownstreamConnectionTermination"),
  /** Retries were used up. */
  URX("URX", "UpstreamRetryLimitExceeded"),
  /** The stream was idle for too long. */
  SI("SI", "StreamIdleTimeout"),
  /** The client broke the protocol. */
  DPE("DPE", "DownstreamProtocolError"),
  /** The connection or stream lived too long. */
  DT("DT", "DurationTimeout"),
  /** The upstream broke the protocol. */
  UPE("UPE", "UpstreamProtocolError"),
  /** The cluster does not exist. */
  NC("NC", "NoClusterFound"),
  /** The proxy is overloaded. */
  OM("OM", "OverloadManagerTerminated");

  private static final Map<ResponseFlag, String[]> COMBINED = combined();

  private final String text;
  private final String longText;

  ResponseFlag(String text, String longText) {
    this.text = text;
    this.longText = longText;
  }

  /** The flag as Envoy's {@code %RESPONSE_FLAGS_LONG%} spells it. */
  public String longText() {
    return longText;
  }

  @Override
  public String toString() {
    return text;
  }

  /** A cause with what happened beside it, such as {@code UT,DI}; {@code -} for nothing at all. */
  public static String text(ResponseFlag cause, boolean delayed, boolean retriesUsedUp) {
    return Objects.requireNonNull(COMBINED.get(cause))[(delayed ? 2 : 0) + (retriesUsedUp ? 1 : 0)];
  }

  private static Map<ResponseFlag, String[]> combined() {
    ResponseFlag[] all = values();
    Map<ResponseFlag, String[]> combined = new EnumMap<>(ResponseFlag.class);
    for (ResponseFlag cause : all) {
      String[] texts = new String[4];
      for (int beside = 0; beside < 4; beside++) {
        StringBuilder text = new StringBuilder();
        for (ResponseFlag flag : all) {
          boolean set =
              (flag == cause && cause != NONE)
                  || (flag == DI && (beside & 2) != 0)
                  || (flag == URX && (beside & 1) != 0);
          if (set) {
            text.append(text.isEmpty() ? "" : ",").append(flag);
          }
        }
        texts[beside] = text.isEmpty() ? "-" : text.toString();
      }
      combined.put(cause, texts);
    }
    return combined;
  }
}
