package dev.outrigger.fault.relay;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.toxic.ChunkSink;
import dev.outrigger.fault.toxic.Toxic;
import dev.outrigger.fault.toxic.ToxicChain;
import dev.outrigger.fault.toxic.ToxicContext;
import dev.outrigger.fault.toxic.ToxicFlow;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One connection of a relay: a client, a server, and a chain of toxics each way. A side that is
 * slow stops the reading of the other; an end one way leaves the other way open; a reset stays a
 * reset. Confined to the relay's loop.
 */
final class RelayedConnection {
  /** Per way; beyond it the side that sends is not read. */
  private static final long MAX_HELD_BYTES = 16 << 20;

  /** For a client that is told of the end to take its last bytes. */
  private static final long LINGER_MILLIS = 1_000;

  private static final Toxic SPARED =
      _ ->
          new ToxicFlow() {
            @Override
            public void onChunk(ByteBuf chunk, ChunkSink out) {
              out.chunk(chunk);
            }
          };

  private final ToxicRelay relay;
  private final Channel client;
  private final Way up = new Way(Direction.UPSTREAM);
  private final Way down = new Way(Direction.DOWNSTREAM);
  private @Nullable Channel server;
  private boolean over;

  RelayedConnection(ToxicRelay relay, Channel client) {
    this.relay = relay;
    this.client = client;
  }

  /** Takes what the client sends. */
  ChannelHandler clientHandler() {
    return up;
  }

  /** Takes what the server sends. */
  ChannelHandler serverHandler() {
    return down;
  }

  /** The server is reached: bytes flow. */
  void open(Channel reached) {
    if (over || !client.isActive()) {
      reached.close();
      client.close();
      return;
    }
    server = reached;
    for (PlacedToxic toxic : relay.toxics()) {
      put(toxic, false);
    }
    up.regulate();
    down.regulate();
  }

  void put(PlacedToxic placed, boolean replaces) {
    if (over || server == null) {
      return;
    }
    boolean hit = relay.on().chance().nextDouble() < placed.chance();
    Toxic toxic = hit ? placed.toxic() : SPARED;
    long roll = relay.on().chance().nextLong();
    for (Way way : new Way[] {up, down}) {
      if (placed.direction().covers(way.direction)) {
        ToxicContext context =
            new ToxicContext(relay.on().loop(), roll, new End(way, placed.name()));
        if (replaces) {
          way.chain.replace(placed.name(), toxic, context);
        } else {
          way.chain.attach(placed.name(), toxic, context);
        }
        way.regulate();
      }
    }
  }

  void remove(String name) {
    up.chain.detach(name);
    down.chain.detach(name);
    up.regulate();
    down.regulate();
  }

  /** Closes both sides at once. */
  void abort() {
    stop();
    client.close();
    closeServer(Channel::close);
  }

  /** In order, after what was handed on. */
  private void close() {
    if (!stop()) {
      return;
    }
    closeServer(RelayedConnection::closeAfterFlush);
    // What the client still sends must be read, or the close would turn into a reset that takes
    // away what it has not read yet.
    client.config().setAutoRead(true);
    client
        .writeAndFlush(Unpooled.EMPTY_BUFFER)
        .addListener(
            _ -> {
              if (client instanceof DuplexChannel duplex && client.isActive()) {
                duplex.shutdownOutput();
              }
              client
                  .eventLoop()
                  .schedule(() -> client.close(), LINGER_MILLIS, TimeUnit.MILLISECONDS);
            });
  }

  private void reset() {
    if (stop()) {
      reset(client);
      closeServer(RelayedConnection::reset);
    }
  }

  /**
   * How a toxic ends the connection. Toxics behind it still have their way with what it handed on.
   */
  private final class End implements ToxicContext.ConnectionEnd {
    private final Way way;
    private final String toxic;

    End(Way way, String toxic) {
      this.way = way;
      this.toxic = toxic;
    }

    @Override
    public void close() {
      if (way.ended) {
        RelayedConnection.this.close();
      } else {
        way.closing = true;
        way.chain.endBehind(toxic);
      }
    }

    @Override
    public void reset() {
      RelayedConnection.this.reset();
    }
  }

  private boolean stop() {
    if (over) {
      return false;
    }
    over = true;
    up.chain.discard();
    down.chain.discard();
    return true;
  }

  private void closeServer(Consumer<Channel> how) {
    Channel reached = server;
    if (reached != null) {
      how.accept(reached);
    }
  }

  /** Both ways have ended: what was handed on is still written. */
  private void finish() {
    if (stop()) {
      closeAfterFlush(client);
      closeServer(RelayedConnection::closeAfterFlush);
    }
  }

  private static void closeAfterFlush(Channel channel) {
    channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
  }

  /** RST: nothing that is buffered is sent, and nobody takes it for an end. */
  private static void reset(Channel channel) {
    if (channel.isActive()) {
      channel.config().setOption(ChannelOption.SO_LINGER, 0);
    }
    channel.close();
  }

  /** From one side to the other. */
  private final class Way extends ChannelInboundHandlerAdapter implements ChunkSink {
    private final Direction direction;
    private final ToxicChain chain = new ToxicChain(this);
    private boolean ended;
    private boolean closing;

    Way(Direction direction) {
      this.direction = direction;
    }

    private Way back() {
      return direction == Direction.UPSTREAM ? down : up;
    }

    private @Nullable Channel from() {
      return direction == Direction.UPSTREAM ? client : server;
    }

    private @Nullable Channel to() {
      return direction == Direction.UPSTREAM ? server : client;
    }

    /** Reads the one side as long as the other, and what is held, have room. */
    void regulate() {
      Channel from = from();
      Channel to = to();
      if (!over && from != null && to != null) {
        boolean room = to.isWritable() && chain.heldBytes() <= MAX_HELD_BYTES;
        if (from.config().isAutoRead() != room) {
          from.config().setAutoRead(room);
        }
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (over || !(message instanceof ByteBuf bytes)) {
        ReferenceCountUtil.release(message);
        return;
      }
      relay.countReceived(direction, bytes.readableBytes());
      chain.onChunk(bytes);
      regulate();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      back().regulate();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (!over && event instanceof ChannelInputShutdownEvent) {
        chain.onEnd();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      if (over) {
        return;
      }
      // Nobody is there to read any more; what came before is still on its way.
      back().chain.discard();
      back().ended = true;
      chain.onEnd();
      if (ended) {
        finish();
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      RelayedConnection.this.reset();
    }

    @Override
    public void chunk(ByteBuf chunk) {
      Channel to = to();
      if (over || to == null) {
        chunk.release();
        return;
      }
      relay.countSent(direction, chunk.readableBytes());
      to.writeAndFlush(chunk);
      regulate();
    }

    @Override
    public void end() {
      if (ended || over) {
        return;
      }
      ended = true;
      if (closing) {
        RelayedConnection.this.close();
        return;
      }
      if (back().ended) {
        finish();
        return;
      }
      Channel to = to();
      if (to != null) {
        to.writeAndFlush(Unpooled.EMPTY_BUFFER)
            .addListener(
                _ -> {
                  if (to instanceof DuplexChannel duplex && to.isActive()) {
                    duplex.shutdownOutput();
                  }
                });
      }
    }
  }
}
