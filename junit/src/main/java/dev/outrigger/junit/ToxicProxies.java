package dev.outrigger.junit;

import dev.outrigger.fault.relay.RelayLoop;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Proxies in the test's own process, between what is tested and the servers that it needs, with
 * toxics that come and go while bytes flow. No other program, no container, no fixed port.
 *
 * <pre>{@code
 * class CartTest {
 *   @RegisterExtension static final ToxicProxies PROXIES = ToxicProxies.create();
 *
 *   static final ToxicProxy REDIS = PROXIES.to("localhost", 6379);
 *   final Cart cart = new Cart(REDIS.host(), REDIS.port());
 *
 *   @Test
 *   void aSlowStoreCostsOneTimeoutAndNoMore() {
 *     REDIS.downstream().latency(Duration.ofSeconds(3));
 *     assertThat(cart.items()).isEmpty(); // within the cart's own timeout
 *   }
 *
 *   @Test
 *   void comesBackWhenTheStoreDoes() {
 *     REDIS.disable();
 *     assertThatThrownBy(cart::items).isInstanceOf(StoreIsGoneException.class);
 *     REDIS.enable();
 *     assertThat(cart.items()).isEmpty();
 *   }
 * }
 * }</pre>
 *
 * <p>After each test all toxics are removed and all proxies enabled again; connections that are
 * open go on, but for those that a toxic has ended. Registered in a static field, the proxies live
 * as long as the class; in an instance field, as long as one test. Without JUnit it is closed by
 * {@link #close}.
 *
 * <p>May be used from any thread. What share of connections a toxic hits is drawn from a seed, so
 * that a run can be repeated.
 */
public final class ToxicProxies
    implements BeforeAllCallback, AfterEachCallback, AfterAllCallback, AutoCloseable {
  private static final long PATIENCE_SECONDS = 10;
  private static final long USUAL_SEED = 42;

  private final long seed;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<ToxicProxy> proxies = new ArrayList<>();
  private @Nullable RelayLoop on;
  private boolean ofClass;

  private ToxicProxies(long seed) {
    this.seed = seed;
  }

  /** None yet; no thread is started before the first proxy. */
  public static ToxicProxies create() {
    return new ToxicProxies(USUAL_SEED);
  }

  /** With a seed of its own for what is left to chance. */
  public static ToxicProxies withSeed(long seed) {
    return new ToxicProxies(seed);
  }

  /**
   * A proxy on a free port of the loopback interface.
   *
   * @param host where it leads; a name is looked up for each connection
   * @param port where it leads
   * @throws IllegalStateException if it cannot listen
   */
  public ToxicProxy to(String host, int port) {
    lock.lock();
    try {
      RelayLoop used = on;
      if (used == null) {
        used = newLoop();
        on = used;
      }
      ToxicProxy proxy = new ToxicProxy(used, InetSocketAddress.createUnresolved(host, port));
      proxies.add(proxy);
      return proxy;
    } finally {
      lock.unlock();
    }
  }

  private RelayLoop newLoop() {
    EventLoop loop =
        new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("outrigger-junit", true), NioIoHandler.newFactory())
            .next();
    return new RelayLoop(
        loop,
        NioServerSocketChannel.class,
        NioSocketChannel.class,
        Executors.newVirtualThreadPerTaskExecutor(),
        new SplittableRandom(seed));
  }

  /** Removes all toxics and enables all proxies: what happens after each test by itself. */
  public void reset() {
    for (ToxicProxy proxy : all()) {
      proxy.reset();
    }
  }

  /** Closes all proxies, their connections and their thread; does nothing the second time. */
  @Override
  public void close() {
    for (ToxicProxy proxy : all()) {
      proxy.disable();
    }
    lock.lock();
    try {
      RelayLoop used = on;
      on = null;
      proxies.clear();
      if (used != null) {
        used.loop().shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2_000);
      }
    } finally {
      lock.unlock();
    }
  }

  private List<ToxicProxy> all() {
    lock.lock();
    try {
      return List.copyOf(proxies);
    } finally {
      lock.unlock();
    }
  }

  /** Only of extensions that are registered for a whole class. */
  @Override
  public void beforeAll(ExtensionContext context) {
    lock.lock();
    try {
      ofClass = true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void afterEach(ExtensionContext context) {
    if (isOfClass()) {
      reset();
    } else {
      close();
    }
  }

  private boolean isOfClass() {
    lock.lock();
    try {
      return ofClass;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void afterAll(ExtensionContext context) {
    close();
  }

  /** Does it on the loop, and waits for what it began there. */
  static <T extends @Nullable Object> T await(RelayLoop on, Callable<CompletableFuture<T>> task) {
    CompletableFuture<T> done = new CompletableFuture<>();
    on.loop()
        .execute(
            () -> {
              try {
                task.call()
                    .whenComplete(
                        (value, failure) -> {
                          if (failure == null) {
                            done.complete(value);
                          } else {
                            done.completeExceptionally(failure);
                          }
                        });
              } catch (Exception e) {
                done.completeExceptionally(e);
              }
            });
    try {
      return done.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IllegalStateException(cause.getMessage(), cause);
    }
  }
}
