package dev.outrigger.junit;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.relay.PlacedToxic;
import dev.outrigger.fault.relay.RelayLoop;
import dev.outrigger.fault.relay.ToxicRelay;
import dev.outrigger.fault.toxic.Toxic;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A port of the loopback interface that leads to one server. All methods return when every
 * connection, old or new, meets what was asked for. May be used from any thread.
 */
public final class ToxicProxy {
  private final RelayLoop on;
  private final ToxicRelay relay;
  private final InetSocketAddress target;
  private final InetSocketAddress address;
  private final AtomicLong names = new AtomicLong();

  ToxicProxy(RelayLoop on, InetSocketAddress target) {
    this.on = on;
    this.target = target;
    this.relay = new ToxicRelay(on);
    this.address = open(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  private InetSocketAddress open(InetSocketAddress listen) {
    return ToxicProxies.await(on, () -> relay.open(listen, target));
  }

  /** Where it listens: give this to what is tested, in place of the server's address. */
  public InetSocketAddress address() {
    return address;
  }

  /** The host of {@link #address}. */
  public String host() {
    return address.getAddress().getHostAddress();
  }

  /** The port of {@link #address}; it stays when the proxy is disabled and enabled. */
  public int port() {
    return address.getPort();
  }

  /** Toxics on bytes from the client to the server. */
  public Toxics upstream() {
    return new Toxics(this, Direction.UPSTREAM, 1);
  }

  /** Toxics on bytes from the server to the client. */
  public Toxics downstream() {
    return new Toxics(this, Direction.DOWNSTREAM, 1);
  }

  /** Toxics on bytes both ways. */
  public Toxics bothWays() {
    return new Toxics(this, Direction.BOTH, 1);
  }

  /** Refuses connections, and closes those that are open: the server is down. */
  public void disable() {
    ToxicProxies.await(on, relay::close);
  }

  /** Takes connections again, at the same port; does nothing where it does. */
  public void enable() {
    ToxicProxies.await(
        on,
        () ->
            relay.isOpen()
                ? CompletableFuture.completedFuture(address)
                : relay.open(address, target));
  }

  /** Connections that are open. */
  public int connections() {
    return ToxicProxies.await(on, () -> CompletableFuture.completedFuture(relay.active()));
  }

  /** Removes all toxics, and enables it. */
  public void reset() {
    run(relay::removeAll);
    enable();
  }

  ActiveToxic add(Direction direction, Toxic toxic, double share) {
    String name = "toxic-" + names.incrementAndGet();
    run(() -> relay.put(new PlacedToxic(name, direction, toxic, share)));
    return new ActiveToxic(this, name);
  }

  void remove(String name) {
    run(() -> relay.remove(name));
  }

  private void run(Runnable task) {
    ToxicProxies.<@Nullable Void>await(
        on,
        () -> {
          task.run();
          return CompletableFuture.completedFuture(null);
        });
  }
}
