package dev.outrigger.controlplane.cluster;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import dev.outrigger.controlplane.inject.Admission;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers admission reviews over HTTPS: {@code /inject} for pods, {@code /advise} for what makes
 * pods. One virtual thread for each request; nothing is kept between them.
 */
public final class WebhookServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(WebhookServer.class);

  /** The API server takes objects of 3 MiB at most, and a review may hold two. */
  private static final int MAX_BODY_BYTES = 7 << 20;

  private final HttpsServer server;
  private final ExecutorService executor;
  private final RotatingKey key;
  private final Admission admission;

  /**
   * Starts listening on all addresses.
   *
   * @param port 0 takes a free one
   * @param identity shown to the API server
   * @throws IOException if the port is taken
   */
  public WebhookServer(int port, WorkloadIdentity identity, Admission admission)
      throws IOException {
    this.admission = admission;
    this.key = new RotatingKey(identity);
    SSLContext tls;
    try {
      tls = SSLContext.getInstance("TLS");
      tls.init(new KeyManager[] {key}, null, null);
    } catch (GeneralSecurityException e) {
      throw new IOException("this JDK has no TLS", e);
    }
    try {
      server = HttpsServer.create(new InetSocketAddress(port), 128);
    } catch (IOException e) {
      throw new IOException("port " + port + " cannot be used: " + e.getMessage(), e);
    }
    server.setHttpsConfigurator(
        new HttpsConfigurator(tls) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters ours = tls.getDefaultSSLParameters();
            ours.setProtocols(new String[] {"TLSv1.3"});
            parameters.setSSLParameters(ours);
          }
        });
    executor =
        Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("outrigger-webhook-", 0).factory());
    server.setExecutor(executor);
    server.createContext("/", this::handle);
    server.start();
  }

  /** New connections are shown this from now on. */
  public void use(WorkloadIdentity identity) {
    key.use(identity);
  }

  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
  }

  private record Answer(int status, String type, String body) {
    static Answer refusal(int status, String why) {
      return new Answer(status, "text/plain; charset=utf-8", why + "\n");
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Answer answer = answer(exchange);
      byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("content-type", answer.type());
      exchange.sendResponseHeaders(answer.status(), body.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    }
  }

  private Answer answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    if (!path.equals("/inject") && !path.equals("/advise")) {
      return Answer.refusal(404, "there is nothing at " + path);
    }
    if (!exchange.getRequestMethod().equals("POST")) {
      return Answer.refusal(405, "an admission review is posted");
    }
    byte[] body;
    try (InputStream in = exchange.getRequestBody()) {
      body = in.readNBytes(MAX_BODY_BYTES + 1);
    }
    if (body.length > MAX_BODY_BYTES) {
      return Answer.refusal(413, "the body is larger than " + MAX_BODY_BYTES + " bytes");
    }
    String text = new String(body, StandardCharsets.UTF_8);
    try {
      JsonObject review = path.equals("/inject") ? admission.inject(text) : admission.advise(text);
      return new Answer(200, "application/json", review.toString());
    } catch (IllegalArgumentException e) {
      return Answer.refusal(400, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      LOG.error("webhook {}", path, e);
      return Answer.refusal(500, "the webhook failed; its log says why");
    }
  }
}
