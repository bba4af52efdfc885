package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import dev.outrigger.cli.CheckCommand.Verdict;
import org.junit.jupiter.api.Test;

class CheckCommandTest {

  @Test
  void oldJavaIsBadAndOldKernelsAreAWarning() {
    assertThat(CheckCommand.java(25).verdict()).isEqualTo(Verdict.GOOD);
    assertThat(CheckCommand.java(21).verdict()).isEqualTo(Verdict.BAD);
    assertThat(CheckCommand.kernel("Linux", "6.18.44-fc").verdict()).isEqualTo(Verdict.GOOD);
    assertThat(CheckCommand.kernel("Linux", "5.4.0-1").verdict()).isEqualTo(Verdict.WARNING);
    assertThat(CheckCommand.kernel("Mac OS X", "15.1").verdict()).isEqualTo(Verdict.WARNING);
  }

  @Test
  void fewOpenFilesAreAWarningWithAHint() {
    assertThat(CheckCommand.openFiles("unlimited").verdict()).isEqualTo(Verdict.GOOD);
    assertThat(CheckCommand.openFiles("1048576").verdict()).isEqualTo(Verdict.GOOD);
    assertThat(CheckCommand.openFiles("1024").hint()).contains("ulimit");
  }

  @Test
  void programsGetJson() {
    Captured said = Captured.run("check", "-o", "json");

    assertThat(said.exit()).isZero();
    assertThat(JsonParser.parseString(said.out()).getAsJsonObject().get("success").getAsBoolean())
        .isTrue();
  }
}
