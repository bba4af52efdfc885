package dev.outrigger.proxy.bootstrap;

import dev.outrigger.proxy.config.AppProbe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads what the injector writes into {@code OUTRIGGER_APP_PROBES}. */
final class AppProbeReader {
  private static final int MAX_SECONDS = 3600;

  private AppProbeReader() {}

  /**
   * By path, the original of a pod's probe in Kubernetes' words.
   *
   * @throws UsageException if it is something else
   */
  static Map<String, AppProbe> read(String json) throws UsageException {
    Map<String, AppProbe> probes = new TreeMap<>();
    Object all;
    try {
      all = new Load(LoadSettings.builder().build()).loadFromString(json);
    } catch (YamlEngineException e) {
      throw new UsageException("--app-probes is not JSON: " + e.getMessage());
    }
    for (Map.Entry<?, ?> entry : map(all, "").entrySet()) {
      String path = String.valueOf(entry.getKey());
      if (!path.startsWith("/app-health/")) {
        throw wrong(path, "a path below /app-health/");
      }
      Map<?, ?> probe = map(entry.getValue(), path);
      probes.put(
          path,
          new AppProbe(
              ask(probe, path),
              Duration.ofSeconds(number(probe.get("timeoutSeconds"), path, 1, MAX_SECONDS))));
    }
    return probes;
  }

  private static AppProbe.Ask ask(Map<?, ?> probe, String path) throws UsageException {
    if (probe.containsKey("httpGet")) {
      Map<?, ?> get = map(probe.get("httpGet"), path);
      String target = text(get.get("path"), "/");
      return new AppProbe.Ask.Http(
          port(get, path),
          target.startsWith("/") ? target : "/" + target,
          text(get.get("scheme"), "HTTP").equals("HTTPS"),
          headers(get.get("httpHeaders"), path));
    }
    if (probe.containsKey("tcpSocket")) {
      return new AppProbe.Ask.Tcp(port(map(probe.get("tcpSocket"), path), path));
    }
    if (probe.containsKey("grpc")) {
      Map<?, ?> grpc = map(probe.get("grpc"), path);
      return new AppProbe.Ask.Grpc(port(grpc, path), text(grpc.get("service"), ""));
    }
    throw wrong(path, "httpGet, tcpSocket or grpc");
  }

  private static List<Map.Entry<String, String>> headers(@Nullable Object value, String path)
      throws UsageException {
    List<Map.Entry<String, String>> headers = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (Object element : list) {
        Map<?, ?> header = map(element, path);
        headers.add(Map.entry(text(header.get("name"), ""), text(header.get("value"), "")));
      }
    }
    return headers;
  }

  private static int port(Map<?, ?> map, String path) throws UsageException {
    return number(map.get("port"), path, 1, 65535);
  }

  private static int number(@Nullable Object value, String path, int least, int most)
      throws UsageException {
    if (value instanceof Integer number && number >= least && number <= most) {
      return number;
    }
    throw wrong(path, "a number from " + least + " to " + most);
  }

  private static String text(@Nullable Object value, String otherwise) {
    return value == null ? otherwise : value.toString();
  }

  private static Map<?, ?> map(@Nullable Object value, String path) throws UsageException {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw wrong(path, "an object");
  }

  private static UsageException wrong(String path, String expected) {
    return new UsageException(
        "--app-probes" + (path.isEmpty() ? "" : ", " + path) + ": expected " + expected);
  }
}
