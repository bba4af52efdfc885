import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;

/**
 * As much of an API server as the run needs that makes the AOT cache of a control plane in a
 * cluster: lists of a few objects, watches on which each object changes once, and writes that are
 * taken and forgotten. `TrainCluster FOLDER INBOUND APP OUTBOUND` shows FOLDER's leaf.pem and
 * writes a kubeconfig there; the numbers are the ports of the workload.
 */
final class TrainCluster {
  private static final String UPGRADE = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  private static final String PROTOBUF = "application/vnd.kubernetes.protobuf";
  private static final String METADATA =
      """
      "metadata": {"name": "%s", "namespace": "train", "uid": "1", "resourceVersion": "1",
        "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "far"},
        "managedFields": [{"manager": "train", "operation": "Update", "apiVersion": "v1",
          "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
          "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}}}]}
      """;

  /** By group and version: kinds by plural. */
  private static final Map<String, Map<String, String>> KINDS =
      Map.of(
          "/api/v1",
          Map.of("services", "Service", "pods", "Pod", "nodes", "Node", "namespaces", "Namespace",
              "configmaps", "ConfigMap"),
          "/apis/discovery.k8s.io/v1",
          Map.of("endpointslices", "EndpointSlice"),
          "/apis/mesh.outrigger.dev/v1alpha1",
          Map.of(
              "workloads", "Workload",
              "trafficpolicies", "TrafficPolicy",
              "authenticationpolicies", "AuthenticationPolicy",
              "meshconfigs", "MeshConfig"),
          "/apis/chaos.outrigger.dev/v1alpha1",
          Map.of("experiments", "Experiment", "freezes", "Freeze"),
          "/apis/gateway.networking.k8s.io/v1",
          Map.of("httproutes", "HTTPRoute", "grpcroutes", "GRPCRoute"));

  private final Map<String, String> objects = new HashMap<>();

