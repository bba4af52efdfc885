package dev.outrigger.controlplane.api;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The document that describes this API, in OpenAPI 3.1. */
public final class OpenApiRoutes {
  private final String yaml;
  private final String json;

  /**
   * @throws IOException if this program is not whole
   */
  public OpenApiRoutes() throws IOException {
    try (InputStream in = OpenApiRoutes.class.getResourceAsStream("openapi.yaml")) {
      yaml =
          new String(
              Objects.requireNonNull(in, "openapi.yaml").readAllBytes(), StandardCharsets.UTF_8);
    }
    json = new Gson().toJson(new Load(LoadSettings.builder().build()).loadFromString(yaml)) + "\n";
  }

  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.get("/openapi.yaml", _ -> ApiReply.text("application/yaml", yaml)).forAll(),
        ApiRoute.get("/openapi.json", _ -> ApiReply.text("application/json", json)).forAll());
  }
}
