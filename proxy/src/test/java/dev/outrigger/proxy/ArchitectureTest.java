package dev.outrigger.proxy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** The walls of the proxy's packages (ARCHITECTURE.md). */
class ArchitectureTest {
  private static final String ROOT = "dev.outrigger.proxy";

  /** Where everything belongs to one worker. */
  private static final String[] CONFINED = {
    ROOT + ".message..",
    ROOT + ".http..",
    ROOT + ".route..",
    ROOT + ".forward..",
    ROOT + ".upstream..",
    ROOT + ".balance..",
    ROOT + ".tcp.."
  };

  private static final JavaClasses PROXY =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  @Test
  void whatAWorkerOwnsKnowsNoOtherThread() {
    noClasses()
        .that()
        .resideInAnyPackage(CONFINED)
        .should()
        .dependOnClassesThat(
            JavaClass.Predicates.resideInAPackage("java.util.concurrent..")
                .and(DescribedPredicate.not(JavaClass.Predicates.equivalentTo(TimeUnit.class)))
                // A value that Netty's futures fail with.
                .and(
                    DescribedPredicate.not(
                        JavaClass.Predicates.equivalentTo(TimeoutException.class))))
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Thread.class)
        .check(PROXY);
    methods()
        .that()
        .areDeclaredInClassesThat()
        .resideInAnyPackage(CONFINED)
        .should()
        .notHaveModifier(JavaModifier.SYNCHRONIZED)
        .check(PROXY);
    fields()
        .that()
        .areDeclaredInClassesThat()
        .resideInAnyPackage(CONFINED)
        .should()
        .notHaveModifier(JavaModifier.VOLATILE)
        .check(PROXY);
  }

  @Test
  void protobufEndsAtTheDecoders() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            ROOT + ".xds..", ROOT + ".extension..", ROOT + ".bootstrap..", ROOT + ".identity..")
        .and()
        .haveSimpleNameNotEndingWith("Type")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("com.google.protobuf..", "io.envoyproxy..")
        .check(PROXY);
  }

  @Test
  void theModelIsInert() {
    noClasses()
        .that()
        .resideInAnyPackage(ROOT + ".config..", ROOT + ".message..", ROOT + ".outcome..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.netty..", "com.google.protobuf..", "io.grpc..")
        .check(PROXY);
  }

  @Test
  void theDataPathDoesNotKnowTheControlPlane() {
    noClasses()
        .that()
        .resideInAnyPackage(CONFINED)
        .or()
        .resideInAPackage(ROOT + ".listen..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            ROOT + ".xds..", ROOT + ".bootstrap..", ROOT + ".admin..", ROOT, "io.grpc..")
        .check(PROXY);
  }

  @Test
  void balancingRoutingAndTheModelStandBelowTheRest() {
    noClasses()
        .that()
        .resideInAnyPackage(ROOT + ".config..", ROOT + ".message..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            ROOT + ".http..",
            ROOT + ".forward..",
            ROOT + ".upstream..",
            ROOT + ".balance..",
            ROOT + ".route..",
            ROOT + ".worker..",
            ROOT + ".telemetry..")
        .check(PROXY);
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".balance..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ROOT + ".http..", ROOT + ".upstream..", ROOT + ".forward..")
        .check(PROXY);
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".route..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ROOT + ".http..", ROOT + ".upstream..", ROOT + ".forward..")
        .check(PROXY);
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".upstream..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ROOT + ".forward..", ROOT + ".listen..")
        .check(PROXY);
  }

  @Test
  void packagesHaveNoCycle() {
    slices().matching(ROOT + ".(**)").should().beFreeOfCycles().check(PROXY);
  }

  @Test
  void namesSayWhatThingsAre() {
    classes()
        .should()
        .haveSimpleNameNotEndingWith("Manager")
        .andShould()
        .haveSimpleNameNotEndingWith("Helper")
        .andShould()
        .haveSimpleNameNotEndingWith("Util")
        .andShould()
        .haveSimpleNameNotEndingWith("Utils")
        .andShould()
        .haveSimpleNameNotEndingWith("Impl")
        .andShould()
        .haveSimpleNameNotEndingWith("Base")
        .andShould()
        .haveSimpleNameNotEndingWith("Data")
        .andShould()
        .haveSimpleNameNotEndingWith("Info")
        .andShould()
        .haveSimpleNameNotEndingWith("Processor")
        .andShould()
        .haveSimpleNameNotEndingWith("Wrapper")
        .andShould()
        .haveSimpleNameNotStartingWith("Abstract")
        .check(PROXY);
  }
}
