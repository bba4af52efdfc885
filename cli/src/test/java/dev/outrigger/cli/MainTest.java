package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MainTest {

  @Test
  void eachVerbHasHelpWithAnExample() {
    for (String verb : Main.commandLine(terminal()).getSubcommands().keySet()) {
      if (!verb.equals("help")) {
        Captured said = Captured.run("help", verb);
        assertThat(said.exit()).as(verb).isZero();
        assertThat(said.out()).as(verb).containsPattern("Examples?:\\R +outrigger " + verb);
      }
    }
  }

  @Test
  void helpListsTheVerbsAndTheExitCodes() {
    Captured said = Captured.run("help");

    assertThat(said.exit()).isZero();
    assertThat(said.out()).contains("control-plane", "proxy", "explain", "Exit codes:");
  }

  @Test
  void aMisspeltVerbIsWrongUsageWithASuggestion() {
    Captured said = Captured.run("explian");

    assertThat(said.exit()).isEqualTo(2);
    assertThat(said.err()).contains("explian").contains("explain");
    assertThat(said.out()).isEmpty();
  }

  @Test
  void noVerbIsWrongUsage() {
    assertThat(Captured.run().exit()).isEqualTo(2);
  }

  @Test
  void statusWithoutAControlPlaneSaysWhereItLooked() {
    Captured said = Captured.run("status", "--api", "http://127.0.0.1:1");

    assertThat(said.exit()).isEqualTo(Main.UNREACHABLE);
    assertThat(said.err()).contains("http://127.0.0.1:1").contains("= help:");
  }

  private static Terminal terminal() {
    return Terminal.ofProcess();
  }
}
