package dev.outrigger.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The process itself under signals, with an exchange under way that never ends. */
class SignalsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path folder;
  private final ServerSocket silent = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
  private Process process;
  private Path said;

  SignalsTest() throws IOException {}

  @AfterEach
  void stop() throws Exception {
    process.destroyForcibly().waitFor();
    silent.close();
  }

  private int start(String drainTime) throws IOException {
    said = folder.resolve("said");
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.outrigger.proxy.Outrigger",
                "--listen=127.0.0.1:0",
                "--to=127.0.0.1:" + silent.getLocalPort(),
                "--concurrency=1",
                "--drain-time=" + drainTime)
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    return Integer.parseInt(await("listener on 127\\.0\\.0\\.1:([0-9]+)").group(1));
  }

  private Matcher await(String wanted) {
    Pattern pattern = Pattern.compile(wanted);
    return Awaitility.await(wanted)
        .atMost(PATIENCE)
        .failFast("it ended", () -> !process.isAlive())
        .until(() -> pattern.matcher(Files.readString(said)), Matcher::find);
  }

  /** A request that the application has and does not answer. */
  private Socket ask(int port) throws IOException {
    Socket client = new Socket(InetAddress.getLoopbackAddress(), port);
    client
        .getOutputStream()
        .write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    Socket unused = silent.accept();
    assertThat(unused.getInputStream().read()).isEqualTo('G');
    return client;
  }

  private void signal(String name) throws Exception {
    assertThat(
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor())
        .isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT"})
  void aSecondSignalEndsADrainAtOnce(String name) throws Exception {
    try (Socket client = ask(start("600s"))) {
      assertThat(client.isConnected()).isTrue();
      signal(name);
      await("draining for at most 600 s");
      assertThat(process.isAlive()).isTrue();
      signal(name);
      assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(name.equals("TERM") ? 128 + 15 : 128 + 2);
      assertThat(Files.readString(said)).contains("ended before everything had drained");
    }
  }

  @Test
  void oneSignalEndsItInOrderWhenNothingIsUnderWay() throws Exception {
    assertThat(start("600s")).isPositive();
    signal("TERM");
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    assertThat(List.of(Files.readString(said))).noneMatch(text -> text.contains("ended before"));
  }
}
