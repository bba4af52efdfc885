package dev.outrigger.controlplane;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The walls of the control plane's packages (ARCHITECTURE.md). */
class ArchitectureTest {
  private static final String ROOT = "dev.outrigger.controlplane";

  private static final JavaClasses CONTROL_PLANE =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  @Test
  void itDoesNotKnowTheProxy() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.outrigger.proxy..")
        .check(CONTROL_PLANE);
  }

  @Test
  void theModelIsInert() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".model..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.netty..",
            "io.grpc..",
            "com.google.protobuf..",
            "io.envoyproxy..",
            ROOT + ".source..",
            ROOT + ".snapshot..",
            ROOT + ".ads..")
        .check(CONTROL_PLANE);
  }

  @Test
  void theCompilerIsPure() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".snapshot..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.grpc..", "java.nio.file..", ROOT + ".api..")
        .check(CONTROL_PLANE);
  }

  @Test
  void packagesHaveNoCycle() {
    slices().matching(ROOT + ".(**)").should().beFreeOfCycles().check(CONTROL_PLANE);
  }
}