  private TrainCluster(String inbound, String app, String outbound) {
    object("meshconfigs", "mesh", "\"spec\": {\"mtls\": {\"mode\": \"STRICT\"}}");
    object(
        "services",
        "far",
        """
        "spec": {"selector": {"app": "far"}, "clusterIP": "10.96.0.7", "ports": [
          {"name": "http", "port": 80, "targetPort": "http", "appProtocol": "http"}]}
        """);
    object(
        "workloads",
        "far-1",
        """
        "spec": {"address": "127.0.0.1", "serviceAccount": "far",
          "ports": [{"name": "http", "port": %s, "appPort": %s, "appProtocol": "http"}],
          "sidecar": {"mode": "explicit", "outbound": "127.0.0.1:%s"}}
        """
            .formatted(inbound, app, outbound));
    object(
        "pods",
        "other-1",
        """
        "spec": {"nodeName": "train", "serviceAccountName": "other", "containers": [
          {"name": "app", "image": "app", "ports": [{"name": "http", "containerPort": 8080}],
            "env": [{"name": "A", "value": "1"}]}]},
        "status": {"phase": "Running", "podIP": "10.1.0.1", "podIPs": [{"ip": "10.1.0.1"}],
          "conditions": [{"type": "Ready", "status": "True"}]}
        """);
    object(
        "endpointslices",
        "other-1",
        """
        "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": true},
          "targetRef": {"kind": "Pod", "name": "other-1", "namespace": "train"}}]
        """);
    object("namespaces", "train", "\"status\": {\"phase\": \"Active\"}");
    object(
        "httproutes",
        "far",
        """
        "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": "far", "port": 80}],
          "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "backendRefs": [{"name": "far", "port": 80}]}]}
        """);
  }

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    TrainCluster cluster = new TrainCluster(args[1], args[2], args[3]);
    SSLServerSocket server =
        (SSLServerSocket)
            tls(folder)
                .getServerSocketFactory()
                .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Path config = folder.resolve("kubeconfig.part");
    Files.writeString(
        config,
        """
        current-context: train
        clusters:
          - name: train
            cluster: {server: "https://127.0.0.1:%d", certificate-authority: "%s"}
        users: [{name: train, user: {token: train}}]
        contexts: [{name: train, context: {cluster: train, user: train}}]
        """
            .formatted(server.getLocalPort(), folder.resolve("root.pem")));
    Files.move(config, folder.resolve("kubeconfig"));
    while (true) {
      Socket connection = server.accept();
      Thread.startVirtualThread(
          () -> {
            try (connection) {
              cluster.serve(
                  new BufferedInputStream(connection.getInputStream()),
                  new BufferedOutputStream(connection.getOutputStream()));
            } catch (IOException e) {
              // It is gone.
            }
          });
    }
  }

  private static SSLContext tls(Path folder) throws Exception {
    Certificate leaf;
    try (InputStream in = Files.newInputStream(folder.resolve("leaf.pem"))) {
      leaf = CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
    String pem = Files.readString(folder.resolve("leaf.key"));
    byte[] encoded = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("leaf", key, new char[0], new Certificate[] {leaf});
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    return context;
  }

  private void object(String plural, String name, String rest) {
    KINDS.forEach(
        (path, kinds) -> {
          if (kinds.containsKey(plural)) {
            objects.put(
                plural,
                "{\"apiVersion\": \"%s\", \"kind\": \"%s\", %s, %s}"
                    .formatted(
                        version(path), kinds.get(plural), METADATA.formatted(name).strip(), rest));
          }
        });
  }

  private static String version(String path) {
    return path.replaceFirst("/apis?/", "");
  }

  /** One request after another. */
  private void serve(InputStream in, OutputStream out) throws IOException {
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      String[] request = line.split(" ");
      Map<String, String> headers = new LinkedHashMap<>();
      for (String header = line(in); !header.isEmpty(); header = line(in)) {
        String[] parts = header.split(": *", 2);
        headers.put(parts[0].toLowerCase(Locale.ROOT), parts[1]);
      }
      byte[] body = in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
      String path = request[1].replaceFirst("\\?.*", "");
      String plural = path.substring(path.lastIndexOf('/') + 1);
      if (headers.containsKey("sec-websocket-key")) {
        watch(headers.get("sec-websocket-key"), objects.get(plural), out);
        in.skipNBytes(Long.MAX_VALUE);
      }
      answer(
          request[0],
          path,
          plural,
          headers.getOrDefault("accept", ""),
          new String(body, StandardCharsets.UTF_8),
          out);
    }
  }

  private void answer(
      String method, String path, String plural, String accept, String body, OutputStream out)
      throws IOException {
    String group = path.replaceFirst("(/api/[^/]+|/apis/[^/]+/[^/]+).*", "$1");
    String kind = KINDS.getOrDefault(group, Map.of()).get(plural);
    if (!method.equals("GET")) {
      write(method.equals("POST") ? "201 Created" : "200 OK", body, out);
    } else if (path.equals(group) && KINDS.containsKey(group)) {
      StringBuilder kinds = new StringBuilder();
      KINDS
          .get(group)
          .forEach(
              (name, one) ->
                  kinds
                      .append(kinds.isEmpty() ? "" : ",")
                      .append(
                          """
                          {"name": "%s", "singularName": "", "namespaced": true, "kind": "%s",
                            "verbs": ["list"]}
                          """
                              .formatted(name, one)));
      write(
          "200 OK",
          "{\"kind\": \"APIResourceList\", \"apiVersion\": \"v1\", \"groupVersion\": \"%s\", \"resources\": [%s]}"
              .formatted(version(group), kinds),
          out);
    } else if (kind != null && accept.contains(PROTOBUF)) {
      write("200 OK", PROTOBUF, list(kind, version(group)), out);
    } else if (kind != null) {
      write(
          "200 OK",
          "{\"kind\": \"%sList\", \"apiVersion\": \"%s\", \"metadata\": {\"resourceVersion\": \"1\"}, \"items\": [%s]}"
              .formatted(kind, version(group), objects.getOrDefault(plural, "")),
          out);
    } else {
      write(
          "404 Not Found",
          "{\"kind\": \"Status\", \"apiVersion\": \"v1\", \"status\": \"Failure\", \"reason\": \"NotFound\", \"code\": 404}",
          out);
    }
  }

  /** The same objects as in JSON, by the numbers of generated.proto. */
  private static byte[] list(String kind, String version) {
    byte[] metadata = field(1, text(1, "other-1"), text(3, "train"), text(5, "1"), text(6, "1"),
        field(11, text(1, "app"), text(2, "far")), field(17, text(1, "train")));
    byte[] item =
        switch (kind) {
          case "Pod" ->
              field(2, metadata,
                  field(2, field(2, text(1, "app"), field(6, text(1, "http"), number(3, 8080))),
                      text(8, "other"), text(10, "train"), number(11, 0)),
                  field(3, text(1, "Running"), text(6, "10.1.0.1"), field(12, text(1, "10.1.0.1"))));
          case "EndpointSlice" ->
              field(2, field(1, text(1, "other-1"), text(3, "train"), text(6, "1"),
                      field(11, text(1, "kubernetes.io/service-name"), text(2, "far"))),
                  field(2, text(1, "10.1.0.1"), field(2, number(1, 1)),
                      field(4, text(1, "Pod"), text(2, "train"), text(3, "other-1"))),
                  field(3, text(1, "http"), text(2, "TCP"), number(3, 8080)), text(4, "IPv4"));
          default -> new byte[0];
        };
    return joined("k8s\0".getBytes(StandardCharsets.US_ASCII),
        field(1, text(1, version), text(2, kind + "List")),
        field(2, field(1, text(2, "1")), item));
  }

  private static byte[] text(int number, String text) {
    return field(number, text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] number(int number, int value) {
    return joined(varint(number << 3), varint(value));
  }

  /** A message or text. */
  private static byte[] field(int number, byte[]... parts) {
    byte[] value = joined(parts);
    return joined(varint(number << 3 | 2), varint(value.length), value);
  }

  private static byte[] varint(int value) {
    return value < 128
        ? new byte[] {(byte) value}
        : joined(new byte[] {(byte) (value | 128)}, varint(value >>> 7));
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static void write(String status, String body, OutputStream out) throws IOException {
    write(status, "application/json", body.getBytes(StandardCharsets.UTF_8), out);
  }

  private static void write(String status, String type, byte[] bytes, OutputStream out)
      throws IOException {
    String head =
        "HTTP/1.1 %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
            .formatted(status, type, bytes.length);
    out.write(head.getBytes(StandardCharsets.ISO_8859_1));
    out.write(bytes);
    out.flush();
  }

  private static void watch(String key, String object, OutputStream out) throws IOException {
    String accept;
    try {
      accept =
          Base64.getEncoder()
              .encodeToString(
                  MessageDigest.getInstance("SHA-1")
                      .digest((key + UPGRADE).getBytes(StandardCharsets.ISO_8859_1)));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IOException(e);
    }
    String head =
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: "
            + accept
            + "\r\n\r\n";
    out.write(head.getBytes(StandardCharsets.ISO_8859_1));
    if (object != null) {
      byte[] event =
          "{\"type\": \"MODIFIED\", \"object\": %s}"
              .formatted(object.replace("\"resourceVersion\": \"1\"", "\"resourceVersion\": \"2\""))
              .getBytes(StandardCharsets.UTF_8);
      // A whole text message, its length in two bytes.
      out.write(new byte[] {(byte) 0x81, 126, (byte) (event.length >> 8), (byte) event.length});
      out.write(event);
    }
    out.flush();
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }
}
