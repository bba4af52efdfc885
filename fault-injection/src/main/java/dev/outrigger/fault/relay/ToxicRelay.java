package dev.outrigger.fault.relay;

import dev.outrigger.fault.Direction;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A port whose connections are passed on to one address, through toxics that come and go while
 * bytes flow. Toxics of one direction act in the order in which they came. It may be opened and
 * closed many times; its toxics stay. Confined to its loop; what a method returns is completed
 * there.
 */
public final class ToxicRelay {
  /** Beyond it connections are closed as soon as they are accepted. */
  private static final int MOST_CONNECTIONS = 10_000;

  private final RelayLoop on;
  private final Map<String, PlacedToxic> toxics = new LinkedHashMap<>();
  private final Set<RelayedConnection> connections = new LinkedHashSet<>();
  private final Map<Direction, Count> counts = new EnumMap<>(Direction.class);
  private @Nullable Channel server;
  private InetSocketAddress upstream = InetSocketAddress.createUnresolved("localhost", 0);

  /** Bytes one way. */
  private static final class Count {
    private long received;
    private long sent;
  }

  public ToxicRelay(RelayLoop on) {
    this.on = on;
    counts.put(Direction.UPSTREAM, new Count());
    counts.put(Direction.DOWNSTREAM, new Count());
  }

  /**
   * Listens. It is closed at the moment.
   *
   * @param listen port 0 takes a free one
   * @param to where each connection goes; a name that is not resolved is looked up for each
   * @return where it listens, or an {@link IOException} that says why it cannot
   */
  public CompletableFuture<InetSocketAddress> open(InetSocketAddress listen, InetSocketAddress to) {
    assert on.loop().inEventLoop() && server == null;
    upstream = to;
    CompletableFuture<InetSocketAddress> opened = new CompletableFuture<>();
    ChannelFuture bound =
        new ServerBootstrap()
            .group(on.loop())
            .channel(on.serverChannel())
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            // Pieces that a slicer makes stay pieces.
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept(channel);
                  }
                })
            .bind(listen);
    server = bound.channel();
    bound.addListener(
        _ -> {
          if (bound.isSuccess()) {
            opened.complete((InetSocketAddress) bound.channel().localAddress());
          } else {
            server = null;
            opened.completeExceptionally(bound.cause());
          }
        });
    return opened;
  }

  /** Stops listening and closes all connections. */
  public CompletableFuture<Void> close() {
    assert on.loop().inEventLoop();
    CompletableFuture<Void> closed = new CompletableFuture<>();
    Channel listening = server;
    server = null;
    if (listening == null) {
      closed.complete(null);
    } else {
      // The JDK's selectors let go of a port with their next round only.
      listening
          .close()
          .addListener(
              _ -> on.loop().schedule(() -> closed.complete(null), 1, TimeUnit.MILLISECONDS));
    }
    List.copyOf(connections).forEach(RelayedConnection::abort);
    return closed;
  }

  /** Whether it listens. */
  public boolean isOpen() {
    return server != null;
  }

  /**
   * Adds a toxic behind the others, or gives the one of that name other settings in its place; its
   * direction stays. Connections that are open meet it at once and roll for it anew.
   */
  public void put(PlacedToxic toxic) {
    assert on.loop().inEventLoop();
    PlacedToxic before = toxics.put(toxic.name(), toxic);
    if (before != null && before.direction() != toxic.direction()) {
      toxics.put(toxic.name(), before);
      throw new IllegalArgumentException(
          "the toxic " + toxic.name() + " stays where it is, at the way " + before.direction());
    }
    // A toxic may end a connection, which then leaves the set.
    for (RelayedConnection connection : List.copyOf(connections)) {
      connection.put(toxic, before != null);
    }
  }

  /** Removes a toxic; a name that is not there is ignored. */
  public void remove(String name) {
    assert on.loop().inEventLoop();
    if (toxics.remove(name) != null) {
      for (RelayedConnection connection : List.copyOf(connections)) {
        connection.remove(name);
      }
    }
  }

  /** Removes all toxics. */
  public void removeAll() {
    new ArrayList<>(toxics.keySet()).forEach(this::remove);
  }

  /** In the order in which they came. */
  Collection<PlacedToxic> toxics() {
    return toxics.values();
  }

  /** Connections that are open. */
  public int active() {
    assert on.loop().inEventLoop();
    return connections.size();
  }

  /**
   * Bytes that came in, over all connections so far.
   *
   * @param way one of the two directions
   */
  public long received(Direction way) {
    return count(way).received;
  }

  /**
   * Bytes that were handed on, over all connections so far.
   *
   * @param way one of the two directions
   */
  public long sent(Direction way) {
    return count(way).sent;
  }

  void countReceived(Direction way, int bytes) {
    count(way).received += bytes;
  }

  void countSent(Direction way, int bytes) {
    count(way).sent += bytes;
  }

  private Count count(Direction way) {
    Count count = counts.get(way);
    if (count == null) {
      throw new IllegalArgumentException("bytes are counted by way, not for " + way);
    }
    return count;
  }

  RelayLoop on() {
    return on;
  }

  private void accept(Channel client) {
    if (server == null || connections.size() >= MOST_CONNECTIONS) {
      client.close();
      return;
    }
    RelayedConnection connection = new RelayedConnection(this, client);
    connections.add(connection);
    client.closeFuture().addListener(_ -> connections.remove(connection));
    // The client's handler is in place before its first byte: nothing is read until both are there.
    client.pipeline().addLast(connection.clientHandler());
    resolve(upstream)
        .whenCompleteAsync(
            (address, failure) -> {
              if (failure != null || !client.isActive()) {
                client.close();
              } else {
                connect(connection, client, address);
              }
            },
            on.loop());
  }

  private void connect(RelayedConnection connection, Channel client, InetSocketAddress address) {
    ChannelFuture connected =
        new Bootstrap()
            .group(on.loop())
            .channel(on.socketChannel())
            .option(ChannelOption.AUTO_READ, false)
            .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .option(ChannelOption.TCP_NODELAY, true)
            .handler(connection.serverHandler())
            .connect(address);
    connected.addListener(
        _ -> {
          if (!connected.isSuccess()) {
            client.close();
          } else {
            connection.open(connected.channel());
          }
        });
  }

  private CompletableFuture<InetSocketAddress> resolve(InetSocketAddress address) {
    return address.isUnresolved()
        ? CompletableFuture.supplyAsync(() -> look(address), on.lookups())
        : CompletableFuture.completedFuture(address);
  }

  /**
   * Looks a name up, and waits for it. Version 4 goes before version 6.
   *
   * @throws UncheckedIOException if there is no such name
   */
  public static InetSocketAddress look(InetSocketAddress unresolved) {
    try {
      InetAddress[] found = InetAddress.getAllByName(unresolved.getHostString());
      InetAddress chosen = found[0];
      for (InetAddress one : found) {
        if (one instanceof Inet4Address) {
          chosen = one;
          break;
        }
      }
      return new InetSocketAddress(chosen, unresolved.getPort());
    } catch (UnknownHostException e) {
      throw new UncheckedIOException(e);
    }
  }
}
