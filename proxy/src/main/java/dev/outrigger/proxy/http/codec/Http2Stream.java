package dev.outrigger.proxy.http.codec;

import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http2.Http2Error;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * One stream of an {@link Http2Connection}: what is still to be sent, and how much may be. Confined
 * to its worker's event loop.
 *
 * <p>The peer's window is given back only while its {@link #gate} is open, so that what it may
 * still send is bounded while the other side does not drain.
 */
@WorkerConfined
public final class Http2Stream implements FlowGate.Valve {
  private static final int MAX_UNSENT = 64 * 1024;

  /** What the peer does on a stream. After onEnd or onReset of both ways nothing more comes. */
  public interface Listener {
    /** A head; of an answer perhaps an interim one. */
    void onHead(Http2Fields fields, boolean last);

    /** Takes ownership. */
    void onBody(ByteBuf bytes);

    /** The peer's way is whole. */
    void onEnd(@Nullable Headers trailers);

    /**
     * The stream is gone.
     *
     * @param untouched whether the peer said that it did nothing with it
     * @param fault what the peer did wrong, or null if it was the peer who ended it
     */
    void onReset(long code, boolean untouched, @Nullable String fault);

    /** More can be sent, after it could not. */
    void onWritable();
  }

  private final Http2Connection connection;
  private final FlowGate gate = new FlowGate(this);
  private final ArrayDeque<ByteBuf> unsent = new ArrayDeque<>(2);
  int id;
  @Nullable Listener listener;
  int sendWindow;
  int receiveWindow;
  int sinceHalf; // given back since the last half of the window was
  long lastHalf;
  boolean headSeen;
  boolean remoteEnded;
  boolean localEnded;
  boolean gone;
  boolean begun; // the peer knows of it
  boolean tunnel; // a CONNECT: what follows an agreement has no length
  boolean blocked; // in the connection's queue of those that wait for its window
  private boolean wantsWritable;
  private int unsentBytes;
  private boolean endWanted;
  private @Nullable Headers lastTrailers;
  private boolean resetWhenSent;
  private int unreturned;
  private int waiting; // came while the gate was held
  private long declared = -1;
  private boolean asksForHead;
  private long received;
  private @Nullable ByteBuf held;

