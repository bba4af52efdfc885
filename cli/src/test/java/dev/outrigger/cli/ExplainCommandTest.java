package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.ca.JoinRefusal;
import dev.outrigger.controlplane.chaos.Refusal;
import dev.outrigger.controlplane.source.Problem;
import dev.outrigger.proxy.http.codec.FloodKind;
import dev.outrigger.proxy.outcome.ConnectionCodes;
import dev.outrigger.proxy.outcome.ErrorCode;
import dev.outrigger.proxy.outcome.ErrorReplies;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ResponseFlag;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ExplainCommandTest {

  @Test
  void thereIsAPageForEachCodeAndNoOther() throws ReflectiveOperationException {
    Set<String> codes = new TreeSet<>();
    for (Class<?> variant : ProxyError.class.getPermittedSubclasses()) {
      for (ProxyError error : all(variant.asSubclass(ProxyError.class))) {
        codes.add(ErrorReplies.replyFor(error).code().toString());
      }
    }
    Arrays.stream(Problem.Code.values()).map(Problem.Code::id).forEach(codes::add);
    Arrays.stream(Refusal.values()).map(Refusal::id).forEach(codes::add);
    Arrays.stream(JoinRefusal.values()).map(JoinRefusal::id).forEach(codes::add);
    codes.addAll(ConnectionCodes.ALL);
    Arrays.stream(FloodKind.values()).map(FloodKind::label).forEach(codes::add);

    assertThat(codes).hasSizeGreaterThan(30);
    assertThat(CodePages.all().keySet()).containsExactlyElementsOf(codes);
  }

  @Test
  void statusFlagAndTitleOfAPageAreThoseThatAreSent() throws ReflectiveOperationException {
    for (Class<?> variant : ProxyError.class.getPermittedSubclasses()) {
      for (ProxyError error : all(variant.asSubclass(ProxyError.class))) {
        var reply = ErrorReplies.replyFor(error);
        CodePages.Page page = CodePages.all().get(reply.code().toString());
        assertThat(page.seen()).isEqualTo(reply.status() + " " + reply.flag());
        assertThat(page.title()).isEqualTo(reply.code().title());
      }
    }
  }

  @Test
  void noCodeIsWithoutAnErrorThatHasIt() throws ReflectiveOperationException {
    Set<ErrorCode> sent = EnumSet.noneOf(ErrorCode.class);
    for (Class<?> variant : ProxyError.class.getPermittedSubclasses()) {
      for (ProxyError error : all(variant.asSubclass(ProxyError.class))) {
        sent.add(ErrorReplies.replyFor(error).code());
      }
    }
    assertThat(sent).containsExactlyInAnyOrder(ErrorCode.values());
  }

  @Test
  void aPageSaysMeaningCausesAndWhatToLookAt() {
    Captured said = Captured.run("explain", "no_healthy_endpoint");

    assertThat(said.exit()).isZero();
    assertThat(said.out())
        .startsWith("no_healthy_endpoint (503 UH): The cluster has no endpoint")
        .contains("Likely causes:\n  - ", "Look at:\n  - ");
  }

  @Test
  void aFlagOfTheAccessLogFindsItsCodes() {
    assertThat(Captured.run("explain", "uf").out())
        .contains("connect_refused", "connect_timeout", "tls_rejected");
  }

  @Test
  void aPageOfTheProxySaysWhoAndWhatToDoAndGivesAnExample() {
    for (CodePages.Page page : CodePages.all().values()) {
      assertThat(page.causes()).as(page.code()).isNotEmpty();
      assertThat(page.look()).as(page.code()).isNotEmpty();
      if (!page.code().startsWith("OR")) {
        assertThat(page.who()).as(page.code()).isNotEmpty();
        assertThat(page.remedies()).as(page.code()).isNotEmpty();
        assertThat(page.example()).as(page.code()).isNotEmpty();
      }
    }
    assertThat(Captured.run("explain", "connect_refused").out())
        .contains("Who says it:\n  The proxy", "What to do:\n  - ", "Example:\n  ");
  }

  @Test
  void eachFlagIsExplained() {
    assertThat(CodePages.flags().keySet())
        .containsExactlyElementsOf(
            new TreeSet<>(
                Arrays.stream(ResponseFlag.values()).map(ResponseFlag::toString).toList()));
    assertThat(Captured.run("explain", "urx").out())
        .startsWith("URX: The attempts that the retry policy allows were used up");
    assertThat(Captured.run("explain", "flags").out())
        .containsPattern("UH +no_healthy_endpoint")
        .contains("DI ");
  }

  @Test
  void anUnknownCodeNamesTheNearest() {
    Captured said = Captured.run("explain", "no_rote");

    assertThat(said.exit()).isEqualTo(1);
    assertThat(said.err()).contains("did you mean `no_route`?");
  }

  /** Every combination of the choices that a variant has. */
  private static List<ProxyError> all(Class<? extends ProxyError> variant)
      throws ReflectiveOperationException {
    RecordComponent[] components = variant.getRecordComponents();
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    Constructor<? extends ProxyError> constructor = variant.getDeclaredConstructor(types);
    List<List<Object>> combinations = List.of(List.of());
    for (Class<?> type : types) {
      List<List<Object>> longer = new ArrayList<>();
      for (List<Object> combination : combinations) {
        for (Object choice : choices(type)) {
          List<Object> next = new ArrayList<>(combination);
          next.add(choice);
          longer.add(next);
        }
      }
      combinations = longer;
    }
    List<ProxyError> errors = new ArrayList<>();
    for (List<Object> arguments : combinations) {
      errors.add(constructor.newInstance(arguments.toArray()));
    }
    return errors;
  }

  private static List<Object> choices(Class<?> type) {
    if (type.isEnum()) {
      return List.of(type.getEnumConstants());
    }
    if (type == String.class) {
      return List.of("x");
    }
    if (type == Duration.class) {
      return List.of(Duration.ofSeconds(1));
    }
    if (type == boolean.class) {
      return List.of(true, false);
    }
    if (type == int.class || type == Integer.class) {
      return List.of(503);
    }
    if (type == long.class) {
      return List.of(1L);
    }
    if (type == Throwable.class) {
      return List.of(new IllegalStateException("x"));
    }
    throw new AssertionError("no example of " + type);
  }

  @Test
  void theScoreOfAReportIsExplained() {
    assertThat(Captured.run("explain", "score").out())
        .contains("guards, weight 60", "success, weight 30", "speed, weight 10");
  }
}
