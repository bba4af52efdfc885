package dev.outrigger.controlplane.ca;

import java.io.IOException;

/** Says whose a token is by which a proxy joins. Any thread may use it; calls may block. */
public interface TokenVerifier {
  /**
   * Says whose token this is, without using it up.
   *
   * @throws IOException if that cannot be said now; the message may be told to the bearer
   */
  JoinTokens.Verdict verify(String text) throws IOException;

  /** Like {@link #verify}, and counts as one use where uses count. */
  JoinTokens.Verdict redeem(String text) throws IOException;
}
