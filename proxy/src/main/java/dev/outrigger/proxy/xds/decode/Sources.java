package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.DataSource;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads what a {@link DataSource} points to: inline, in a file, or in the environment. */
final class Sources {
  private static final int MAX_BYTES = 4 << 20;

  private Sources() {}

  static String text(DataSource source, Scope scope) throws InvalidResourceException {
    return switch (source.getSpecifierCase()) {
      case INLINE_STRING -> source.getInlineString();
      case INLINE_BYTES -> source.getInlineBytes().toString(StandardCharsets.UTF_8);
      case FILENAME -> file(source.getFilename(), scope.in("filename"));
      case ENVIRONMENT_VARIABLE -> {
        String value = System.getenv(source.getEnvironmentVariable());
        if (value == null) {
          throw scope
              .in("environment_variable")
              .refuse("the environment has no " + source.getEnvironmentVariable());
        }
        yield value;
      }
      case SPECIFIER_NOT_SET ->
          throw scope.refuse(
              "expected filename, inline_string, inline_bytes or environment_variable");
    };
  }

  private static String file(String name, Scope scope) throws InvalidResourceException {
    try (InputStream in = Files.newInputStream(Path.of(scope.required(name)))) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw scope.refuse("'" + name + "' is longer than " + MAX_BYTES + " bytes");
      }
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      throw scope.refuse("there is no file '" + name + "'");
    } catch (IOException | java.nio.file.InvalidPathException e) {
      throw scope.refuse("'" + name + "' cannot be read: " + e.getMessage());
    }
  }
}
