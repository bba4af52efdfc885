package dev.outrigger.e2e;

import eu.rekawek.toxiproxy.Proxy;
import eu.rekawek.toxiproxy.ToxiproxyClient;
import eu.rekawek.toxiproxy.model.Toxic;
import eu.rekawek.toxiproxy.model.ToxicDirection;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;

/** What a client of a proxied server meets, in words that do not depend on the machine's speed. */
final class ToxiproxyEffects implements AutoCloseable {
  private static final int PATIENCE_MILLIS = 20_000;
  private static final int TRIES = 5;

  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Proxy proxy;
  private final List<String> seen = new ArrayList<>();

  private ToxiproxyEffects(ToxiproxyClient client) throws IOException {
    Thread.ofVirtual().start(this::serve);
    proxy = client.createProxy("effects", "127.0.0.1:0", "localhost:" + server.getLocalPort());
  }

  static List<String> of(ToxiproxyClient client) throws IOException {
    try (ToxiproxyEffects effects = new ToxiproxyEffects(client)) {
      effects.delays();
      effects.rates();
      effects.ends();
      effects.pieces();
      effects.switching();
      return effects.seen;
    }
  }

  private void delays() throws IOException {
    for (ToxicDirection way : ToxicDirection.values()) {
      try (Socket client = connect()) {
        note("without", roundTrip(client) < 100);
        Toxic latency = proxy.toxics().latency("late", way, 200);
        long late = roundTrip(client);
        note(way + " late by 200 ms", late >= 198 && late < 290);
        latency.setToxicity(0);
        note(way + " nobody is hit", roundTrip(client) < 100);
        latency.setToxicity(1);
        note(way + " everybody is", roundTrip(client) >= 198);
        latency.remove();
        note(way + " removed", roundTrip(client) < 100);
      }
    }
    Toxic close = proxy.toxics().slowClose("close", ToxicDirection.DOWNSTREAM, 300);
    long start = System.nanoTime();
    try (Socket client = connect()) {
      client.getOutputStream().write('q'); // the server closes
      note("a byte more before the end", client.getInputStream().read() == 'q');
      note("the end", client.getInputStream().read() == -1);
      note("300 ms later", System.nanoTime() - start >= 298_000_000L);
    }
    close.remove();
  }

  private void rates() throws IOException {
    Toxic rate = proxy.toxics().bandwidth("rate", ToxicDirection.DOWNSTREAM, 50);
    try (Socket client = connect()) {
      long start = System.nanoTime();
      client.getOutputStream().write(new byte[25_000]);
      client.getInputStream().readNBytes(25_000);
      long millis = (System.nanoTime() - start) / 1_000_000;
      note("25 kB at 50 kB/s take half a second", millis >= 400 && millis < 5000);
    }
    rate.remove();
    Toxic none = proxy.toxics().bandwidth("none", ToxicDirection.UPSTREAM, 0);
    try (Socket client = connect()) {
      client.getOutputStream().write('x');
      note("no rate", isQuiet(client));
      none.remove();
      note("removed, the byte comes", client.getInputStream().read() == 'x');
    }
  }

  private void ends() throws IOException {
    Toxic limit = proxy.toxics().limitData("limit", ToxicDirection.DOWNSTREAM, 7);
    try (Socket client = connect()) {
      client.getOutputStream().write(new byte[20]);
      note("limit: " + outcome(client));
    }
    limit.remove();
    Toxic timeout = proxy.toxics().timeout("timeout", ToxicDirection.DOWNSTREAM, 200);
    long start = System.nanoTime();
    try (Socket client = connect()) {
      client.getOutputStream().write(new byte[20]);
      note("timeout: " + outcome(client));
      note("after 200 ms", System.nanoTime() - start >= 198_000_000L);
    }
    timeout.remove();
    Toxic hole = proxy.toxics().timeout("hole", ToxicDirection.UPSTREAM, 0);
    try (Socket client = connect()) {
      client.getOutputStream().write(new byte[20]);
      note("hole", isQuiet(client));
      hole.remove();
      note("removed: " + outcome(client));
    }
    Toxic reset = proxy.toxics().resetPeer("reset", ToxicDirection.DOWNSTREAM, 100);
    try (Socket client = connect()) {
      client.getOutputStream().write(new byte[20]);
      note("reset: " + outcome(client));
    }
    reset.remove();
  }

  private void pieces() throws IOException {
    Toxic slicer = proxy.toxics().slicer("slicer", ToxicDirection.DOWNSTREAM, 16, 20_000);
    try (Socket client = connect()) {
      client.getOutputStream().write(new byte[128]);
      InputStream in = client.getInputStream();
      int reads = 0;
      int all = 0;
      byte[] buffer = new byte[128];
      long start = System.nanoTime();
      while (all < 128) {
        int length = in.read(buffer);
        reads++;
        all += length;
      }
      // Who reads late finds some pieces together.
      note("pieces", reads >= 2 && reads <= 16 && all == 128);
      note("each 20 ms after the one before", System.nanoTime() - start >= 135_000_000L);
    }
    slicer.remove();
  }

  private void switching() throws IOException {
    try (Socket client = connect()) {
      roundTrip(client);
      proxy.disable();
      note("disabled: " + outcome(client));
      try (Socket refused = connect()) {
        note("connected to " + refused.getPort());
      } catch (ConnectException e) {
        note("refused");
      }
    }
    proxy.enable();
    try (Socket client = connect()) {
      note("enabled", roundTrip(client) < 100);
    }
  }

  private void note(String what, boolean holds) {
    note(what + ": " + holds);
  }

  private void note(String what) {
    seen.add(what);
  }

  private Socket connect() throws IOException {
    String listen = proxy.getListen();
    Socket socket =
        new Socket("127.0.0.1", Integer.parseInt(listen.substring(listen.lastIndexOf(':') + 1)));
    socket.setSoTimeout(PATIENCE_MILLIS);
    socket.setTcpNoDelay(true);
    return socket;
  }

  /** The least of some, in milliseconds: what the machine adds is not counted. */
  private static long roundTrip(Socket client) throws IOException {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < TRIES; i++) {
      long start = System.nanoTime();
      client.getOutputStream().write('x');
      if (client.getInputStream().read() != 'x') {
        throw new IOException("not what was sent");
      }
      least = Math.min(least, (System.nanoTime() - start) / 1_000_000);
    }
    return least;
  }

  private static boolean isQuiet(Socket client) throws IOException {
    client.setSoTimeout(300);
    try {
      client.getInputStream().read();
      return false;
    } catch (SocketTimeoutException e) {
      return true;
    } finally {
      client.setSoTimeout(PATIENCE_MILLIS);
    }
  }

  private static String outcome(Socket client) throws IOException {
    int bytes = 0;
    try {
      while (client.getInputStream().read() >= 0) {
        bytes++;
      }
      return bytes + " bytes and the end";
    } catch (SocketException e) {
      return bytes + " bytes and a reset";
    }
  }

  private void serve() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> echo(socket));
      } catch (IOException e) {
        return;
      }
    }
  }

  private static void echo(Socket socket) {
    try (socket;
        InputStream in = socket.getInputStream();
        OutputStream out = socket.getOutputStream()) {
      socket.setTcpNoDelay(true);
      byte[] buffer = new byte[65_536];
      for (int length = in.read(buffer); length > 0; length = in.read(buffer)) {
        out.write(buffer, 0, length);
        if (buffer[0] == 'q') {
          return;
        }
      }
    } catch (IOException e) {
      // What the toxics are for.
    }
  }

  @Override
  public void close() throws IOException {
    proxy.delete();
    server.close();
  }
}
