package dev.outrigger.e2e.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A network between two processes that can be cut: nothing is closed, nothing comes through, and
 * what was sent meanwhile comes late when it is mended, as TCP sends it again.
 */
public final class Wire implements AutoCloseable {
  private final ServerSocket server;
  private final int to;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition mended = lock.newCondition();
  private boolean cut;

  /** One to a port of loopback. */
  public Wire(int to) throws IOException {
    this.to = to;
    server = new ServerSocket(0, 256, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  /** Its near end. */
  public int port() {
    return server.getLocalPort();
  }

  public void cut() {
    change(true);
  }

  public void mend() {
    change(false);
  }

  private void change(boolean next) {
    lock.lock();
    try {
      cut = next;
      mended.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void pass() {
    lock.lock();
    try {
      while (cut) {
        mended.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket near = server.accept();
        open.add(near);
        Thread.ofVirtual().start(() -> join(near));
      } catch (IOException e) {
        // Closed.
      }
    }
  }

  private void join(Socket near) {
    pass();
    try (near;
        Socket far = new Socket(InetAddress.getLoopbackAddress(), to)) {
      near.setTcpNoDelay(true);
      far.setTcpNoDelay(true);
      open.add(far);
      Thread back = Thread.ofVirtual().start(() -> pump(far, near));
      pump(near, far);
      back.join();
      open.remove(far);
    } catch (IOException e) {
      // Nobody there: the near end is closed, which says so.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(near);
    }
  }

  private void pump(Socket from, Socket into) {
    byte[] buffer = new byte[16 * 1024];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = into.getOutputStream();
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        pass();
        out.write(buffer, 0, read);
      }
      pass();
      into.shutdownOutput();
    } catch (IOException e) {
      pass();
      try {
        into.close();
        from.close();
      } catch (IOException closed) {
        // It is over either way.
      }
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    mend();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
