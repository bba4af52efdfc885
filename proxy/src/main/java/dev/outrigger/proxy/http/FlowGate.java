package dev.outrigger.proxy.http;

import io.netty.channel.Channel;

/**
 * Decides whether a channel is read: only while nobody holds it. Each holder has its own bit, so
 * that two reasons to wait never open the gate for each other. Confined to its worker's event loop.
 */
public final class FlowGate {
  /** The other side cannot take more. */
  public static final int PEER_FULL = 1;

  /** There is nobody yet to hand bytes to. */
  public static final int WAITING = 2;

  /** Enough was read ahead. */
  public static final int AHEAD = 4;

  private final Channel channel;
  private int holds;

  public FlowGate(Channel channel) {
    this.channel = channel;
  }

  /** Stops reading for a reason. */
  public void hold(int reason) {
    if (holds == 0) {
      channel.config().setAutoRead(false);
    }
    holds |= reason;
  }

  /** Takes a reason back; reads when it was the last. */
  public void release(int reason) {
    if (holds == 0) {
      return;
    }
    holds &= ~reason;
    if (holds == 0) {
      channel.config().setAutoRead(true);
    }
  }

  /** Whether the channel is held. */
  public boolean held() {
    return holds != 0;
  }
}
