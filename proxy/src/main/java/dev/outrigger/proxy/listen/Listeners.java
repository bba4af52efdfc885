package dev.outrigger.proxy.listen;

import dev.outrigger.proxy.config.ListenerConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.worker.BindReason;
import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.Transport;
import dev.outrigger.proxy.worker.Worker;
import dev.outrigger.proxy.worker.Workers;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.uring.IoUringChannelOption;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sockets that connections come in by: for each address every worker has its own, and the
 * kernel spreads connections among them. Confined to the config loop.
 */
public final class Listeners {
  private static final Logger LOG = LoggerFactory.getLogger(Listeners.class);

  /**
   * What the kernel takes of an answer beyond what is on its way. Without it a client that reads
   * nothing makes it take four megabytes: the answers to forty thousand requests.
   */
  private static final int MAX_UNSENT_BYTES = 128 * 1024;

  /** {@code TCP_NOTSENT_LOWAT}, which accepted sockets inherit. */
  private static final IntegerUnixChannelOption UNSENT =
      new IntegerUnixChannelOption("TCP_NOTSENT_LOWAT", 6, 25);

  private final ConfigLoop loop;
  private final Workers workers;
  private final List<WorkerListeners> perWorker;
  private final BiConsumer<String, String> onBindFailure;
  private final Map<Key, Bound> bound = new LinkedHashMap<>();
  private final Map<String, ConnectionGuard> guards = new HashMap<>();

  private record Key(String listener, SocketAddressConfig address) {}

  private static final class Bound {
    private final List<Channel> channels = new ArrayList<>();
    private InetSocketAddress address;
    private boolean closed;

    private Bound(InetSocketAddress address) {
      this.address = address;
    }
  }

  /**
   * @param perWorker in the order of the workers
   * @param onBindFailure told the listener's address and why it cannot be bound
   */
  public Listeners(
      ConfigLoop loop,
      Workers workers,
      List<WorkerListeners> perWorker,
      BiConsumer<String, String> onBindFailure) {
    this.loop = loop;
    this.workers = workers;
    this.perWorker = List.copyOf(perWorker);
    this.onBindFailure = onBindFailure;
  }

  /**
   * Opens what is new and stops accepting on what is gone.
   *
   * @param settled called on the config loop once every new socket is bound or has failed
   */
  public void apply(List<ListenerConfig> wanted, Runnable settled) {
    loop.checkInside();
    Map<Key, ListenerConfig> keys = new LinkedHashMap<>();
    for (ListenerConfig listener : wanted) {
      for (SocketAddressConfig address : listener.addresses()) {
        keys.put(new Key(listener.name(), address), listener);
      }
    }
    for (Iterator<Map.Entry<Key, Bound>> it = bound.entrySet().iterator(); it.hasNext(); ) {
      Map.Entry<Key, Bound> entry = it.next();
      if (!keys.containsKey(entry.getKey())) {
        close(entry.getValue());
        it.remove();
      }
    }
    int[] waiting = {1};
    Runnable one =
        () -> {
          if (--waiting[0] == 0) {
            settled.run();
          }
        };
    keys.forEach(
        (key, listener) -> {
          if (!bound.containsKey(key)) {
            waiting[0]++;
            open(key, listener, one);
          }
        });
    one.run();
  }

  /** Where each listener is bound, by its name; a listener with port 0 shows what it got. */
  public Map<String, List<InetSocketAddress>> addresses() {
    loop.checkInside();
    Map<String, List<InetSocketAddress>> addresses = new LinkedHashMap<>();
    bound.forEach(
        (key, one) ->
            addresses.computeIfAbsent(key.listener(), _ -> new ArrayList<>()).add(one.address));
    return addresses;
  }

  /** Stops accepting, on all listeners or only where the test says so. */
  public void close(java.util.function.Predicate<String> listener) {
    loop.checkInside();
    bound.forEach(
        (key, one) -> {
          if (listener.test(key.listener())) {
            close(one);
          }
        });
    bound.keySet().removeIf(key -> listener.test(key.listener()));
  }

  private static void close(Bound one) {
    one.closed = true;
    one.channels.forEach(Channel::close);
  }

  private void open(Key key, ListenerConfig listener, Runnable settled) {
    InetSocketAddress address = new InetSocketAddress(key.address().host(), key.address().port());
    Bound one = new Bound(address);
    bound.put(key, one);
    bindNext(key, listener, one, 0, settled);
  }

  /** One worker after the other: the first finds a free port where 0 was asked for. */
  private void bindNext(Key key, ListenerConfig listener, Bound one, int index, Runnable settled) {
    if (index == workers.all().size() || one.closed) {
      settled.run();
      return;
    }
    Worker worker = workers.all().get(index);
    WorkerListeners local = perWorker.get(index);
    ConnectionGuard guard = guards.computeIfAbsent(key.listener(), _ -> new ConnectionGuard());
    ChannelFuture binding =
        bootstrap(listener, worker, local, guard, one.address).bind(one.address);
    binding.addListener(
        _ ->
            loop.execute(
                () -> {
                  if (!binding.isSuccess()) {
                    close(one);
                    bound.remove(key);
                    LOG.error(
                        "listener {} cannot bind {}: {}",
                        key.listener(),
                        key.address(),
                        binding.cause().getMessage());
                    onBindFailure.accept(key.address().toString(), BindReason.of(binding.cause()));
                    settled.run();
                    return;
                  }
                  Channel channel = binding.channel();
                  one.channels.add(channel);
                  if (one.closed) {
                    channel.close();
                    settled.run();
                    return;
                  }
                  one.address = (InetSocketAddress) channel.localAddress();
                  worker.loop().execute(() -> local.ownPort(one.address.getPort()));
                  bindNext(key, listener, one, index + 1, settled);
                }));
  }

  private ServerBootstrap bootstrap(
      ListenerConfig listener,
      Worker worker,
      WorkerListeners local,
      ConnectionGuard guard,
      InetSocketAddress address) {
    String name = listener.name();
    Transport transport = workers.transport();
    int buffer = Math.clamp(listener.connectionBufferBytes(), 4 * 1024, 256 * 1024);
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(worker.loop())
            .channel(transport.serverChannel())
            .option(ChannelOption.SO_BACKLOG, listener.backlog())
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_KEEPALIVE, true)
            // An end one way is not the end: the relay passes it on, and HTTP still answers.
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(buffer / 2, buffer))
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept(channel, name, local, guard, address);
                  }
                });
    switch (transport) {
      case IO_URING ->
          bootstrap
              .option(IoUringChannelOption.SO_REUSEPORT, true)
              .option(UNSENT, MAX_UNSENT_BYTES);
      case EPOLL ->
          bootstrap.option(EpollChannelOption.SO_REUSEPORT, true).option(UNSENT, MAX_UNSENT_BYTES);
      case NIO -> bootstrap.option(NioChannelOption.of(StandardSocketOptions.SO_REUSEPORT), true);
    }
    return bootstrap;
  }

  private static void accept(
      Channel channel,
      String name,
      WorkerListeners local,
      ConnectionGuard guard,
      InetSocketAddress address) {
    CompiledListener listener = local.find(name);
    if (listener == null) {
      channel.close();
      return;
    }
    if (!guard.tryEnter(listener.config().maxConnections())) {
      local.telemetry().connectionRefused(name, "connection_limit");
      channel.close();
      return;
    }
    local.telemetry().connectionOpened(name);
    channel
        .closeFuture()
        .addListener(
            _ -> {
              guard.leave();
              local.telemetry().connectionClosed(name);
            });
    channel.pipeline().addLast(new ConnectionSetup(local, listener, address));
  }
}
