package dev.outrigger.proxy.worker;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringDatagramChannel;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringIoHandlerConfig;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How a loop talks to the kernel. */
public enum Transport {
  /** Completion queues; needs a kernel and a seccomp profile that allow {@code io_uring_setup}. */
  IO_URING(IoUringSocketChannel.class, IoUringServerSocketChannel.class) {
    @Override
    IoHandlerFactory newHandlerFactory(Function<ThreadAwareExecutor, Pulse> pulses) {
      return GatheringHandler.around(
          IoUringIoHandler.newFactory(new IoUringIoHandlerConfig().setRingSize(RING_ENTRIES)),
          pulses);
    }

    @Override
    @Nullable Throwable unavailability() {
      return IoUring.isAvailable() ? null : IoUring.unavailabilityCause();
    }

    @Override
    public Class<? extends DatagramChannel> datagramChannel() {
      return IoUringDatagramChannel.class;
    }
  },
  /** Readiness by {@code epoll}; every Linux has it. */
  EPOLL(EpollSocketChannel.class, EpollServerSocketChannel.class) {
    @Override
    IoHandlerFactory newHandlerFactory(Function<ThreadAwareExecutor, Pulse> pulses) {
      return EpollHandler.newFactory();
    }

    @Override
    @Nullable Throwable unavailability() {
      return Epoll.isAvailable() ? null : Epoll.unavailabilityCause();
    }

    @Override
    public Class<? extends DatagramChannel> datagramChannel() {
      return EpollDatagramChannel.class;
    }
  },
  /** The JDK's selectors: works everywhere, but cannot read an original destination. */
  NIO(NioSocketChannel.class, NioServerSocketChannel.class) {
    @Override
    IoHandlerFactory newHandlerFactory(Function<ThreadAwareExecutor, Pulse> pulses) {
      return NioIoHandler.newFactory();
    }

    @Override
    @Nullable Throwable unavailability() {
      return null;
    }

    @Override
    public Class<? extends DatagramChannel> datagramChannel() {
      return NioDatagramChannel.class;
    }
  };

  private static final int RING_ENTRIES = 256;

  private final Class<? extends SocketChannel> socketChannel;
  private final Class<? extends ServerChannel> serverChannel;

  Transport(
      Class<? extends SocketChannel> socketChannel, Class<? extends ServerChannel> serverChannel) {
    this.socketChannel = socketChannel;
    this.serverChannel = serverChannel;
  }

  /** Makes what drives one loop that does other things than carrying exchanges. */
  public IoHandlerFactory newHandlerFactory() {
    return newHandlerFactory(_ -> new Pulse());
  }

  /**
   * Makes what drives one loop.
   *
   * @param pulses what tells how much a loop has under way
   */
  abstract IoHandlerFactory newHandlerFactory(Function<ThreadAwareExecutor, Pulse> pulses);

  /** Why it cannot be used here; null when it can. */
  abstract @Nullable Throwable unavailability();

  public abstract Class<? extends DatagramChannel> datagramChannel();

  public Class<? extends SocketChannel> socketChannel() {
    return socketChannel;
  }

  public Class<? extends ServerChannel> serverChannel() {
    return serverChannel;
  }

  /** Whether it can be used on this machine. */
  public boolean available() {
    return unavailability() == null;
  }

  /** Its name for people: {@code io_uring}, {@code epoll} or {@code nio}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The best that this machine allows, and why not a better one. */
  public static Choice best() {
    StringBuilder reason = new StringBuilder();
    for (Transport candidate : values()) {
      Throwable cause = candidate.unavailability();
      if (cause == null) {
        return new Choice(candidate, reason.isEmpty() ? "the kernel allows it" : reason.toString());
      }
      if (!reason.isEmpty()) {
        reason.append("; ");
      }
      reason.append(candidate.label()).append(" is not available: ").append(firstWordOn(cause));
    }
    throw new AssertionError("NIO is always available");
  }

  /**
   * The one that the operator asked for.
   *
   * @param label {@code auto}, {@code io_uring}, {@code epoll} or {@code nio}
   * @throws IllegalArgumentException if there is none of that name, or it cannot be used here; the
   *     message says which can
   */
  public static Choice named(String label) {
    if (label.equals("auto")) {
      return best();
    }
    for (Transport candidate : values()) {
      if (candidate.label().equals(label)) {
        Throwable cause = candidate.unavailability();
        if (cause != null) {
          throw new IllegalArgumentException(
              "transport " + label + " is not available here: " + firstWordOn(cause));
        }
        return new Choice(candidate, "asked for");
      }
    }
    throw new IllegalArgumentException(
        "unknown transport '" + label + "'; known: auto, io_uring, epoll, nio");
  }

  private static String firstWordOn(Throwable cause) {
    Throwable deepest = cause;
    while (deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    String message = deepest.getMessage();
    return message == null
        ? deepest.getClass().getSimpleName()
        : message.lines().findFirst().orElse(message);
  }

  /**
   * A transport with the reason for it.
   *
   * @param reason one phrase for the start-up line
   */
  public record Choice(Transport transport, String reason) {}
}
