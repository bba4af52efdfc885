package dev.outrigger.proxy.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** An origin that sees and sends the very bytes. */
@SuppressWarnings("JdkObsolete") // written by one thread, read by another
public final class Origin implements AutoCloseable {
  private final ServerSocket server;

  /** All that came, by connection. */
  public final List<StringBuffer> seen = new CopyOnWriteArrayList<>();

  public final AtomicInteger connections = new AtomicInteger();

  /** What is done with one connection. */
  public interface Script {
    void run(Peer peer, int connection) throws IOException;
  }

  /** One end of a connection. */
  public static final class Peer {
    public final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final StringBuffer seen;

    public Peer(Socket socket, StringBuffer seen) throws IOException {
      this.socket = socket;
      this.in = socket.getInputStream();
      this.out = socket.getOutputStream();
      this.seen = seen;
    }

    /** The next head with its empty line; empty at the end. */
    public String head() throws IOException {
      StringBuilder head = new StringBuilder();
      while (!head.toString().endsWith("\r\n\r\n")) {
        int b = in.read();
        if (b < 0) {
          return head.toString();
        }
        head.append((char) b);
        seen.append((char) b);
      }
      return head.toString();
    }

    public String bytes(int count) throws IOException {
      byte[] bytes = in.readNBytes(count);
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      seen.append(text);
      return text;
    }

    public String all() throws IOException {
      String text = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
      seen.append(text);
      return text;
    }

    public Peer send(String text) throws IOException {
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      return this;
    }

    public void send(byte[] bytes) throws IOException {
      out.write(bytes);
      out.flush();
    }

    public int read(byte[] into) throws IOException {
      return in.read(into);
    }
  }

  public Origin(Script script) throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual()
        .start(
            () -> {
              while (true) {
                try {
                  Socket socket = server.accept();
                  int number = connections.incrementAndGet();
                  StringBuffer bytes = new StringBuffer();
                  seen.add(bytes);
                  Thread.ofVirtual().start(() -> serve(script, socket, bytes, number));
                } catch (IOException e) {
                  return;
                }
              }
            });
  }

  private static void serve(Script script, Socket socket, StringBuffer bytes, int number) {
    try (socket) {
      script.run(new Peer(socket, bytes), number);
    } catch (IOException e) {
      // The proxy closed it.
    }
  }

  public int port() {
    return server.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
