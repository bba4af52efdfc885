package dev.outrigger.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import eu.rekawek.toxiproxy.Proxy;
import eu.rekawek.toxiproxy.ToxiproxyClient;
import eu.rekawek.toxiproxy.model.ToxicDirection;
import eu.rekawek.toxiproxy.model.toxic.Latency;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Neither Toxiproxy's Java client nor its Go command line nor the clients of proxied servers can
 * tell ours from toxiproxy-server.
 */
class SameAsToxiproxyTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private static Path folder;

  private static Launched theirs;
  private static Launched ours;
  private static int theirPort;
  private static int ourPort;

  @BeforeAll
  static void start() throws Exception {
    String server = Peers.require("toxiproxy-server");
    theirPort = Peers.freePorts(1).getFirst();
    theirs =
        Launched.start(
            folder,
            "toxiproxy",
            List.of(server, "-host", "127.0.0.1", "-port", String.valueOf(theirPort)));
    ours =
        Launched.start(
            folder, "outrigger", Peers.outrigger("proxy", "--toxiproxy-api", "127.0.0.1:0"));
    ourPort =
        Integer.parseInt(
            ours.await(Pattern.compile("API on http://127.0.0.1:(\\d+)"), PATIENCE).group(1));
    theirs.await(Pattern.compile("Starting Toxiproxy HTTP server"), PATIENCE);
  }

  @AfterAll
  static void stop() {
    for (Launched one : new Launched[] {theirs, ours}) {
      if (one != null) {
        one.close();
      }
    }
  }

  @Test
  void eachRequestHasTheSameAnswer() throws Exception {
    List<String> wanted = answers(theirPort);
    assertThat(wanted).hasSizeGreaterThan(60);
    assertThat(answers(ourPort)).isEqualTo(wanted);
  }

  @Test
  void theGoCommandLineSaysTheSame() throws Exception {
    assertThat(commands(ourPort)).isEqualTo(commands(theirPort));
  }

  @Test
  void theJavaClientFindsTheSame() throws Exception {
    assertThat(client(ourPort)).isEqualTo(client(theirPort));
  }

  @Test
  void clientsOfProxiedServersMeetTheSame() throws Exception {
    List<String> wanted = ToxiproxyEffects.of(new ToxiproxyClient("127.0.0.1", theirPort));
    assertThat(wanted).as("what toxiproxy-server does").noneMatch(line -> line.endsWith(": false"));
    assertThat(ToxiproxyEffects.of(new ToxiproxyClient("127.0.0.1", ourPort))).isEqualTo(wanted);
  }

  // The API, request by request.

  private static List<String> answers(int port) throws Exception {
    String requests =
        """
        GET /version
        GET /proxies
        POST /proxies {"name":"a","upstream":"127.0.0.1:1","listen":"127.0.0.1:0"}
        POST /proxies {"name":"a","upstream":"127.0.0.1:1"}
        POST /proxies {"name":"a"}
        POST /proxies {"upstream":"x"}
        POST /proxies
        POST /proxies {
        POST /proxies {"name":5}
        POST /proxies []
        POST /proxies xx
        POST /proxies null
        POST /proxies {"name":"j","upstream":"127.0.0.1:1" x
        POST /proxies {"name":"b","upstream":"127.0.0.1:1","listen":"127.0.0.1:API"}
        POST /proxies {"name":"b","upstream":"127.0.0.1:1","listen":"foo"}
        POST /proxies {"name":"b","upstream":"127.0.0.1:1","listen":"1.2.3.4:44"}
        POST /proxies {"name":"b","upstream":"127.0.0.1:1","listen":"127.0.0.1:99999"}
        POST /proxies {"name":"b","upstream":"127.0.0.1:1","listen":"127.0.0.1:x"}
        POST /proxies {"Name":"b","upstream":"127.0.0.1:1","listen":""}
        POST /proxies {"name":"d","upstream":"127.0.0.1:1","listen":"localhost:0","enabled":false}
        GET /proxies/d
        POST /proxies/d {"enabled":true}
        GET /proxies
        GET /nope
        DELETE /proxies
        PUT /proxies/a
        GET /proxies/zz
        POST /proxies/a/toxics {"type":"latency","attributes":{"latency":10}}
        POST /proxies/a/toxics {"type":"latency","attributes":{"latency":10}}
        POST /proxies/a/toxics {"type":"foo"}
        POST /proxies/a/toxics {"type":"latency","stream":"x"}
        POST /proxies/a/toxics {"type":"latency","name":"q","attributes":{"latency":"x"}}
        POST /proxies/a/toxics {"type":"latency","name":"q","attributes":{"latency":1.5}}
        POST /proxies/a/toxics {"type":"latency","name":"q","toxicity":0.1}
        POST /proxies/a/toxics/q {"toxicity":0.25,"attributes":{"jitter":4}}
        PATCH /proxies/a/toxics/q {"toxicity":0.33,"attributes":{"Jitter":5}}
        POST /proxies/a/toxics/q {"toxicity":"x"}
        POST /proxies/a/toxics {"type":"slicer","name":"<s>","attributes":{"average_size":"x"}}
        POST /proxies/a/toxics {"type":"slicer","name":"<s>","stream":"UPSTREAM","attributes":{"delay":7}}
        POST /proxies/a/toxics {"type":"bandwidth"}
        POST /proxies/a/toxics {"type":"slow_close"}
        POST /proxies/a/toxics {"type":"timeout"}
        POST /proxies/a/toxics {"type":"reset_peer","toxicity":2}
        POST /proxies/a/toxics {"type":"limit_data"}
        POST /proxies/a/toxics
        POST /proxies/a/toxics {"attributes":5,"type":"latency"}
        GET /proxies/a/toxics
        GET /proxies/a
        DELETE /proxies/a/toxics/q
        DELETE /proxies/a/toxics/q
        GET /proxies/a/toxics/q
        GET /proxies/a/toxics/latency_downstream
        PUT /proxies/a/toxics/latency_downstream
        GET /proxies/a/tox
        POST /populate [{"name":"a","upstream":"127.0.0.1:1","listen":"127.0.0.1:0"},{"name":"n","upstream":"127.0.0.1:1","listen":"127.0.0.1:0","enabled":false}]
        POST /populate [{"name":"a"}]
        POST /populate
        POST /populate []
        POST /populate {}
        POST /populate [{"name":"o","upstream":"127.0.0.1:1","listen":"127.0.0.1:0"},{"name":"p","upstream":"127.0.0.1:1","listen":"127.0.0.1:API"}]
        POST /proxies/a {"enabled":false}
        POST /proxies/a {"enabled":true}
        POST /proxies/a {"listen":"foo"}
        POST /proxies/a {"enabled":1}
        POST /proxies/a {"upstream":"127.0.0.1:2"}
        POST /reset
        GET /reset
        GET /proxies
        DELETE /proxies/a
        DELETE /proxies/a
        DELETE /proxies/b
        DELETE /proxies/d
        DELETE /proxies/n
        DELETE /proxies/o
        GET /proxies""";
    List<String> answers = new ArrayList<>();
    try (HttpClient http = HttpClient.newHttpClient()) {
      for (String request : requests.split("\n")) {
        String[] parts = request.split(" ", 3);
        String body = parts.length < 3 ? "" : parts[2].replace("API", String.valueOf(port));
        HttpResponse<String> answer =
            http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + parts[1]))
                    .method(parts[0], HttpRequest.BodyPublishers.ofString(body))
                    .timeout(PATIENCE)
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        answers.add(
            request
                + " -> "
                + answer.statusCode()
                + " "
                + answer.headers().firstValue("content-type").orElse("")
                + " "
                + withoutPorts(answer.body()));
      }
    }
    return answers;
  }

  /** Which ports are free is chance. */
  private static String withoutPorts(String text) {
    return text.replaceAll("(127\\.0\\.0\\.1|\\[::]):[0-9]{4,5}(?![0-9])", "$1:PORT");
  }

  // The command line.

  private static List<String> commands(int port) throws Exception {
    String commands =
        """
        list
        create -l 127.0.0.1:0 -u 127.0.0.1:1 redis
        create -l 127.0.0.1:0 -u 127.0.0.1:1 redis
        create redis
        list
        toxic add -t latency -a latency=100 -a jitter=50 redis
        toxic add -t bandwidth -n slow -a rate=10 --upstream --toxicity 0.5 redis
        toxic add -t latency redis
        toxic add -t unheard redis
        toxic add -t latency nowhere
        inspect redis
        toxic update -n slow -a rate=20 redis
        toxic update -n unheard -a rate=20 redis
        inspect redis
        toxic remove -n slow redis
        toxic remove -n slow redis
        toggle redis
        list
        toggle redis
        inspect redis
        inspect nowhere
        delete redis
        delete redis
        list""";
    List<String> said = new ArrayList<>();
    for (String line : commands.split("\n")) {
      List<String> command = new ArrayList<>();
      command.add(Peers.require("toxiproxy-cli"));
      command.addAll(List.of("--host", "http://127.0.0.1:" + port));
      command.addAll(List.of(line.split(" ")));
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      said.add(line + " -> " + process.exitValue() + "\n" + withoutPorts(out));
    }
    return said;
  }

  // The Java client.

  private static List<String> client(int port) throws Exception {
    ToxiproxyClient client = new ToxiproxyClient("127.0.0.1", port);
    List<String> said = new ArrayList<>();
    said.add(client.version());
    Proxy proxy = client.createProxy("java", "127.0.0.1:0", "127.0.0.1:1");
    said.add(shown(proxy));
    Latency latency = proxy.toxics().latency("late", ToxicDirection.DOWNSTREAM, 100);
    latency.setJitter(7).setLatency(70).setToxicity(0.25f);
    proxy.toxics().bandwidth("rate", ToxicDirection.UPSTREAM, 3).setRate(5);
    proxy.toxics().slicer("slices", ToxicDirection.UPSTREAM, 64, 10).setSizeVariation(3);
    proxy.toxics().slowClose("close", ToxicDirection.DOWNSTREAM, 9).setDelay(8);
    proxy.toxics().timeout("timeout", ToxicDirection.DOWNSTREAM, 9).setTimeout(8);
    proxy.toxics().limitData("limit", ToxicDirection.DOWNSTREAM, 9).setBytes(8);
    proxy.toxics().resetPeer("reset", ToxicDirection.UPSTREAM, 9);
    proxy.toxics().getAll().forEach(toxic -> said.add(toxic.getClass().getName() + toxic));
    Latency read = proxy.toxics().get("late", Latency.class);
    said.add(read.getLatency() + " " + read.getJitter() + " " + read.getToxicity());
    said.add(refusal(() -> proxy.toxics().latency("late", ToxicDirection.UPSTREAM, 1)));
    said.add(refusal(() -> proxy.toxics().get("nothing")));
    said.add(refusal(() -> client.getProxy("nothing")));
    said.add(refusal(() -> client.createProxy("java", "127.0.0.1:0", "127.0.0.1:1")));
    read.remove();
    proxy.disable();
    said.add(shown(client.getProxy("java")));
    proxy.setUpstream("127.0.0.1:2");
    proxy.setListen("127.0.0.1:0");
    proxy.enable();
    said.add(shown(client.getProxy("java")));
    client.reset();
    said.add(proxy.toxics().getAll().size() + " left");
    proxy.delete();
    said.add(client.getProxies().size() + " left");
    return said;
  }

  private static String shown(Proxy proxy) {
    return proxy.getName()
        + " "
        + withoutPorts(proxy.getListen())
        + " "
        + proxy.getUpstream()
        + " "
        + proxy.isEnabled();
  }

  /** Something that the client asks for in vain. */
  private interface Asking {
    void ask() throws IOException;
  }

  private static String refusal(Asking asking) {
    try {
      asking.ask();
      return "granted";
    } catch (IOException e) {
      return withoutPorts(e.getClass().getSimpleName() + ": " + e.getMessage());
    }
  }
}
