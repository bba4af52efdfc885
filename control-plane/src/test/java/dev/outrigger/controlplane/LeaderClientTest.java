package dev.outrigger.controlplane;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.api.chaos.v1.Measurement;
import dev.outrigger.api.replica.v1.Answer;
import dev.outrigger.api.replica.v1.Asked;
import dev.outrigger.controlplane.access.Caller;
import dev.outrigger.controlplane.access.Role;
import dev.outrigger.controlplane.ads.AdsService;
import dev.outrigger.controlplane.api.Answering;
import dev.outrigger.controlplane.api.ApiReply;
import dev.outrigger.controlplane.api.ApiRequest;
import dev.outrigger.controlplane.api.ExperimentRoutes;
import dev.outrigger.controlplane.ca.CertificateAuthority;
import dev.outrigger.controlplane.ca.JoinTokens;
import dev.outrigger.controlplane.ca.StateDisk;
import dev.outrigger.controlplane.chaos.Asker;
import dev.outrigger.controlplane.chaos.ExperimentDocuments;
import dev.outrigger.controlplane.chaos.ExperimentLedger;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.chaos.ExperimentRunner;
import dev.outrigger.controlplane.chaos.HaltOrder;
import dev.outrigger.controlplane.chaos.NetworkProber;
import dev.outrigger.controlplane.chaos.Replicas;
import dev.outrigger.controlplane.chaos.ReportStore;
import dev.outrigger.controlplane.source.Analysis;
import dev.outrigger.tls.SpiffeId;
import io.grpc.Context;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two replicas of one authority, of which the first leads: the second asks it over mutual TLS. */
final class LeaderClientTest {
  private static final String MESH =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: MeshConfig
      metadata: {name: mesh}
      spec: {trustDomain: shop.example}
      ---
      apiVersion: chaos.outrigger.dev/v1alpha1
      kind: Experiment
      metadata: {name: slow, namespace: shop}
      spec:
        hypothesis: h
        owner: o
        duration: 1m
        faults: [{name: f, where: request, abort: {httpStatus: 503}}]
      """;

  private static final String START = "/api/v1/experiments/shop/slow/start";

  @TempDir private Path folder;
  private final InstantSource clock = InstantSource.system();
  private final StateDisk disk = new StateDisk();
  private final List<AutoCloseable> parts = new ArrayList<>();
  private CertificateAuthority authority;
  private LeaderService service;
  private ExperimentRunner leading;
  private ExperimentRunner asked;
  private final One self = new One();
  private LeaderClient client;

  /** What the replica that is asked knows of the others. */
  private static final class One implements Replicas {
    String leader = "";
    boolean leads;

    @Override
    public boolean leads() {
      return leads;
    }

    @Override
    public boolean isLed() {
      return !leader.isEmpty();
    }

    @Override
    public String leader() {
      return leader;
    }

    @Override
    public void keep(List<ExperimentRun> standing) {}

    @Override
    public void keepSoon(List<ExperimentRun> standing) {}

    @Override
    public void order(HaltOrder order) {}

    @Override
    public void measured(Measurement measurement) {}
  }

  private <T extends AutoCloseable> T part(T part) {
    parts.add(part);
    return part;
  }

  private ExperimentRunner runner(String name) throws IOException {
    ExperimentRunner runner =
        new ExperimentRunner(
            clock,
            part(ExperimentLedger.open(folder.resolve(name + ".jsonl"), disk)),
            ExperimentDocuments.open(folder.resolve(name + "-experiments"), disk),
            ReportStore.open(folder.resolve(name + "-reports"), disk),
            part(new NetworkProber(false)));
    Analysis mesh = Analysis.ofText("mesh.yaml", MESH);
    assertThat(mesh.problems()).isEmpty();
    runner.onState(mesh.state());
    return runner;
  }

  @BeforeEach
  void start() throws Exception {
    Duration day = Duration.ofHours(24);
    SecureRandom random = new SecureRandom();
    authority =
        CertificateAuthority.open(
            folder.resolve("ca"),
            "shop.example",
            new CertificateAuthority.Lifetimes(day, day),
            clock,
            random);
    leading = runner("leading");
    asked = runner("asked");
    asked.follow(self);
    asked.onState(Analysis.ofText("mesh.yaml", MESH).state());
    service = new LeaderService(authority::id);
    Server server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .sslContext(new RotatingServerTls(authority, List.of("outrigger-control-plane"), clock))
            .addService(
                ServerInterceptors.intercept(
                    service,
                    new CallerAuthentication(
                        JoinTokens.open(folder.resolve("tokens"), clock, random))))
            .build()
            .start();
    part(() -> server.shutdownNow().awaitTermination());
    self.leader = ReplicaChannel.nameOf("cp-1", "127.0.0.1", server.getPort());
    client = new LeaderClient(authority, clock, self, asked);
  }

  @AfterEach
  void end() throws Exception {
    for (AutoCloseable part : parts.reversed()) {
      part.close();
    }
    assertThat(disk.settle()).isTrue();
  }

  private void serve() {
    service.answerBy(new Answering(new ExperimentRoutes(leading).routes()));
  }

  private @Nullable ApiReply ask(Caller caller) {
    return client.ask(
        "POST",
        START,
        new ApiRequest(List.of("shop", "slow"), "{\"why\": \"game day\"}", "192.0.2.7", caller));
  }

  @Test
  void theLeaderDoesItAndTheReplicaThatWasAskedKnowsOfItAtOnce() {
    serve();
    @Nullable ApiReply reply = ask(new Caller("ann", Role.OPERATOR, Set.of("shop")));
    assertThat(reply).isNotNull();
    assertThat(reply.status()).as(reply.body()).isEqualTo(200);
    for (ExperimentRunner runner : List.of(leading, asked)) {
      assertThat(runner.runs().getFirst())
          .matches(run -> run.phase().text().equals("Running"))
          .matches(run -> run.by().equals(new Asker("ann", "game day", "192.0.2.7")));
    }
    @Nullable ApiReply again = ask(Caller.LOCAL);
    assertThat(again).isNotNull();
    assertThat(again.status()).isEqualTo(409);
    assertThat(again.body()).contains("OR2002");
  }

  @Test
  void whoMayNotAskTheOneMayNotAskTheOther() {
    serve();
    @Nullable ApiReply reply = ask(new Caller("bob", Role.OPERATOR, Set.of("bank")));
    assertThat(reply).isNotNull();
    assertThat(reply.status()).isEqualTo(403);
    assertThat(leading.runs().getFirst().phase().text()).isEqualTo("Pending");
  }

  @Test
  void aLeaderThatDoesNotAnswerIsARefusalAndNothingIsDone() {
    @Nullable ApiReply early = ask(Caller.LOCAL);
    assertThat(early).isNotNull();
    assertThat(early.body()).contains("OR2022", "cp-1", "only begun to start");
    self.leader = ReplicaChannel.nameOf("cp-2", "127.0.0.1", 1);
    @Nullable ApiReply gone = ask(Caller.LOCAL);
    assertThat(gone).isNotNull();
    assertThat(gone.status()).isEqualTo(503);
    assertThat(gone.body()).contains("OR2022", "cp-2", "does not answer");
    assertThat(asked.runs().getFirst().phase().text()).isEqualTo("Pending");
  }

  @Test
  void nobodyIsAskedWhereThisOneLeadsOrNobodyDoes() {
    serve();
    self.leads = true;
    assertThat(ask(Caller.LOCAL)).isNull();
    self.leads = false;
    self.leader = "";
    assertThat(ask(Caller.LOCAL)).isNull();
    self.leader = "somebody-elses-name";
    assertThat(ask(Caller.LOCAL)).isNull();
    assertThat(leading.runs().getFirst().phase().text()).isEqualTo("Pending");
  }

  @Test
  void onlyTheControlPlaneItselfPassesRequestsOn() {
    serve();
    Asked start =
        Asked.newBuilder().setMethod("POST").setPath(START).setRole("ADMIN").setBody("{}").build();
    List<Throwable> refused = new ArrayList<>();
    StreamObserver<Answer> call =
        new StreamObserver<>() {
          @Override
          public void onNext(Answer answer) {
            throw new AssertionError("answered: " + answer);
          }

          @Override
          public void onError(Throwable cause) {
            refused.add(cause);
          }

          @Override
          public void onCompleted() {}
        };
    service.ask(start, call);
    Context.current()
        .withValue(AdsService.CALLER, SpiffeId.parse("spiffe://shop.example/ns/shop/sa/web"))
        .run(() -> service.ask(start, call));
    assertThat(refused)
        .hasSize(2)
        .allSatisfy(cause -> assertThat(cause).hasMessageContaining("PERMISSION_DENIED"));
    assertThat(leading.runs().getFirst().phase().text()).isEqualTo("Pending");
  }
}
