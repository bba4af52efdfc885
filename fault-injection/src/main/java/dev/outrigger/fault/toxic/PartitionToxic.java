package dev.outrigger.fault.toxic;

import io.netty.buffer.ByteBuf;

/**
 * No byte passes while it lasts, and all of them do when it is over, as TCP sends again what was
 * lost on the way. Toxiproxy has none.
 */
public record PartitionToxic() implements Toxic {

  @Override
  public ToxicFlow attach(ToxicContext context) {
    return new Flow(new HeldChunks());
  }

  private record Flow(HeldChunks held) implements ToxicFlow {
    @Override
    public void onChunk(ByteBuf chunk, ChunkSink out) {
      held.add(chunk);
    }

    @Override
    public void onEnd(ChunkSink out) {
      held.end();
    }

    @Override
    public void detach(ChunkSink out) {
      held.releaseAll(out);
    }

    @Override
    public void discard() {
      held.discard();
    }

    @Override
    public long heldBytes() {
      return held.bytes();
    }
  }
}
