package dev.outrigger.e2e.kubernetes;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.KubeApi.Said;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Services, each with five slices of two endpoints, and the ten pods that these name, as the
 * injector leaves pods and a kubelet reports them. One of each kind is written through the API, and
 * the others are stored as the API server stored that one.
 */
final class BigCluster implements AutoCloseable {
  static final int SLICES = 5;
  static final int ENDPOINTS = 2;
  private static final int NAMESPACES = 10;
  private static final int AT_ONCE = 32;
  private static final int PORT = 8080;
  private static final String TEMPLATE = "template-namespace";
  private static final String TEMPLATE_ADDRESS = "10.255.255.254";

  private final KubeApi kube;
  private final int services;
  private final HttpClient http;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  BigCluster(KubeApi kube, int services) throws IOException, GeneralSecurityException {
    this.kube = kube;
    this.services = services;
    KeyStore roots = KeyStore.getInstance("PKCS12");
    roots.load(null, null);
    try (InputStream in = Files.newInputStream(kube.certificate())) {
      int number = 0;
      for (var one : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        roots.setCertificateEntry("root-" + number++, one);
      }
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(roots);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, trust.getTrustManagers(), null);
    http = HttpClient.newBuilder().sslContext(tls).build();
  }

  /** Of the services and their pods. */
  static String namespace(int service) {
    return "scale-" + service % NAMESPACES;
  }

