package dev.outrigger.controlplane.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.source.Problem.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileSourceTest {
  @TempDir Path folder;

  private static String service(String name, int port) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: shop}
    spec: {ports: [{port: %d}]}
    """
        .formatted(name, port);
  }

  private void write(String file, String... documents) throws IOException {
    Files.writeString(folder.resolve(file), String.join("---\n", documents));
  }

  private static int portOf(ModelSource source, String name) {
    var service = source.reading().state().service(new ServiceName(name, "shop"));
    return service == null ? 0 : service.ports().getFirst().port();
  }

  @Test
  void keepsTheLastGoodVersionOfABadDocumentWhileOthersGoOn() throws IOException {
    write("a.yaml", service("one", 1), service("two", 1));
    FileSource source = FileSource.still(folder);

    write("a.yaml", service("one", 2).replace("ports", "prts"), service("two", 2));
    source.refresh();

    assertThat(portOf(source, "one")).isEqualTo(1);
    assertThat(portOf(source, "two")).isEqualTo(2);
    assertThat(source.reading().problems())
        .extracting(Problem::code)
        .containsExactlyInAnyOrder(Code.UNKNOWN_FIELD, Code.MISSING_FIELD);

    write("a.yaml", service("one", 3), service("two", 3));
    source.refresh();

    assertThat(portOf(source, "one")).isEqualTo(3);
    assertThat(source.reading().problems()).isEmpty();
  }

  @Test
  void keepsEverythingOfAFileWhoseBadDocumentCannotBeTold() throws IOException {
    write("a.yaml", service("one", 1), service("two", 1));
    FileSource source = FileSource.still(folder);

    write("a.yaml", "kind: \"Serv\n", service("two", 2));
    source.refresh();

    assertThat(portOf(source, "one")).isEqualTo(1);
    assertThat(portOf(source, "two")).isEqualTo(2);
  }

  @Test
  void removesWhatIsRemoved() throws IOException {
    write("a.yaml", service("one", 1), service("two", 1));
    write("b.yml", service("three", 1));
    write("notes.txt", "not read");
    FileSource source = FileSource.still(folder);
    assertThat(source.reading().state().services()).hasSize(3);

    write("a.yaml", service("one", 1));
    Files.delete(folder.resolve("b.yml"));
    source.refresh();

    assertThat(source.reading().state().services())
        .extracting(service -> service.meta().name())
        .containsExactly("one");
  }

  @Test
  void keepsAllOfAFileThatIsNoLongerText() throws IOException {
    write("a.yaml", service("one", 1));
    FileSource source = FileSource.still(folder);

    Files.write(folder.resolve("a.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    source.refresh();

    assertThat(portOf(source, "one")).isEqualTo(1);
    assertThat(source.reading().problems())
        .extracting(Problem::code)
        .containsExactly(Code.UNREADABLE);
  }

  @Test
  void refusesAFileThatIsTooLargeAndKeepsWhatItSaid() throws IOException {
    write("a.yaml", service("one", 1));
    FileSource source = FileSource.still(folder);

    write("a.yaml", service("one", 2) + "#".repeat(YamlFiles.MAX_FILE_BYTES));
    source.refresh();

    assertThat(portOf(source, "one")).isEqualTo(1);
    assertThat(source.reading().problems()).extracting(Problem::code).containsExactly(Code.LIMIT);
  }

  @Test
  void keepsEverythingWhenTheFolderVanishes() throws IOException {
    Path mesh = Files.createDirectory(folder.resolve("mesh"));
    Files.writeString(mesh.resolve("a.yaml"), service("one", 1));
    FileSource source = FileSource.still(mesh);

    Files.move(mesh, folder.resolve("elsewhere"));
    source.refresh();

    assertThat(portOf(source, "one")).isEqualTo(1);
    assertThat(source.reading().problems()).isNotEmpty();
  }

  @Test
  void countsTheFirstOfTwoObjectsWithOneName() throws IOException {
    write("a.yaml", service("one", 1));
    write("b.yaml", service("one", 2));
    FileSource source = FileSource.still(folder);

    assertThat(portOf(source, "one")).isEqualTo(1);
    Problem problem = source.reading().problems().getFirst();
    assertThat(problem.code()).isEqualTo(Code.DUPLICATE_OBJECT);
    assertThat(problem.file()).endsWith("b.yaml");
    assertThat(problem.hint()).contains("a.yaml:3");
  }

  @Test
  void followsAnObjectThatMovesToAnotherFile() throws IOException {
    write("a.yaml", service("one", 1), service("two", 1));
    FileSource source = FileSource.still(folder);

    write("a.yaml", "broken: [\n");
    write("b.yaml", service("one", 2));
    source.refresh();

    assertThat(portOf(source, "one")).isEqualTo(2);
    assertThat(portOf(source, "two")).isEqualTo(1);
  }

  @Test
  void saysNothingWhereNothingChanged() throws IOException {
    write("a.yaml", service("one", 1));
    FileSource source = FileSource.still(folder);
    AtomicInteger changes = new AtomicInteger();
    source.onChange(changes::incrementAndGet);

    source.refresh();
    write("a.yaml", "# a comment\n" + service("one", 1));
    source.refresh();

    assertThat(changes).hasValue(0);
    assertThat(source.reading().generation()).isEqualTo(1);
  }

  @Test
  void seesAtomicReplacesAndSwappedLinks() throws IOException {
    Path first = Files.createDirectory(folder.resolve("..first"));
    Path second = Files.createDirectory(folder.resolve("..second"));
    Files.writeString(first.resolve("a.yaml"), service("one", 1));
    Files.writeString(second.resolve("a.yaml"), service("one", 2));
    Files.createSymbolicLink(folder.resolve("..data"), first.getFileName());
    Files.createSymbolicLink(folder.resolve("a.yaml"), Path.of("..data/a.yaml"));
    try (FileSource source = FileSource.watching(folder)) {
      assertThat(portOf(source, "one")).isEqualTo(1);

      Files.createSymbolicLink(folder.resolve("..next"), second.getFileName());
      Files.move(
          folder.resolve("..next"), folder.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);

      await().atMost(Duration.ofSeconds(10)).until(() -> portOf(source, "one") == 2);

      Path temporary = folder.resolve("b.tmp");
      Files.writeString(temporary, service("two", 7));
      Files.move(temporary, folder.resolve("b.yaml"), StandardCopyOption.ATOMIC_MOVE);

      await().atMost(Duration.ofSeconds(10)).until(() -> portOf(source, "two") == 7);
    }
  }

  @Test
  void waitsForAFolderThatIsNotThereYet() throws IOException {
    Path mesh = folder.resolve("mesh");
    try (FileSource source = FileSource.watching(mesh)) {
      assertThat(source.reading().problems())
          .extracting(Problem::code)
          .containsExactly(Code.UNREADABLE);

      Files.createDirectory(mesh);
      Files.writeString(mesh.resolve("a.yaml"), service("one", 1));

      await().atMost(Duration.ofSeconds(10)).until(() -> portOf(source, "one") == 1);
      assertThat(source.reading().problems()).isEmpty();
    }
  }
}
