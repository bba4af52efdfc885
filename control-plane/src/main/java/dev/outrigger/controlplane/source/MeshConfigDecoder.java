package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.AuthenticationPolicy;
import dev.outrigger.controlplane.model.AuthenticationPolicy.MtlsMode;
import dev.outrigger.controlplane.model.MeshConfig;
import dev.outrigger.controlplane.model.MeshConfig.AccessLog;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.source.Problem.Code;
import dev.outrigger.tls.SpiffeId;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads a {@code MeshConfig} and an {@code AuthenticationPolicy}. */
final class MeshConfigDecoder {
  private static final Map<String, MtlsMode> MODES = new LinkedHashMap<>();

  static {
    MODES.put("STRICT", MtlsMode.STRICT);
    MODES.put("PERMISSIVE", MtlsMode.PERMISSIVE);
  }

  private MeshConfigDecoder() {}

  static MeshConfig decode(ObjectMeta meta, Fields spec) {
    MeshConfig defaults = MeshConfig.DEFAULT;
    String trustDomain = spec.text("trustDomain", defaults.trustDomain());
    try {
      trustDomain = new SpiffeId(trustDomain, "").trustDomain();
    } catch (IllegalArgumentException e) {
      spec.problem(
          Code.BAD_VALUE,
          "trustDomain",
          "`spec.trustDomain` must be a trust domain: " + e.getMessage(),
          "write it like cluster.local");
    }
    @Nullable Fields mtls = spec.object("mtls");
    MtlsMode mode = defaults.mtls();
    if (mtls != null) {
      mode = mtls.choice("mode", MODES, mode);
      mtls.finish();
    }
    @Nullable Double sampling = defaults.samplingPercent();
    @Nullable Fields tracing = spec.object("tracing");
    if (tracing != null) {
      boolean enabled = tracing.flag("enabled", true);
      double percent = tracing.percent("sampling", 100);
      sampling = enabled ? (Double) percent : null;
      tracing.finish();
    }
    Set<Integer> opaque = defaults.opaquePorts();
    if (spec.has("opaquePorts")) {
      opaque = new TreeSet<>();
      for (Node node : spec.list("opaquePorts")) {
        opaque.add(spec.integer(node, spec.at("opaquePorts"), 1, 65535));
      }
    }
    Duration detection = spec.positive("protocolDetectionTimeout", defaults.detectionTimeout());
    boolean http2 = spec.flag("http2BetweenProxies", defaults.http2BetweenProxies());
    return new MeshConfig(
        meta,
        trustDomain,
        mode,
        accessLog(spec),
        sampling,
        detection,
        http2,
        opaque,
        ChaosDecoder.limits(spec.object("chaos")));
  }

  private static AccessLog accessLog(Fields spec) {
    String text = spec.text("accessLog", "stdout");
    return switch (text) {
      case "stdout" -> new AccessLog.Stdout();
      case "stderr" -> new AccessLog.Stderr();
      case "none" -> new AccessLog.Off();
      default -> {
        if (!text.startsWith("/")) {
          spec.problem(
              Code.BAD_VALUE,
              "accessLog",
              "`spec.accessLog` is `" + text + "`, expected stdout, stderr, none or a path",
              "a path begins with a slash");
        }
        yield new AccessLog.File(text);
      }
    };
  }

  static AuthenticationPolicy authentication(ObjectMeta meta, Fields spec) {
    Map<String, String> labels = Map.of();
    @Nullable Fields selector = spec.object("selector");
    if (selector != null) {
      labels = selector.textMap("matchLabels");
      selector.finish();
    }
    @Nullable MtlsMode mode = null;
    @Nullable Fields mtls = spec.object("mtls");
    if (mtls != null) {
      mode = mtls.requiredChoice("mode", MODES, MtlsMode.STRICT);
      mtls.finish();
    }
    Map<Integer, MtlsMode> ports = new LinkedHashMap<>();
    @Nullable Fields portMtls = spec.object("portMtls");
    if (portMtls != null) {
      for (String name : portMtls.names()) {
        int port = name.matches("[0-9]{1,5}") ? Integer.parseInt(name) : 0;
        if (port < 1 || port > 65535) {
          portMtls
              .doc()
              .problem(
                  Code.BAD_VALUE,
                  portMtls.keyNode(name),
                  "`" + portMtls.at(name) + "` must be a port",
                  "write it like \"8080\": {mode: STRICT}");
          continue;
        }
        @Nullable Fields one = portMtls.requiredObject(name, "the mode of the port");
        if (one != null) {
          ports.put(port, one.requiredChoice("mode", MODES, MtlsMode.STRICT));
          one.finish();
        }
      }
    }
    spec.unsupported("jwt", "tokens are not checked yet");
    return new AuthenticationPolicy(meta, labels, mode, ports);
  }
}
