package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnalyzeCommandTest {
  private static final String GOOD =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web}
      spec:
        ports: [{name: http, port: 80}]
      """;

  @Test
  void goodFilesAreFine(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("web.yaml"), GOOD);

    Captured said = Captured.run("analyze", folder.toString());

    assertThat(said.exit()).as(said.out()).isZero();
    assertThat(said.out()).contains("0 errors", "1 good objects");
  }

  @Test
  void aMisspeltFieldIsShownWithItsPlaceAndTheNearestName(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("web.yaml"), GOOD.replace("ports:", "prots:"));

    Captured said = Captured.run("analyze", folder.toString());

    assertThat(said.exit()).isEqualTo(1);
    assertThat(said.out()).contains("error[OR1003]", "web.yaml:5:3", "^", "ports");
  }

  @Test
  void programsGetJson(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("web.yaml"), GOOD.replace("ports:", "prots:"));

    Captured said = Captured.run("analyze", "-o", "json", folder.toString());

    assertThat(
            JsonParser.parseString(said.out())
                .getAsJsonObject()
                .getAsJsonArray("problems")
                .get(0)
                .getAsJsonObject()
                .get("code")
                .getAsString())
        .startsWith("OR10");
  }

  @Test
  void aFileThatIsNotThereFails() {
    assertThat(Captured.run("analyze", "/nowhere/at/all").exit()).isEqualTo(1);
  }
}
