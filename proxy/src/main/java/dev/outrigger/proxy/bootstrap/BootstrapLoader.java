package dev.outrigger.proxy.bootstrap;

import dev.outrigger.proxy.bootstrap.ConfigReader.Position;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Source;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads a bootstrap, whichever way it was given, and checks all of it. */
public final class BootstrapLoader {
  private static final int MAX_BYTES = 16 << 20;

  private BootstrapLoader() {}

  /**
   * Reads and checks; opens no socket.
   *
   * @throws BadConfigException with everything that is wrong, by file, line and column
   */
  public static LoadedBootstrap load(ProxyOptions options) throws BadConfigException {
    Map<String, Position> positions = new HashMap<>();
    Bootstrap.Builder builder = Bootstrap.newBuilder();
    String name =
        switch (options.source()) {
          case Source.Bootstrap source -> {
            String text = source.text();
            Path file = source.file();
            if (file != null) {
              read(file.toString(), content(file), builder, positions);
            }
            if (text != null) {
              read("--config-yaml", text, builder, positions);
            }
            yield file == null ? "--config-yaml" : file.toString();
          }
          case Source.OneLine line -> {
            builder.mergeFrom(GeneratedBootstrap.of(line));
            yield "--listen";
          }
          case Source.Toxiproxy _ -> {
            builder.mergeFrom(GeneratedBootstrap.empty());
            yield "--toxiproxy-api";
          }
          case Source.Mesh mesh -> {
            builder.mergeFrom(GeneratedBootstrap.of(mesh.join()));
            yield "--mesh";
          }
        };
    if (options.admin() != null) {
      builder.getAdminBuilder().setAddress(GeneratedBootstrap.address(options.admin()));
    }
    Bootstrap proto = builder.build();
    BootstrapChecker checker = new BootstrapChecker(name, positions, options.unsupported());
    BootstrapConfig config = checker.check(proto);
    return new LoadedBootstrap(options, proto, config, checker.warnings());
  }

  private static void read(
      String name, String text, Bootstrap.Builder builder, Map<String, Position> positions)
      throws BadConfigException {
    ConfigReader reader = new ConfigReader(name);
    Bootstrap.Builder own = Bootstrap.newBuilder();
    reader.read(text, own);
    builder.mergeFrom(own.build());
    reader.positions().forEach(positions::putIfAbsent);
  }

  private static String content(Path file) throws BadConfigException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw unreadable(file, "is longer than " + MAX_BYTES + " bytes");
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (NoSuchFileException e) {
      throw unreadable(file, "there is no such file");
    } catch (AccessDeniedException e) {
      throw unreadable(file, "must not be read by this user");
    } catch (CharacterCodingException e) {
      throw unreadable(file, "is no text in UTF-8");
    } catch (IOException e) {
      throw unreadable(file, "cannot be read: " + e.getMessage());
    }
  }

  private static BadConfigException unreadable(Path file, String message) {
    return new BadConfigException(List.of(new ConfigProblem(file.toString(), 0, 0, "", message)));
  }
}
