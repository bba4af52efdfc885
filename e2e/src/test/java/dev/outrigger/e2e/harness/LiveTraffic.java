package dev.outrigger.e2e.harness;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An application whose connections are open and in use all the time, HTTP with keep-alive and plain
 * TCP. It writes down what each call met and each connection that closed, and opens another.
 */
public final class LiveTraffic implements AutoCloseable {
  private static final int PATIENCE_MILLIS = 20_000;

  private final String host;
  private final int http;
  private final int tcp;
  private final long pauseNanos;
  private final ConcurrentLinkedQueue<Call> calls = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Closed> closes = new ConcurrentLinkedQueue<>();
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong ids = new AtomicLong();
  private final AtomicLongArray underWay;
  private volatile boolean over;

  /** Over which of the two. */
  public enum Kind {
    HTTP,
    TCP
  }

  /**
   * One request, or one echo.
   *
   * @param lane which connection
   * @param sent before its first byte; by {@link System#nanoTime}
   * @param done after its last byte
   * @param fault the experiment that touched it, by its own words; null if it does not say so
   */
  public record Call(
      Kind kind, int lane, long sent, long done, int status, @Nullable String fault) {
    public long millis() {
      return TimeUnit.NANOSECONDS.toMillis(done - sent);
    }
  }

  /** A connection that ended, which the application did not want. */
  public record Closed(Kind kind, long at, String why) {}

  /**
   * Begins.
   *
   * @param host of requests
   * @param http the port for requests on loopback
   * @param tcp a port that leads to an {@link Echo}
   * @param lanes connections of each kind
   */
  public LiveTraffic(String host, int http, int tcp, int lanes, long pauseMillis) {
    this.host = host;
    this.http = http;
    this.tcp = tcp;
    this.pauseNanos = TimeUnit.MILLISECONDS.toNanos(pauseMillis);
    underWay = new AtomicLongArray(2 * lanes);
    for (int i = 0; i < lanes; i++) {
      int lane = i;
      threads.add(Thread.ofPlatform().daemon().start(() -> requests(lane)));
      threads.add(Thread.ofPlatform().daemon().start(() -> echoes(lane)));
    }
  }

  /** Takes what was met since the last time, in the order of its ends. */
  public List<Call> calls() {
    List<Call> taken = new ArrayList<>();
    for (Call call = calls.poll(); call != null; call = calls.poll()) {
      taken.add(call);
    }
    return taken;
  }

  /** For how long the calls that are not answered yet have been under way, the longest of them. */
  public long longestMillis() {
    long now = System.nanoTime();
    long longest = 0;
    for (int i = 0; i < underWay.length(); i++) {
      long began = underWay.get(i);
      longest = Math.max(longest, began == 0 ? 0 : now - began);
    }
    return TimeUnit.NANOSECONDS.toMillis(longest);
  }

  /** Takes what closed since the last time. */
  public List<Closed> closes() {
    List<Closed> taken = new ArrayList<>();
    for (Closed one = closes.poll(); one != null; one = closes.poll()) {
      taken.add(one);
    }
    return taken;
  }

  private void requests(int lane) {
    while (!over) {
      boolean spoken = false;
      try (PlainClient client = new PlainClient(http)) {
        while (!over) {
          long sent = System.nanoTime();
          underWay.set(2 * lane, sent);
          PlainClient.Answer answer =
              client.get(host, "/", "x-request-id: live-" + ids.incrementAndGet());
          underWay.set(2 * lane, 0);
          spoken = true;
          calls.add(
              new Call(
                  Kind.HTTP,
                  lane,
                  sent,
                  System.nanoTime(),
                  answer.status(),
                  answer.header("x-outrigger-fault")));
          if (!answer.keepsAlive()) {
            throw new IOException("the answer " + answer.status() + " says that it closes");
          }
          LockSupport.parkNanos(pauseNanos);
        }
      } catch (IOException e) {
        underWay.set(2 * lane, 0);
        closed(Kind.HTTP, spoken, e);
      }
    }
  }

  private void echoes(int lane) {
    byte[] message = new byte[32];
    while (!over) {
      boolean spoken = false;
      try (Socket socket = new Socket()) {
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), tcp));
        DataInputStream in = new DataInputStream(socket.getInputStream());
        while (!over) {
          long sent = System.nanoTime();
          underWay.set(2 * lane + 1, sent);
          socket.getOutputStream().write(message);
          in.readFully(message);
          underWay.set(2 * lane + 1, 0);
          spoken = true;
          calls.add(new Call(Kind.TCP, lane, sent, System.nanoTime(), 0, null));
          LockSupport.parkNanos(pauseNanos);
        }
      } catch (IOException e) {
        underWay.set(2 * lane + 1, 0);
        closed(Kind.TCP, spoken, e);
      }
    }
  }

  /** One that never was usable is a try, not a connection. */
  private void closed(Kind kind, boolean spoken, IOException why) {
    if (over) {
      return;
    }
    if (spoken) {
      closes.add(new Closed(kind, System.nanoTime(), why.toString()));
    }
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
  }

  @Override
  public void close() {
    over = true;
    threads.forEach(LockSupport::unpark);
  }

  /** A server that says what it hears. */
  public static final class Echo implements AutoCloseable {
    private final ServerSocket server;

    public Echo() throws IOException {
      server = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
      Thread.ofVirtual().start(this::accept);
    }

    public int port() {
      return server.getLocalPort();
    }

    private void accept() {
      while (!server.isClosed()) {
        try {
          Socket socket = server.accept();
          Thread.ofVirtual().start(() -> serve(socket));
        } catch (IOException e) {
          // Closed.
        }
      }
    }

    private static void serve(Socket socket) {
      byte[] buffer = new byte[4096];
      try (socket) {
        socket.setTcpNoDelay(true);
        InputStream in = socket.getInputStream();
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          socket.getOutputStream().write(buffer, 0, read);
        }
      } catch (IOException e) {
        // It went away.
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
