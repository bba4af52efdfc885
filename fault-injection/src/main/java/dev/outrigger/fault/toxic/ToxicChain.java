package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The toxics on one direction of one connection, one after the other. They come and go while bytes
 * flow; none is lost and their order stays. Confined to the connection's event loop.
 */
public final class ToxicChain {
  private final List<Link> links = new ArrayList<>();
  private final ChunkSink exit;
  private boolean discarded;
  private boolean ended;

  /**
   * @param exit where the bytes come out
   */
  public ToxicChain(ChunkSink exit) {
    this.exit = exit;
  }

  /** Adds one behind the others. The name is not in use. */
  public void attach(String name, Toxic toxic, ToxicContext context) {
    links.add(new Link(name, toxic.attach(context)));
  }

  /** Gives one other settings, in its place among the others. The name is in use. */
  public void replace(String name, Toxic toxic, ToxicContext context) {
    Link link = find(name);
    if (link == null) {
      throw new IllegalArgumentException("there is no toxic " + name);
    }
    link.flow.interrupt(link);
    if (!discarded) {
      link.flow = toxic.resume(link.flow, context);
    }
  }

  /** Ends one, which hands on all it holds; unknown names are ignored. */
  public void detach(String name) {
    Link link = find(name);
    if (link != null) {
      // It stays in its place until it is empty, so that its bytes go to the one behind it.
      link.flow.detach(link);
      if (!link.shut) {
        links.remove(link);
      }
    }
  }

  /**
   * One ends the way at its place: what it handed on passes those behind it, then comes the end;
   * what is still to come is dropped. Unknown names are ignored.
   */
  public void endBehind(String name) {
    Link link = find(name);
    if (link != null && !link.shut) {
      link.shut = true;
      link.end();
    }
  }

  /** Whether bytes would pass untouched. */
  public boolean isEmpty() {
    return links.isEmpty();
  }

  public void onChunk(ByteBuf chunk) {
    if (discarded) {
      chunk.release();
    } else if (links.isEmpty()) {
      exit.chunk(chunk);
    } else {
      links.getFirst().accept(chunk);
    }
  }

  /** No more bytes will come; said a second time it means nothing. */
  public void onEnd() {
    if (discarded || ended) {
      return;
    }
    ended = true;
    if (links.isEmpty()) {
      exit.end();
    } else {
      links.getFirst().acceptEnd();
    }
  }

  /** Bytes that came in and are not out yet. */
  public long heldBytes() {
    long sum = 0;
    for (int i = 0; i < links.size(); i++) {
      sum += links.get(i).flow.heldBytes();
    }
    return sum;
  }

  /** The connection is gone; what is held is released, and so is what still comes. */
  public void discard() {
    discarded = true;
    for (Link link : links) {
      link.flow.discard();
    }
    links.clear();
  }

  private @Nullable Link find(String name) {
    for (Link link : links) {
      if (link.name.equals(name)) {
        return link;
      }
    }
    return null;
  }

  /** A flow, and the sink that leads to whatever stands behind it at the moment. */
  private final class Link implements ChunkSink {
    private final String name;
    private ToxicFlow flow;
    private boolean shut;

    Link(String name, ToxicFlow flow) {
      this.name = name;
      this.flow = flow;
    }

    private void accept(ByteBuf chunk) {
      if (shut) {
        chunk.release();
      } else {
        flow.onChunk(chunk, this);
      }
    }

    private void acceptEnd() {
      if (!shut) {
        flow.onEnd(this);
      }
    }

    @Override
    public void chunk(ByteBuf chunk) {
      Link next = next();
      if (discarded || shut) {
        chunk.release();
      } else if (next == null) {
        exit.chunk(chunk);
      } else {
        next.accept(chunk);
      }
    }

    @Override
    public void end() {
      Link next = next();
      if (discarded) {
        return;
      }
      if (next == null) {
        exit.end();
      } else {
        next.acceptEnd();
      }
    }

    private @Nullable Link next() {
      int behind = links.indexOf(this) + 1;
      return behind < links.size() ? links.get(behind) : null;
    }
  }
}