  static List<String> namespaces(int services) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < Math.min(services, NAMESPACES); i++) {
      all.add(namespace(i));
    }
    return all;
  }

  static String service(int number) {
    return "service-%04d".formatted(number);
  }

  static String pod(int service, int number) {
    return service(service) + "-pod-" + number;
  }

  /** The resource that holds a service's endpoints. */
  static String endpoints(int service) {
    return "outbound|80|" + service(service) + "." + namespace(service);
  }

  private static String address(int service, int pod) {
    int number = service * SLICES * ENDPOINTS + pod;
    return "10.128." + number / 250 + "." + (number % 250 + 1);
  }

  /** Writes all of it. */
  void create(Path folder) throws Exception {
    all(
        namespaces(services).size(),
        i -> {
          String namespace = namespace(i);
          post(
              "/api/v1/namespaces",
              """
              {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "%s"}}
              """
                  .formatted(namespace));
          post(
              "/api/v1/namespaces/" + namespace + "/serviceaccounts",
              """
              {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
              """);
        });
    all(
        services,
        i ->
            post(
                "/api/v1/namespaces/" + namespace(i) + "/services",
                """
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "%1$s"}, "spec": {
                  "selector": {"app": "%1$s"},
                  "ports": [{"name": "http", "port": 80, "targetPort": %2$d, "appProtocol": "http"}]}}
                """
                    .formatted(service(i), PORT)));
    storePods(folder);
    storeSlices();
  }

  /** One goes through the API server; the others are stored as that one was. */
  private void storePods(Path folder) throws Exception {
    String path = "/api/v1/namespaces/" + TEMPLATE + "/pods";
    post(
        "/api/v1/namespaces",
        """
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "%s"}}
        """
            .formatted(TEMPLATE));
    post(path, podTemplate(folder));
    JsonObject made = patch(path + "/template-pod/status", status(TEMPLATE_ADDRESS));
    delete(path + "/template-pod?gracePeriodSeconds=0");
    String uid = made.getAsJsonObject("metadata").get("uid").getAsString();
    made.getAsJsonObject("metadata").remove("resourceVersion");
    String template = made.toString();
    Map<String, String> stored = new LinkedHashMap<>();
    for (int service = 0; service < services; service++) {
      for (int pod = 0; pod < SLICES * ENDPOINTS; pod++) {
        String name = pod(service, pod);
        stored.put(
            "pods/" + namespace(service) + "/" + name,
            template
                .replace("template-pod", name)
                .replace("template-app", service(service))
                .replace(TEMPLATE, namespace(service))
                .replace(TEMPLATE_ADDRESS, address(service, pod))
                .replace(uid, uid(name)));
      }
    }
    kube.store(stored);
  }

  private void storeSlices() throws IOException, InterruptedException {
    JsonObject template = post(slices(0), slice(0, 0));
    template.getAsJsonObject("metadata").remove("resourceVersion");
    Map<String, String> stored = new LinkedHashMap<>();
    for (int service = 0; service < services; service++) {
      for (int slice = 0; slice < SLICES; slice++) {
        JsonObject one = template.deepCopy();
        String name = slice(service, slice, one);
        if (service + slice > 0) {
          stored.put("endpointslices/" + namespace(service) + "/" + name, one.toString());
        }
      }
    }
    kube.store(stored);
  }

  /** Makes it another; its name. */
  private static String slice(int service, int slice, JsonObject one) {
    JsonObject other = JsonParser.parseString(slice(service, slice)).getAsJsonObject();
    JsonObject metadata = one.getAsJsonObject("metadata");
    String name = other.getAsJsonObject("metadata").get("name").getAsString();
    metadata.addProperty("name", name);
    metadata.addProperty("namespace", namespace(service));
    metadata.addProperty("uid", uid(name));
    metadata.add("labels", other.getAsJsonObject("metadata").get("labels"));
    one.add("endpoints", other.get("endpoints"));
    return name;
  }

  private static String uid(String name) {
    return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
  }

  private static String slices(int service) {
    return "/apis/discovery.k8s.io/v1/namespaces/" + namespace(service) + "/endpointslices";
  }

  private static String slice(int service, int slice) {
    return """
    {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
      "metadata": {"name": "%1$s-%2$d", "labels": {"kubernetes.io/service-name": "%1$s"}},
      "ports": [{"name": "http", "port": %3$d, "protocol": "TCP"}],
      "endpoints": %4$s}
    """
        .formatted(service(service), slice, PORT, endpoints(service, slice, true));
  }

  private static String endpoints(int service, int slice, boolean ready) {
    StringBuilder list = new StringBuilder("[");
    for (int i = 0; i < ENDPOINTS; i++) {
      int pod = slice * ENDPOINTS + i;
      list.append(i == 0 ? "" : ",")
          .append(
              """
              {"addresses": ["%s"], "conditions": {"ready": %s, "serving": %s},
                "nodeName": "node-%d",
                "targetRef": {"kind": "Pod", "name": "%s", "namespace": "%s"}}
              """
                  .formatted(
                      address(service, pod),
                      i == 0 ? ready : true,
                      i == 0 ? ready : true,
                      pod,
                      pod(service, pod),
                      namespace(service)));
    }
    return list.append("]").toString();
  }

  /** Makes the first endpoint of a slice ready or not. */
  void ready(int service, int slice, boolean ready) throws IOException, InterruptedException {
    patch(
        slices(service) + "/" + service(service) + "-" + slice,
        "{\"endpoints\": " + endpoints(service, slice, ready) + "}");
  }

  private static String status(String address) {
    return """
    {"status": {"phase": "Running", "podIP": "%1$s", "podIPs": [{"ip": "%1$s"}],
      "hostIP": "192.168.0.1", "startTime": "2026-01-01T00:00:00Z", "qosClass": "Burstable",
      "conditions": [
        {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "ContainersReady", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
      "containerStatuses": [{"name": "app", "image": "registry.example/app:1", "imageID": "",
        "ready": true, "restartCount": 0, "started": true, "containerID": "containerd://0123456789",
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}}
    """
        .formatted(address);
  }

  /** What the injector makes of a usual pod. */
  private String podTemplate(Path folder) throws Exception {
    Path plain = folder.resolve("pod.yaml");
    Files.writeString(
        plain,
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: template-pod
          namespace: template-namespace
          labels: {app: template-app, pod-template-hash: 5d9c7b8f6d, version: v1}
          annotations: {prometheus.io/scrape: "true"}
        spec:
          serviceAccountName: default
          nodeName: node-1
          containers:
            - name: app
              image: registry.example/app:1
              ports: [{name: http, containerPort: 8080}]
              env:
                - {name: LOG_LEVEL, value: info}
                - {name: DATABASE, value: "postgres://database.example:5432/app"}
              resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
              readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 5}
              livenessProbe: {httpGet: {path: /live, port: 8080}, periodSeconds: 10}
        """);
    Path injected = folder.resolve("injected.yaml");
    Process inject =
        new ProcessBuilder(Peers.outrigger("inject"))
            .redirectInput(plain.toFile())
            .redirectOutput(injected.toFile())
            .redirectError(folder.resolve("inject.err").toFile())
            .start();
    if (inject.waitFor() != 0) {
      throw new AssertionError(Files.readString(folder.resolve("inject.err")));
    }
    Said json =
        kube.kubectl(
            "create",
            "--dry-run=client",
            "--validate=false",
            "-o",
            "json",
            "-f",
            injected.toString());
    if (json.exit() != 0 || !json.out().contains("outrigger-proxy")) {
      throw new AssertionError(json.all());
    }
    return json.out();
  }

  private interface Step {
    void take(int number) throws Exception;
  }

  private void all(int count, Step step) throws Exception {
    Semaphore room = new Semaphore(AT_ONCE);
    List<Future<?>> steps = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int number = i;
      room.acquire();
      steps.add(
          threads.submit(
              () -> {
                try {
                  step.take(number);
                } finally {
                  room.release();
                }
                return null;
              }));
    }
    for (Future<?> one : steps) {
      one.get();
    }
  }

  private JsonObject post(String path, String body) throws IOException, InterruptedException {
    return send(request(path, "application/json").POST(BodyPublishers.ofString(body)).build());
  }

  private JsonObject patch(String path, String body) throws IOException, InterruptedException {
    return send(
        request(path, "application/merge-patch+json")
            .method("PATCH", BodyPublishers.ofString(body))
            .build());
  }

  private void delete(String path) throws IOException, InterruptedException {
    var _ = send(request(path, "application/json").DELETE().build());
  }

  private HttpRequest.Builder request(String path, String type) {
    return HttpRequest.newBuilder(URI.create(kube.uri() + path))
        .header("authorization", "Bearer admin-token")
        .header("content-type", type);
  }

  private JsonObject send(HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
    if (response.statusCode() >= 300) {
      throw new IOException(request.uri() + ": " + response.body());
    }
    return JsonParser.parseString(response.body()).getAsJsonObject();
  }

  @Override
  public void close() {
    threads.close();
    http.close();
  }
}
