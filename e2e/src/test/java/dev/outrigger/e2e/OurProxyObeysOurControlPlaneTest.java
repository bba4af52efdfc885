package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.controlplane.ControlPlane;
import dev.outrigger.controlplane.ControlPlaneOptions;
import dev.outrigger.proxy.bootstrap.BootstrapLoader;
import dev.outrigger.proxy.bootstrap.ControlPlaneTarget;
import dev.outrigger.proxy.bootstrap.Discovery;
import dev.outrigger.proxy.bootstrap.LoadedBootstrap;
import dev.outrigger.proxy.bootstrap.ProxyOptions;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.identity.CertificateClient;
import dev.outrigger.proxy.worker.ConfigLoop;
import dev.outrigger.proxy.worker.Transport;
import dev.outrigger.proxy.xds.AdsClient;
import dev.outrigger.proxy.xds.AdsSettings;
import dev.outrigger.proxy.xds.AdsStreams;
import dev.outrigger.proxy.xds.FaultSink;
import dev.outrigger.proxy.xds.IdentitySecrets;
import dev.outrigger.proxy.xds.ResourceCache;
import dev.outrigger.proxy.xds.decode.ClusterDecoder;
import dev.outrigger.proxy.xds.decode.EndpointDecoder;
import dev.outrigger.proxy.xds.decode.ListenerDecoder;
import dev.outrigger.proxy.xds.decode.RouteDecoder;
import dev.outrigger.proxy.xds.decode.SecretDecoder;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A proxy joins by token, gets its identity, and accepts all that it is sent over mutual TLS. */
class OurProxyObeysOurControlPlaneTest {
  private static final String CALLER = "spiffe://cluster.local/ns/shop/sa/default";

  @TempDir private Path folder;

