package dev.outrigger.proxy.bootstrap;

import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.xds.decode.StaticAssembler;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap;
import java.util.List;

/**
 * A bootstrap that was read and checked.
 *
 * @param options what the user asked for beside it
 * @param proto the whole bootstrap as a message
 * @param config the checked form
 * @param warnings fields that are set and not supported, where the user asked to go on
 */
public record LoadedBootstrap(
    ProxyOptions options, Bootstrap proto, BootstrapConfig config, List<ConfigProblem> warnings) {
  public LoadedBootstrap {
    warnings = List.copyOf(warnings);
  }

  /** The effective bootstrap as YAML that Envoy reads too; private keys are left out. */
  public String yaml() {
    return ConfigWriter.yaml(proto);
  }

  /**
   * The configuration made of the static resources alone.
   *
   * @throws InvalidResourceException if they need something that only a control plane could send
   */
  public RuntimeConfig staticConfig() throws InvalidResourceException {
    return StaticAssembler.assemble(config.listeners(), config.clusters(), config.secrets());
  }
}
