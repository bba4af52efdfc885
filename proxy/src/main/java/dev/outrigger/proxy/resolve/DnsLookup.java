package dev.outrigger.proxy.resolve;

import io.netty.channel.EventLoop;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.resolver.dns.DnsCache;
import io.netty.resolver.dns.DnsCacheEntry;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsServerAddressStreamProvider;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * DNS over UDP, over TCP where an answer was cut off, after the hosts file. Servers and search
 * domains are the system's unless others are given. Confined to its event loop.
 */
public final class DnsLookup implements NameLookup {
  private static final int QUERY_TIMEOUT_MILLIS = 2_000;

  private final DnsNameResolver resolver;
  private final TtlListener ttls = new TtlListener();

  /**
   * @param loop the config loop's
   * @param servers null asks those of {@code /etc/resolv.conf}
   */
  public DnsLookup(
      EventLoop loop,
      Class<? extends DatagramChannel> datagrams,
      Class<? extends SocketChannel> streams,
      @Nullable DnsServerAddressStreamProvider servers) {
    DnsNameResolverBuilder builder =
        new DnsNameResolverBuilder(loop)
            .datagramChannelType(datagrams)
            .socketChannelType(streams)
            .resolveCache(ttls)
            .queryTimeoutMillis(QUERY_TIMEOUT_MILLIS)
            .resolvedAddressTypes(ResolvedAddressTypes.IPV4_PREFERRED)
            .completeOncePreferredResolved(false);
    if (servers != null) {
      builder.nameServerProvider(servers);
    }
    resolver = builder.build();
  }

  @Override
  public void lookUp(String name, Consumer<Answer> done) {
    ttls.forget(name);
    resolver
        .resolveAll(name)
        .addListener(
            future -> {
              if (future.isSuccess()) {
                @SuppressWarnings("unchecked") // what resolveAll promises
                List<InetAddress> addresses = (List<InetAddress>) future.getNow();
                done.accept(new Answer.Found(new ResolvedName(addresses, ttls.of(name))));
              } else {
                Throwable cause = future.cause();
                String message = cause.getMessage();
                done.accept(
                    new Answer.Failed(message == null ? cause.getClass().getName() : message));
              }
            });
  }

  /** Gives its sockets back. */
  public void close() {
    resolver.close();
  }

  /**
   * Hears the times to live. Netty tells them to nobody but its cache; this one keeps no address,
   * for the one cache of names is {@link NameCache}.
   */
  private static final class TtlListener implements DnsCache {
    private final Map<String, Long> seconds = new HashMap<>();

    void forget(String name) {
      seconds.remove(key(name));
    }

    Duration of(String name) {
      Long heard = seconds.remove(key(name));
      return heard == null ? ResolvedName.UNKNOWN_TTL : Duration.ofSeconds(heard);
    }

    private static String key(String name) {
      String lower = name.toLowerCase(Locale.ROOT);
      return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    @Override
    public DnsCacheEntry cache(
        String name, DnsRecord[] additionals, InetAddress address, long ttl, EventLoop loop) {
      // Search domains make names that nobody forgets; a bound, as names come from outside.
      if (seconds.size() > 10_000) {
        seconds.clear();
      }
      seconds.merge(key(name), ttl, Math::min);
      return new Entry(address, null);
    }

    @Override
    public DnsCacheEntry cache(
        String name, DnsRecord[] additionals, Throwable cause, EventLoop loop) {
      return new Entry(null, cause);
    }

    @Override
    @SuppressWarnings("NullAway") // Netty's interface, not annotated: null is "not cached"
    public List<? extends DnsCacheEntry> get(String name, DnsRecord[] additionals) {
      return null;
    }

    @Override
    public void clear() {
      seconds.clear();
    }

    @Override
    public boolean clear(String name) {
      return seconds.remove(key(name)) != null;
    }
  }

  @SuppressWarnings("NullAway") // Netty's interface, not annotated: one of the two is null
  private record Entry(@Nullable InetAddress address, @Nullable Throwable cause)
      implements DnsCacheEntry {}
}
