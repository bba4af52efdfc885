package dev.outrigger.controlplane.inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdmissionTest {
  private static final Admission ADMISSION =
      new Admission(
          InjectionSettings.usual(),
          name ->
              name.equals("tight")
                  ? Map.of("pod-security.kubernetes.io/enforce", "restricted")
                  : Map.of());

  @Test
  void thePatchOfTheWebhookMakesWhatOutriggerInjectMakes() {
    JsonObject pod =
        InjectorTest.yaml(
            "{kind: Pod, metadata: {generateName: shop-}, spec: {containers: [{name: app,"
                + " livenessProbe: {httpGet: {port: 80}}}], volumes: [{name: v}]}}");

    JsonObject response = inject("shop", pod);

    assertThat(response.get("uid").getAsString()).isEqualTo("u-1");
    assertThat(response.get("allowed").getAsBoolean()).isTrue();
    assertThat(response.get("patchType").getAsString()).isEqualTo("JSONPatch");
    JsonArray patch =
        JsonParser.parseString(
                new String(
                    Base64.getDecoder().decode(response.get("patch").getAsString()),
                    StandardCharsets.UTF_8))
            .getAsJsonArray();
    assertThat(InjectorTest.applied(pod, patch))
        .isEqualTo(
            new Injector(InjectionSettings.usual()).inject(pod, _ -> Scope.UNKNOWN).object());
  }

  @Test
  void aPodThatIsLeftAloneIsAllowedWithoutAPatch() {
    JsonObject response =
        inject(
            "shop",
            InjectorTest.yaml("{kind: Pod, spec: {hostNetwork: true, containers: [{name: a}]}}"));

    assertThat(response.get("allowed").getAsBoolean()).isTrue();
    assertThat(response.has("patch")).isFalse();
  }

  @Test
  void aWrongAnnotationIsRefusedInWords() {
    JsonObject response =
        inject(
            "shop",
            InjectorTest.yaml(
                "{kind: Pod, metadata: {annotations: {traffic.outrigger.dev/capture: cni}}, spec:"
                    + " {containers: [{name: a}]}}"));

    assertThat(response.get("allowed").getAsBoolean()).isFalse();
    assertThat(response.getAsJsonObject("status").get("message").getAsString())
        .isEqualTo("annotation traffic.outrigger.dev/capture: expected init or none, not 'cni'");
  }

  @Test
  void aRestrictedNamespaceIsWarnedOfWhereThePodIsAndWhereItIsMade() {
    JsonObject pod = InjectorTest.yaml("{kind: Pod, spec: {containers: [{name: a}]}}");
    assertThat(inject("tight", pod).getAsJsonArray("warnings").get(0).getAsString())
        .contains("enforces Pod Security restricted", "capture: none")
        .hasSizeLessThanOrEqualTo(250);

    JsonObject advice =
        advise(
            "tight",
            InjectorTest.yaml(
                "{kind: Deployment, spec: {template: {spec: {containers: [{name: a}]}}}}"));
    assertThat(advice.get("allowed").getAsBoolean()).isTrue();
    assertThat(advice.has("patch")).isFalse();
    assertThat(advice.getAsJsonArray("warnings").toString()).contains("Pod Security restricted");
  }

  @Test
  void whoeverMakesPodsHearsWhatWillKeepThemFromStarting() {
    JsonObject advice =
        advise(
            "shop",
            InjectorTest.yaml(
                "{kind: CronJob, spec: {jobTemplate: {spec: {template: {metadata: {annotations:"
                    + " {config.outrigger.dev/cpu-limit: x}}, spec: {containers: [{name: a}]}}}}}}"));

    assertThat(advice.get("allowed").getAsBoolean()).isTrue();
    assertThat(advice.getAsJsonArray("warnings").get(0).getAsString())
        .startsWith("no pod can start: annotation config.outrigger.dev/cpu-limit");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[",
        "[]",
        "{}",
        "{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\"}",
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{}}"
      })
  void whatIsNoReviewIsRefused(String body) {
    assertThatThrownBy(() -> ADMISSION.inject(body)).isInstanceOf(IllegalArgumentException.class);
  }

  private static JsonObject inject(String namespace, JsonObject object) {
    return ADMISSION.inject(review(namespace, object)).getAsJsonObject("response");
  }

  private static JsonObject advise(String namespace, JsonObject object) {
    return ADMISSION.advise(review(namespace, object)).getAsJsonObject("response");
  }

  private static String review(String namespace, JsonObject object) {
    return Json.of(
            "apiVersion",
            "admission.k8s.io/v1",
            "kind",
            "AdmissionReview",
            "request",
            Json.of("uid", "u-1", "namespace", namespace, "object", object))
        .toString();
  }
}
