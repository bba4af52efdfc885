package dev.outrigger.controlplane.inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestsTest {
  private static final Injector INJECTOR = new Injector(InjectionSettings.usual());

  private static final String WRITTEN =
      """
      # The shop.
      apiVersion: v1
      kind: Service
      metadata: {name:   "shop"}   # odd spaces
      --- # next
      # before
      apiVersion: apps/v1
      kind: Deployment
      metadata:
          name: shop   # four spaces
      spec:
          template:
              # of the pod
              metadata:
                  labels:
                      app: shop # needed
              spec:
                  containers:
                    # the one
                    - image: shop   # image first
                      name: shop
                      args: ["-c", 'x # y', yes]
                      livenessProbe:
                          # as the team wants it
                          httpGet:
                              path: /
                              port: 8080   # web
                      # after the probe
                      env:
                        - {name: A, value: "1"}
                  # the end of the pod
      ---
      kind: ConfigMap
      data:
        text: |
          --- no separator, it is indented
      """;

  @Test
  void whatWasWrittenStaysAsItWas() {
    String now = injected(WRITTEN);

    List<String> before = new ArrayList<>(WRITTEN.lines().toList());
    // Kubelet asks the proxy instead, so the original goes, with the comments inside of it.
    before.removeIf(line -> line.contains("as the team wants it") || line.contains("path: /"));
    before.removeIf(line -> line.contains("httpGet:") || line.contains("port: 8080   # web"));
    List<String> after = now.lines().toList();
    int at = 0;
    for (String line : after) {
      if (at < before.size() && lastOf(line).equals(lastOf(before.get(at)))) {
        at++;
      }
    }
    assertThat(at).as("lines of the original, in order, in:%n%s", now).isEqualTo(before.size());
    assertThat(now).contains("# four spaces", "app: shop # needed", "# the end of the pod");
  }

  /** A first line may have got a dash's worth of company; its own text is what counts. */
  private static String lastOf(String line) {
    return line.replaceFirst("^[ -]+", "");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kind: Pod\nspec:\n  containers:\n  - name: a\n",
        "kind: Pod\nspec:\n  containers:\n    - name: a\n",
        "kind: Pod\nspec: {containers: [{name: a}]}\n",
        "{\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"a\"}],\"volumes\":[]}}",
        "kind: Pod\nmetadata:\nspec:\n  initContainers:\n  volumes: null\n  containers: [{name: a}]",
        "kind: Pod\nmetadata:\n  labels: {}\n  annotations:\n    a/b: c\nspec:\n  volumes:\n  -\n"
            + "    name: v\n  containers:\n  - name: a\n",
        "kind: Pod\nspec:\n  containers:\n  - name: ä𝄞\n    livenessProbe:\n      tcpSocket:\n"
            + "        port: 1\n      # soon\n    image: i\n",
        "kind: List\nitems:\n- kind: Pod\n  spec:\n    containers:\n    - name: a\n- kind: X\n"
      })
  void everyLayoutSaysWhatTheInjectionSays(String text) {
    Manifests.Document document = Manifests.parse(text).documents().getFirst();
    Injection injection = INJECTOR.inject(document.json(), _ -> Scope.UNKNOWN);

    assertThat(injection.patch()).isNotEmpty();
    assertThat(Manifests.keeps(document, injection)).isTrue();
    assertThat(InjectorTest.yaml(Manifests.text(document, injection)))
        .isEqualTo(injection.object());
  }

  @Test
  void whatAnAnchorSharesIsNotChangedElsewhere() {
    String text =
        """
        kind: Deployment
        spec:
          selector: {matchLabels: &labels {app: a}}
          template:
            metadata: {labels: *labels}
            spec: {containers: [{name: a}]}
        """;
    Manifests.Document document = Manifests.parse(text).documents().getFirst();
    Injection injection = INJECTOR.inject(document.json(), _ -> Scope.UNKNOWN);

    assertThat(Manifests.keeps(document, injection)).isFalse();
    assertThat(InjectorTest.yaml(Manifests.text(document, injection)))
        .isEqualTo(injection.object());
    assertThat(injection.object().getAsJsonObject("spec").get("selector").toString())
        .doesNotContain("outrigger");
  }

  @Test
  void aStreamWithoutPodsIsPrintedByteForByte() {
    String text = "# nothing\n---\nkind: Service\n---\n\n--- # x\n{\"kind\": \"ConfigMap\"}\n...\n";

    assertThat(Manifests.parse(text).toString()).isEqualTo(text);
    assertThat(injected(text)).isEqualTo(text);
  }

  @Test
  void aSyntaxErrorHasItsLineInTheStream() {
    assertThatThrownBy(() -> Manifests.parse("a: b\n---\nc: [\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("4:1: ");
  }

  @Test
  void settingsAreReadStrictly() {
    InjectionSettings read =
        SettingsReader.read("{image: 'a/b:1', capture: none, excludeOutboundPorts: ['22']}");
    assertThat(read.image()).isEqualTo("a/b:1");
    assertThat(read.capture()).isEqualTo(InjectionSettings.Capture.NONE);
    assertThat(read.logLevel()).isEqualTo("info");
    assertThatThrownBy(() -> SettingsReader.read("{spiffe: {controlPlaneIdentity: x, sockets: s}}"))
        .hasMessageContaining("spiffe.controlPlaneIdentity: not a SPIFFE ID")
        .hasMessageContaining("spiffe.there is no setting sockets; did you mean socket?");
    assertThat(SettingsReader.read("")).isEqualTo(InjectionSettings.usual());
    assertThatThrownBy(() -> SettingsReader.read("{imag: x, tokenSeconds: 1, capture: cni}"))
        .hasMessageContaining("there is no setting imag; did you mean image?")
        .hasMessageContaining("tokenSeconds: expected a number from 600")
        .hasMessageContaining("capture: expected one of init, none");
  }

  private static String injected(String text) {
    StringBuilder out = new StringBuilder();
    for (Manifests.Document document : Manifests.parse(text).documents()) {
      out.append(
          document.json() == null
              ? document.text()
              : Manifests.text(document, INJECTOR.inject(document.json(), _ -> Scope.UNKNOWN)));
    }
    return out.toString();
  }
}