  Http2Stream(Http2Connection connection, int id, int sendWindow, int receiveWindow) {
    this.connection = connection;
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** Who is told; set before anything is read. */
  public void listener(Listener told) {
    listener = told;
  }

  /** Holds the peer's body back. */
  public FlowGate gate() {
    return gate;
  }

  /** Whether the peer knows of it. */
  public boolean begun() {
    return begun;
  }

  public boolean gone() {
    return gone;
  }

  /** Whether the peer's way is whole. */
  public boolean remoteEnded() {
    return remoteEnded;
  }

  // What is sent.

  /**
   * Opens the stream.
   *
   * @param protocol what an extended CONNECT asks for, or null
   */
  public void request(RequestHead head, boolean last, @Nullable String protocol) {
    if (!gone) {
      asksForHead = head.method().equals("HEAD");
      tunnel = protocol != null || head.method().equals("CONNECT");
      connection.writeRequest(this, head, last, protocol);
      begun = true;
      localEnded |= last;
    }
  }

  public void response(ResponseHead head, boolean last) {
    if (!gone) {
      connection.writeResponse(this, head, last);
      if (last) {
        sentAll();
      }
    }
  }

  /** Takes ownership. */
  public void body(ByteBuf bytes) {
    if (gone || localEnded || endWanted || !bytes.isReadable()) {
      bytes.release();
      return;
    }
    unsent.addLast(bytes);
    unsentBytes += bytes.readableBytes();
    send();
  }

  /** Nothing more will be sent after what was given so far. */
  public void end(@Nullable Headers trailers) {
    if (gone || localEnded || endWanted) {
      return;
    }
    endWanted = true;
    lastTrailers = trailers;
    send();
  }

  /** Whether more can be given without piling up here. */
  public boolean writable() {
    boolean can = unsentBytes < MAX_UNSENT && sendWindow > 0 && connection.canSend();
    wantsWritable |= !can;
    return can;
  }

  public void flush() {
    connection.flush();
  }

  /** Bytes that wait for the peer's windows. */
  public int unsent() {
    return unsentBytes;
  }

  /** How much there is of the peer's next DATA frame, which is not whole. */
  public int unfinishedData() {
    return connection.unfinishedDataOf(id);
  }

  /** Ends the stream at once. */
  public void reset(Http2Error code) {
    if (!gone) {
      if (begun) {
        connection.writeReset(id, code);
      }
      connection.over(this, true);
    }
  }

  /** A response was sent in whole: the client need not go on with a request (RFC 9113, 8.1). */
  public void resetOnceSent() {
    if (gone) {
      return;
    }
    if (localEnded) {
      reset(Http2Error.NO_ERROR);
    } else {
      resetWhenSent = true;
    }
  }

  /** The answer is whole: what is left of the request is not wanted any more. */
  public void resetOnceAnswered() {
    if (!gone && !localEnded) {
      reset(Http2Error.CANCEL);
    }
  }

  /** Sends what the windows allow. */
  void send() {
    while (!unsent.isEmpty()) {
      int may = Math.min(Math.min(sendWindow, connection.sendWindow()), connection.maxFrame());
      if (may <= 0 || !connection.canSend()) {
        if (sendWindow > 0) {
          connection.block(this);
        }
        return;
      }
      ByteBuf first = unsent.peekFirst();
      int size = Math.min(may, first.readableBytes());
      boolean whole = size == first.readableBytes();
      boolean last = whole && unsent.size() == 1 && endWanted && lastTrailers == null;
      unsentBytes -= size;
      sendWindow -= size;
      ByteBuf piece;
      if (whole) {
        unsent.pollFirst();
        piece = first;
      } else {
        piece = first.readRetainedSlice(size);
      }
      connection.writeData(id, piece, size, last);
      if (!whole && connection.tiny(size)) {
        return;
      }
      if (last) {
        sentAll();
        return;
      }
    }
    if (endWanted && !localEnded && !gone) {
      Headers trailers = lastTrailers;
      if (trailers == null) {
        connection.writeEnd(id);
      } else {
        connection.writeTrailers(this, trailers);
      }
      sentAll();
    }
    tellWritable();
  }

  void tellWritable() {
    Listener told = listener;
    if (wantsWritable && told != null && !gone && writableNow()) {
      wantsWritable = false;
      told.onWritable();
    }
  }

  private boolean writableNow() {
    return unsentBytes < MAX_UNSENT && sendWindow > 0 && connection.canSend();
  }

  private void sentAll() {
    localEnded = true;
    if (remoteEnded) {
      connection.over(this, false);
    } else if (resetWhenSent) {
      reset(Http2Error.NO_ERROR);
    }
  }

  // What is received.

  /** Whether its request is HEAD, whose answer has no body. */
  boolean asksForHead() {
    return asksForHead;
  }

  /** Notes what {@code content-length} promises. */
  void declare(long length) {
    declared = length;
  }

  /** Counts body bytes in; false if more come than were promised. */
  boolean count(int bytes) {
    received += bytes;
    return declared < 0 || received <= declared;
  }

  /** Whether as much came as was promised. */
  boolean complete() {
    return declared < 0 || received == declared;
  }

  /** Whether a length was promised and has come, so that nothing but the end may follow. */
  boolean promiseKept() {
    return declared > 0 && received == declared;
  }

  /**
   * Keeps the last bytes of a promised length until the stream ends: with them the origin would
   * have a whole request and could answer it before the excess of a malformed one is seen (RFC
   * 9113, section 8.1.1). Takes ownership.
   */
  void hold(ByteBuf bytes) {
    held = bytes;
  }

  /** The stream ended as it should. */
  void letGo(Listener told) {
    ByteBuf bytes = held;
    if (bytes != null) {
      held = null;
      told.onBody(bytes);
    }
  }

  /** Bytes of the window were used; they are given back when the gate allows it. */
  void used(int bytes) {
    unreturned += bytes;
    if (gate.held() && !gone) {
      waiting += bytes;
      var _ = connection.waits(bytes);
    }
    giveBack();
  }

  private boolean giveBack() {
    boolean enough =
        unreturned >= Math.min(connection.streamWindow() / 2, WindowGrowth.MOST_UNRETURNED);
    if (!enough || gate.held() || remoteEnded || gone) {
      return false;
    }
    int amount = unreturned;
    unreturned = 0;
    receiveWindow += amount;
    connection.writeWindowUpdate(id, amount);
    connection.gaveBack(this, amount);
    return true;
  }

  @Override
  public void open() {
    boolean written = drained();
    if (giveBack() || written) {
      connection.flush(); // the other side has drained: no read of ours is under way
    }
  }

  /** Nothing of it waits any more. */
  private boolean drained() {
    int before = waiting;
    waiting = 0;
    return before > 0 && connection.waits(-before);
  }

  @Override
  public void shut() {}

  /** Lets go of what was not sent. */
  void drop() {
    gone = true;
    if (drained()) {
      connection.flush();
    }
    for (ByteBuf bytes = unsent.pollFirst(); bytes != null; bytes = unsent.pollFirst()) {
      bytes.release();
    }
    unsentBytes = 0;
    if (held != null) {
      held.release();
      held = null;
    }
  }
}
