package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ChaosLimits;
import dev.outrigger.controlplane.model.Freeze;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.source.Problem.Code;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what bounds experiments: a {@code Freeze}, and {@code chaos} of a {@code MeshConfig}. */
final class ChaosDecoder {
  private static final Duration MAX_COOLDOWN = Duration.ofHours(24);
  private static final int MANY = 1000;

  private ChaosDecoder() {}

  static Freeze freeze(ObjectMeta meta, Fields spec) {
    return new Freeze(
        meta,
        spec.requiredText("reason", "why nothing may start"),
        spec.requiredText("owner", "who lifts it"),
        spec.flag("halt", false),
        namespaces(spec, "namespaces"));
  }

  static ChaosLimits limits(@Nullable Fields fields) {
    ChaosLimits usual = ChaosLimits.DEFAULT;
    if (fields == null) {
      return usual;
    }
    Set<String> namespaces =
        fields.has("protectedNamespaces")
            ? namespaces(fields, "protectedNamespaces")
            : usual.protectedNamespaces();
    Duration cooldown = fields.duration("haltCooldown", usual.haltCooldown());
    if (cooldown.compareTo(MAX_COOLDOWN) > 0) {
      fields.problem(
          Code.BAD_VALUE, "haltCooldown", "`spec.chaos.haltCooldown` must be at most 24h", "");
    }
    ChaosLimits limits =
        new ChaosLimits(
            (int) Math.round(fields.percent("maxRequestShare", 100) * 10_000),
            fields.percent("maxWorkloadShare", usual.maxWorkloadPercent()),
            fields.integer("maxExperiments", usual.maxExperiments(), 0, MANY),
            fields.integer(
                "maxExperimentsPerNamespace", usual.maxExperimentsPerNamespace(), 0, MANY),
            namespaces,
            new LinkedHashSet<>(Names.services(fields, "protectedServices")),
            fields.flag("sharedPaths", usual.sharedPaths()),
            cooldown);
    fields.finish();
    return limits;
  }

  private static Set<String> namespaces(Fields fields, String name) {
    Set<String> namespaces = new LinkedHashSet<>();
    for (String namespace : fields.texts(name)) {
      if (!Names.isLabel(namespace)) {
        fields.problem(
            Code.BAD_VALUE,
            name,
            "`" + fields.at(name) + "` has `" + namespace + "`, which is no namespace's name",
            "");
      }
      namespaces.add(namespace);
    }
    return namespaces;
  }
}
