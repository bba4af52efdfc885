package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.UpgradesConfig.Choice;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which upgrades are let through, by the connection manager and by a route. */
final class UpgradesDecoder {
  private static final Pattern PROTOCOL = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z/-]+");

  private UpgradesDecoder() {}

  static UpgradesConfig ofListener(HttpConnectionManager manager, Scope scope)
      throws InvalidResourceException {
    Map<String, Choice> choices = new TreeMap<>();
    for (int i = 0; i < manager.getUpgradeConfigsCount(); i++) {
      HttpConnectionManager.UpgradeConfig config = manager.getUpgradeConfigs(i);
      Scope at = scope.in("upgrade_configs", i);
      boolean enabled = !config.hasEnabled() || config.getEnabled().getValue();
      put(choices, config.getUpgradeType(), enabled ? Choice.PASSED : Choice.REFUSED, at);
      if (enabled
          && config.getUpgradeType().equalsIgnoreCase(UpgradesConfig.H2C)
          && manager.getCodecType() != HttpConnectionManager.CodecType.AUTO) {
        throw at.in("upgrade_type")
            .refuse(
                "h2c changes from HTTP/1.1 to HTTP/2; expected codec_type AUTO, which has both");
      }
    }
    return new UpgradesConfig(choices);
  }

  static @Nullable UpgradesConfig ofRoute(RouteAction route, Scope scope)
      throws InvalidResourceException {
    if (route.getUpgradeConfigsCount() == 0) {
      return null;
    }
    Map<String, Choice> choices = new TreeMap<>();
    for (int i = 0; i < route.getUpgradeConfigsCount(); i++) {
      RouteAction.UpgradeConfig config = route.getUpgradeConfigs(i);
      Scope at = scope.in("upgrade_configs", i);
      boolean enabled = !config.hasEnabled() || config.getEnabled().getValue();
      boolean ends = config.hasConnectConfig();
      if (ends && !config.getUpgradeType().equalsIgnoreCase(UpgradesConfig.CONNECT)) {
        throw at.in("connect_config").refuse("is for upgrade_type CONNECT only");
      }
      if (config.getUpgradeType().equalsIgnoreCase(UpgradesConfig.H2C)) {
        at.in("upgrade_type")
            .unsupported(
                "a connection changes to h2c before a route is known; expected it in the"
                    + " upgrade_configs of the http_connection_manager");
      }
      put(
          choices,
          config.getUpgradeType(),
          !enabled ? Choice.REFUSED : ends ? Choice.TERMINATED : Choice.PASSED,
          at);
    }
    return new UpgradesConfig(choices);
  }

  private static void put(Map<String, Choice> choices, String type, Choice choice, Scope scope)
      throws InvalidResourceException {
    Scope at = scope.in("upgrade_type");
    String name = at.required(type).toLowerCase(Locale.ROOT);
    if (!PROTOCOL.matcher(name).matches()) {
      throw at.refuse("'" + type + "' is no protocol; expected for example websocket or CONNECT");
    }
    if (name.equals("connect-udp") && choice != Choice.REFUSED) {
      at.unsupported("expected CONNECT, websocket or another protocol over TCP");
    }
    if (choices.put(name, choice) != null) {
      throw at.refuse("'" + type + "' is there twice");
    }
  }
}