  private static String call(ControlPlane plane, String path, @Nullable String body)
      throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + plane.ports().api() + path));
      if (body != null) {
        request.POST(HttpRequest.BodyPublishers.ofString(body));
      }
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
    }
  }

  private static String mesh(int endpoints) {
    StringBuilder mesh =
        new StringBuilder(
            """
            apiVersion: v1
            kind: Service
            metadata: {name: web, namespace: shop}
            spec:
              selector: {app: web}
              ports:
                - {name: http, port: 80, targetPort: http, appProtocol: http}
                - {name: db, port: 5432, targetPort: db, appProtocol: tcp}
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: Workload
            metadata: {name: caller, namespace: shop, labels: {app: caller}}
            spec:
              address: 127.0.0.1
              ports:
                - {name: http, port: 18080, appPort: 18081}
              sidecar:
                mode: explicit
                outbound: 127.0.0.1:18082
            ---
            apiVersion: chaos.outrigger.dev/v1alpha1
            kind: Experiment
            metadata: {name: slow, namespace: shop}
            spec:
              hypothesis: nobody notices
              owner: somebody
              duration: 10m
              lease: 1s
              faults:
                - name: late
                  where: request
                  percentage: 20%
                  delay: {fixed: 300ms}
            """);
    for (int i = 1; i <= endpoints; i++) {
      mesh.append(
          """
          ---
          apiVersion: mesh.outrigger.dev/v1alpha1
          kind: Workload
          metadata: {name: web-%d, namespace: shop, labels: {app: web}}
          spec:
            address: 127.0.0.%d
            ports:
              - {name: http, port: 8080}
              - {name: db, port: 5432}
          """
              .formatted(i, i + 1));
    }
    return mesh.toString();
  }

  @ParameterizedTest
  @EnumSource
  void joinsAndIsConfigured(AdsSettings.Variant variant) throws Exception {
    Path files = Files.createDirectory(folder.resolve("mesh"));
    Files.writeString(files.resolve("mesh.yaml"), mesh(1));
    BlockingQueue<RuntimeConfig> published = new LinkedBlockingQueue<>();
    BlockingQueue<String> faults = new LinkedBlockingQueue<>();
    ConfigLoop loop = ConfigLoop.start(Transport.best().transport());
    ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
    InstantSource clock = InstantSource.system();
    try (ControlPlane plane =
        ControlPlane.start(
            ControlPlaneOptions.onFreePorts(files, folder.resolve("state")),
            clock,
            new SecureRandom())) {
      Path root = folder.resolve("root.pem");
      Files.writeString(root, call(plane, "/api/v1/root", null));
      String token =
          JsonParser.parseString(
                  call(plane, "/api/v1/tokens", "{\"uses\": 2, \"identity\": \"" + CALLER + "\"}"))
              .getAsJsonObject()
              .get("token")
              .getAsString();
      LoadedBootstrap bootstrap =
          BootstrapLoader.load(
              ProxyOptions.parse(
                  List.of(
                      "--mesh",
                      "127.0.0.1:" + plane.ports().xdsTls(),
                      "--join-token",
                      token,
                      "--root-ca",
                      root.toString(),
                      "--workload",
                      "caller",
                      "--namespace",
                      "shop"),
                  Map.of()));
      AdsSettings usual = Objects.requireNonNull(Discovery.settings(bootstrap, "test"));
      assertThat(usual.faults()).isTrue();
      IdentitySecrets secrets = new IdentitySecrets();
      try (AdsStreams streams =
              new AdsStreams(
                  new ControlPlaneTarget(
                      Objects.requireNonNull(bootstrap.config().dynamic().ads()),
                      bootstrap.config().secrets(),
                      secrets,
                      clock),
                  loop,
                  Transport.best().transport());
          CertificateClient certificates =
              CertificateClient.of(
                  new CertificateClient.Authority(
                      "127.0.0.1",
                      plane.ports().xdsTls(),
                      null,
                      new TrustBundle(dev.outrigger.tls.Pem.certificates(Files.readString(root))),
                      new PeerRule.MeshMember(
                          Set.of("cluster.local"),
                          Set.of(SpiffeId.ofControlPlane("cluster.local"))),
                      () -> token,
                      Duration.ZERO),
                  scheduler,
                  clock,
                  new SecureRandom())) {
        AdsClient client =
            new AdsClient(
                new AdsClient.Parts(
                    loop,
                    streams,
                    List.of(
                        new ListenerDecoder(),
                        new RouteDecoder(),
                        new ClusterDecoder(),
                        new EndpointDecoder(),
                        new SecretDecoder()),
                    DecodeContext::strict,
                    new Recorder(faults),
                    new ResourceCache(folder.resolve("proxy"), usual.node().getId()),
                    Runnable::run,
                    new Random(1)),
                new AdsSettings(usual.node(), variant, true, true, true, usual.fetchTimeout()),
                Discovery.statics(bootstrap),
                published::add);
        client.useLocalSecrets(secrets);
        client.start();
        // Its thread is the scheduler's, which the client of the authority is confined to.
        scheduler.execute(() -> certificates.start(secrets));
        RuntimeConfig first = published.poll(20, TimeUnit.SECONDS);
        assertThat(first).as(() -> client.status().join() + "\n" + status(plane)).isNotNull();
        assertThat(first.listeners()).isNotEmpty();
        assertThat(first.clusters()).isNotEmpty();
        Awaitility.await()
            .atMost(Duration.ofSeconds(10))
            .untilAsserted(
                () ->
                    assertThat(status(plane))
                        .contains("\"node\":\"caller.shop\"")
                        .contains("\"identity\":\"" + CALLER)
                        .contains("\"Listener\":{\"state\":\"ACKED\"")
                        .doesNotContain("NACKED")
                        .doesNotContain("PENDING"));
        Files.writeString(files.resolve("mesh.yaml"), mesh(3));
        RuntimeConfig second = published.poll(20, TimeUnit.SECONDS);
        assertThat(second).isNotNull().isNotEqualTo(first);
        assertThat(second.toString()).contains("127.0.0.4");

        assertThat(call(plane, "/api/v1/experiments/shop/slow/start", "{\"who\": \"me\"}"))
            .contains("Running");
        assertThat(faults.poll(10, TimeUnit.SECONDS)).startsWith("fault").contains("late");
        assertThat(faults.poll(10, TimeUnit.SECONDS)).startsWith("heartbeat").contains("late");
        call(plane, "/api/v1/halt", "{\"who\": \"me\"}");
        Awaitility.await()
            .atMost(Duration.ofSeconds(10))
            .until(() -> String.valueOf(faults.poll()).startsWith("removed"));
        // A fault comes and goes without any other change.
        assertThat(published).isEmpty();
        client.stop();
      }
    } finally {
      scheduler.shutdownNow();
      loop.stop().awaitUninterruptibly();
    }
  }

  private static String status(ControlPlane plane) {
    try {
      return call(plane, "/api/v1/status", null);
    } catch (Exception e) {
      return e.toString();
    }
  }

  /** What came of faults, in order. */
  private record Recorder(BlockingQueue<String> seen) implements FaultSink {
    @Override
    public void onFault(String name, FaultRule rule, Duration lease) {
      seen.add("fault " + name);
    }

    @Override
    public boolean onHeartbeat(String name, Duration lease) {
      seen.add("heartbeat " + name);
      return true;
    }

    @Override
    public void onRemoved(String name) {
      seen.add("removed " + name);
    }
  }
}
