package dev.outrigger.proxy.http.codec;

import io.netty.channel.Channel;

/**
 * Decides whether a source of bytes is read: only while nobody holds it. Each holder has its own
 * bit, so that two reasons to wait never open the gate for each other. Confined to its worker's
 * event loop.
 */
public final class FlowGate {
  /** The other side cannot take more. */
  public static final int PEER_FULL = 1;

  /** There is nobody yet to hand bytes to. */
  public static final int WAITING = 2;

  /** Enough was read ahead. */
  public static final int AHEAD = 4;

  /** What was answered is not read. */
  public static final int UNREAD = 8;

  /** What is opened and shut: a whole connection, or one stream of it. */
  public interface Valve {
    void open();

    void shut();
  }

  private final Valve valve;
  private int holds;

  /** Opens and shuts a connection. */
  public FlowGate(Channel channel) {
    this(
        new Valve() {
          @Override
          public void open() {
            channel.config().setAutoRead(true);
          }

          @Override
          public void shut() {
            channel.config().setAutoRead(false);
          }
        });
  }

  public FlowGate(Valve valve) {
    this.valve = valve;
  }

  /** Stops reading for a reason. */
  public void hold(int reason) {
    boolean first = holds == 0;
    holds |= reason;
    if (first) {
      valve.shut();
    }
  }

  /** Takes a reason back; reads when it was the last. */
  public void release(int reason) {
    if (holds == 0) {
      return;
    }
    holds &= ~reason;
    if (holds == 0) {
      valve.open();
    }
  }

  /** Whether it is held. */
  public boolean held() {
    return holds != 0;
  }
}
